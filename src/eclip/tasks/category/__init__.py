"""Category classification."""
