"""How each kind of product is drawn: one function a leaf category, over one small canvas."""
