"""Measuring the tasks, and the report of it."""
