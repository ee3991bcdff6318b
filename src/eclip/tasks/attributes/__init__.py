"""Attribute extraction."""
