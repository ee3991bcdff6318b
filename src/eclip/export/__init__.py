"""A model for others: as graphs for inference engines, or as folders that other libraries read."""
