"""Finding products by text and picture."""
