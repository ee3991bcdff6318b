"""Vectors in bulk: into the store, or into Parquet."""
