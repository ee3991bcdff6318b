"""Product matching."""
