"""Finding the several products of one cluttered photo."""
