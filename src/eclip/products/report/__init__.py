"""The report of a store: what came of a feed, for the person whose feed it is.

`figures` counts, `sheets` chooses real groups to look at, `treemap` lays categories out, `page` renders one
HTML file that needs no network and no script.
"""
