"""A drawn multi-seller shop with known truth, any size: for the demo, the tests and scale."""
