"""Cleaning on all cores of one machine or of a Ray cluster: one Daft function over batches, the same for both."""
