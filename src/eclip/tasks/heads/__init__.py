"""Heads over vectors and over title terms: using, calibrating, fitting and storing them."""
