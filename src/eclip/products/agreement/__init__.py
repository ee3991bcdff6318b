"""Pair agreement: does a listing's picture show what its title and category say?

A model that was trained on a feed has learned its wrong pairs along with the right ones, so how near it puts a
picture to its own title says little. What it can be trusted with is pictures alone: alike ones lie near each
other. `words` turns what listings say into numbers, `information` learns from the *other* listings which pictures
go with which words, `calibrate` turns that into a probability, `check` writes it into a store.
"""
