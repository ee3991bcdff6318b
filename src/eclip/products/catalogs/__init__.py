"""Catalogs: the listings of one sellable item over all sellers, from what the feed itself tells.

`assign_catalogs` is the whole story: rows become evidence (`links`), evidence is taken strongest first, and two
groups become one catalog only where none of their listings contradicts another (`conflicts`).
"""

from __future__ import annotations

from eclip.products.catalogs.assign import CATALOG_KEYS, CatalogAssignment, Conflict, assign_catalogs

__all__ = ["CATALOG_KEYS", "CatalogAssignment", "Conflict", "assign_catalogs"]
