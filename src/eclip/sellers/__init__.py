"""Sellers, not rows: whose listings are in trouble more often than the shop's, and who shows the same things together."""
