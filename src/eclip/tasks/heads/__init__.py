"""Linear heads over vectors and over title terms: using, fitting and storing them."""
