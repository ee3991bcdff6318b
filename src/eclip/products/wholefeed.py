"""The columns of a store that only a view of all listings can fill: duplicates, catalogs, loss groups, split.

Key columns of all rows are held at once (no picture is); what comes out depends on them alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from eclip.products.duplicates.components import folded_titles, loss_groups
from eclip.products.duplicates.exact import find_duplicates, placeholder_pictures
from eclip.products.split import assign_splits
from eclip.schema import PRODUCTS_SCHEMA, WHOLE_FEED_COLUMNS

KEY_COLUMNS = ("product_id", "title", "seller", "feed_catalog_id", "feed_model_id", "image_hash")
WHOLE_FEED_SCHEMA = pa.schema([PRODUCTS_SCHEMA.field(name) for name in WHOLE_FEED_COLUMNS])
PLACEHOLDER = "picture stands under many different products"


@dataclass(frozen=True, kw_only=True)
class WholeFeed:
    """What a view of all rows told.

    Attributes:
        columns: One row a listing, in the listings' order, in `WHOLE_FEED_SCHEMA`.
        duplicates: Listings that repeat another.
        placeholders: Pictures that stand under many different products and so prove nothing.
        catalogs: Different catalogs, given and inferred.
        loss_groups: Groups of the loss.
        splits: Listings of each split.
    """

    columns: pa.Table
    duplicates: int
    placeholders: int
    catalogs: int
    loss_groups: int
    splits: dict[str, int] = field(default_factory=dict)


def view_whole_feed(keys: pa.Table, *, settled: Mapping[str, str] | None = None) -> WholeFeed:
    """Fill the whole-feed columns.

    Args:
        keys: `KEY_COLUMNS` of all listings.
        settled: Product id -> split of listings that were in the store before an update.
    """
    values = keys.to_pydict()
    ids, titles, hashes = values["product_id"], values["title"], values["image_hash"]
    catalogs, models = values["feed_catalog_id"], values["feed_model_id"]
    originals, reasons = find_duplicates(titles, values["seller"], hashes, catalogs)
    identity = [
        model or catalog or title for model, catalog, title in zip(models, catalogs, folded_titles(titles), strict=True)
    ]
    placeholders = placeholder_pictures(hashes, identity)
    telling = [None if image_hash in placeholders else image_hash for image_hash in hashes]
    groups = loss_groups(titles, telling, catalogs)
    splits = assign_splits(ids, catalogs, models, originals, settled=settled)
    columns = {
        "duplicate_of": [ids[original] if original >= 0 else None for original in originals.tolist()],
        "duplicate_reason": reasons,
        "catalog_id": catalogs,
        "catalog_reason": ["given" if catalog else None for catalog in catalogs],
        "model_id": models,
        "loss_group": groups,
        "review_flags": [[PLACEHOLDER] if image_hash in placeholders else [] for image_hash in hashes],
        "split": splits,
    }
    return WholeFeed(
        columns=pa.table(columns, schema=WHOLE_FEED_SCHEMA),
        duplicates=int((originals >= 0).sum()),
        placeholders=len(placeholders),
        catalogs=len({catalog for catalog in catalogs if catalog}),
        loss_groups=int(groups.max()) + 1,
        splits=dict(Counter(splits)),
    )
