"""The columns of a store that only a view of all listings can fill: duplicates, catalogs, loss groups, split.

Key columns of all rows are held at once (no picture is, but those of suspected duplicates, a few at a time); what
comes out depends on them alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from eclip.products.catalogs import CATALOG_KEYS, Conflict, assign_catalogs
from eclip.products.duplicates.components import folded_titles, loss_groups
from eclip.products.duplicates.exact import placeholder_pictures
from eclip.products.duplicates.hamming import near_pairs
from eclip.products.duplicates.keys import ListingColumns
from eclip.products.duplicates.near import Confirm, find_near_duplicates
from eclip.products.duplicates.pixels import same_picture
from eclip.products.pictures.picture import NEAR_BLANK
from eclip.products.split import assign_splits
from eclip.schema import PRODUCTS_SCHEMA, WHOLE_FEED_COLUMNS

_GIVEN_IDS = {"catalog_id": "feed_catalog_id", "model_id": "feed_model_id"}  # as the feed gave them
KEY_COLUMNS = (*(_GIVEN_IDS.get(name, name) for name in CATALOG_KEYS), "perceptual_hash", "flags")
WHOLE_FEED_SCHEMA = pa.schema([PRODUCTS_SCHEMA.field(name) for name in WHOLE_FEED_COLUMNS])
PLACEHOLDER = "picture stands under many different products"
CATALOG_RADIUS = 4  # bits; pictures that near, with agreeing titles, are evidence for one catalog
_FACTS = ("gtin", "model_number", "brand")  # two near duplicates may not differ in
_NAMING = ("gtin", "model_number")  # facts that name one product
_LOOKED_AT = 256  # pairs of pictures decoded at once

ReadPictures = Callable[[Sequence[int]], list[bytes | None]]


@dataclass(frozen=True, kw_only=True)
class WholeFeed:
    """What a view of all rows told.

    Attributes:
        columns: One row a listing, in the listings' order, in `WHOLE_FEED_SCHEMA`.
        duplicates: Listings that repeat another.
        placeholders: Pictures that stand under many different products and so prove nothing.
        catalogs: Different catalogs, given and inferred.
        conflicts: Links between listings that something contradicts.
        loss_groups: Groups of the loss.
        splits: Listings of each split.
    """

    columns: pa.Table
    duplicates: int
    placeholders: int
    catalogs: int
    conflicts: list[Conflict]
    loss_groups: int
    splits: dict[str, int] = field(default_factory=dict)


def view_whole_feed(
    keys: pa.Table, read_pictures: ReadPictures, *, settled: Mapping[str, str] | None = None
) -> WholeFeed:
    """Fill the whole-feed columns.

    Args:
        keys: `KEY_COLUMNS` of all listings.
        read_pictures: Encoded pictures of some rows, for a last look at what seems to repeat.
        settled: Product id -> split of listings that were in the store before an update.
    """
    values = keys.to_pydict()
    ids, titles = values["product_id"], values["title"]
    placeholders = _placeholders(values)
    telling = _telling_pictures(values, placeholders)
    pictures = keys["perceptual_hash"].fill_null(0).to_numpy()
    listings = ListingColumns(
        titles=titles,
        sellers=values["seller"],
        image_hashes=values["image_hash"],
        perceptual_hashes=pictures,
        telling=telling,
        catalog_ids=values["feed_catalog_id"],
        facts={name: values[name] for name in _FACTS},
    )
    look = _last_look(read_pictures)
    repeated = find_near_duplicates(listings, confirm=_unless_named_alike(values, look))
    given = keys.rename_columns([next((k for k, v in _GIVEN_IDS.items() if v == n), n) for n in keys.column_names])
    grouped = assign_catalogs(given.select(CATALOG_KEYS), _near_rows(pictures, telling), confirm=look)
    groups = loss_groups(
        titles,
        [image_hash if tells else None for image_hash, tells in zip(values["image_hash"], telling, strict=True)],
        grouped.catalog_id,
    )
    splits = assign_splits(ids, grouped.catalog_id, grouped.model_id, repeated.originals, settled=settled)
    columns = {
        "duplicate_of": [ids[original] if original >= 0 else None for original in repeated.originals.tolist()],
        "duplicate_reason": repeated.reasons,
        "catalog_id": grouped.catalog_id,
        "catalog_reason": grouped.catalog_reason,
        "model_id": grouped.model_id,
        "loss_group": groups,
        "review_flags": [
            [*([PLACEHOLDER] if image_hash in placeholders else []), *flags]
            for image_hash, flags in zip(values["image_hash"], grouped.flags, strict=True)
        ],
        "split": splits,
    }
    return WholeFeed(
        columns=pa.table(columns, schema=WHOLE_FEED_SCHEMA),
        duplicates=int((repeated.originals >= 0).sum()),
        placeholders=len(placeholders),
        catalogs=len({catalog for catalog in grouped.catalog_id if catalog}),
        conflicts=grouped.conflicts,
        loss_groups=int(groups.max()) + 1,
        splits=dict(Counter(splits)),
    )


def _placeholders(values: Mapping[str, list[Any]]) -> set[str]:
    """Pictures under many different products: models, catalogs, else titles."""
    names = zip(values["feed_model_id"], values["feed_catalog_id"], folded_titles(values["title"]), strict=True)
    return placeholder_pictures(values["image_hash"], [model or catalog or title for model, catalog, title in names])


def _telling_pictures(values: Mapping[str, list[Any]], placeholders: set[str]) -> np.ndarray:
    """Mask [N] of the rows whose picture says something: none that is missing, blank or a placeholder."""
    rows = zip(values["perceptual_hash"], values["image_hash"], values["flags"], strict=True)
    return np.array(
        [
            picture is not None and image_hash not in placeholders and NEAR_BLANK not in (flags or ())
            for picture, image_hash, flags in rows
        ],
        dtype=bool,
    )


def _near_rows(pictures: np.ndarray, telling: np.ndarray) -> np.ndarray:
    """Pairs [P, 2] of rows whose pictures are near, equal ones among them."""
    rows = np.flatnonzero(telling)
    found = [np.stack([rows[p.left], rows[p.right]], axis=1) for p in near_pairs(pictures[rows], CATALOG_RADIUS)]
    return np.concatenate(found) if found else np.zeros((0, 2), dtype=np.int64)


def _unless_named_alike(values: Mapping[str, list[Any]], look: Confirm) -> Confirm:
    """As `look`, but a barcode or model number that both listings give is as good as a look at the pictures."""

    def confirm(later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
        pairs = zip(later.tolist(), earlier.tolist(), strict=True)
        same = np.array(
            [
                any(values[name][one] is not None and values[name][one] == values[name][two] for name in _NAMING)
                for one, two in pairs
            ],
            dtype=bool,
        )
        same[~same] = look(later[~same], earlier[~same])
        return same

    return confirm


def _last_look(read_pictures: ReadPictures) -> Confirm:
    """Whether the pictures of two listings [P] show the same shot: hashes see neither colour nor detail."""

    def confirm(later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
        same = np.zeros(len(later), dtype=bool)
        for start in range(0, len(later), _LOOKED_AT):
            some = slice(start, start + _LOOKED_AT)
            pairs = zip(read_pictures(later[some].tolist()), read_pictures(earlier[some].tolist()), strict=True)
            same[some] = [one is not None and two is not None and same_picture(one, two) for one, two in pairs]
        return same

    return confirm
