"""Feed to store: reading, cleaning, duplicates, catalogs, split. Never imports torch."""
