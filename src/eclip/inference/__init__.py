"""Vectors fast: one interface over several engines that run the towers."""
