"""What is wrong with an installation, a store or a model, in words, and what to do about it."""
