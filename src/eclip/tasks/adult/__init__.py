"""Adult product recognition."""
