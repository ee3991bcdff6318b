"""Repeated listings: exact ones, near ones, by blocking and never all against all.

`exact` finds the same content, `hamming` near pictures, `titles` near titles, `near` decides which listings
repeat an earlier one, `index` answers the same for new listings of a growing store.
"""
