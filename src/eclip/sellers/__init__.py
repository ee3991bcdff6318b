"""Sellers, not rows: whose listings are in trouble beyond chance, and who shows the same things as whom."""
