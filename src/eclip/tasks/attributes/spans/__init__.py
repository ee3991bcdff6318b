"""Open values out of titles: which words are the brand, the colour, the size, the material, the model number."""
