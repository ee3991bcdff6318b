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
import pyarrow.compute as pc

from eclip.products.catalogs import CATALOG_KEYS, Conflict, assign_catalogs
from eclip.products.catalogs.facts import telling_attributes
from eclip.products.duplicates.components import key_codes, loss_groups
from eclip.products.duplicates.exact import placeholder_pictures, product_names
from eclip.products.duplicates.hamming import near_pairs
from eclip.products.duplicates.keys import ListingColumns
from eclip.products.duplicates.near import Confirm, find_near_duplicates
from eclip.products.duplicates.pixels import same_picture
from eclip.products.pictures.picture import NEAR_BLANK
from eclip.products.plainlists import shared_texts
from eclip.products.split import assign_splits
from eclip.products.stagetimes import StageTimes
from eclip.schema import PRODUCTS_SCHEMA, WHOLE_FEED_COLUMNS

_GIVEN_IDS = {"catalog_id": "feed_catalog_id", "model_id": "feed_model_id"}  # as the feed gave them
KEY_COLUMNS = (*(_GIVEN_IDS.get(name, name) for name in CATALOG_KEYS), "perceptual_hash", "flags")
WHOLE_FEED_SCHEMA = pa.schema([PRODUCTS_SCHEMA.field(name) for name in WHOLE_FEED_COLUMNS])
PLACEHOLDER = "picture stands under many different products"
CATALOG_RADIUS = 4  # bits; pictures that near, with agreeing titles, are evidence for one catalog
_FACTS = ("gtin", "model_number", "brand")  # two near duplicates may not differ in
_NAMING = ("gtin", "model_number")  # facts that name one product
_LOOKED_AT = 256  # pairs of pictures decoded at once
_MATES = 32  # rows under one picture that each of them is compared with

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
    keys: pa.Table,
    read_pictures: ReadPictures,
    *,
    settled: Mapping[str, str] | None = None,
    times: StageTimes | None = None,
) -> WholeFeed:
    """Fill the whole-feed columns.

    Args:
        keys: `KEY_COLUMNS` of all listings.
        read_pictures: Encoded pictures of some rows, for a last look at what seems to repeat.
        settled: Product id -> split of listings that were in the store before an update.
        times: Where the time of each stage is counted.
    """
    times = times or StageTimes()
    values = _plain_columns(keys)
    ids = values["product_id"]
    with times.stage("duplicates"):
        placeholders = _placeholders(values)
        telling = _telling_pictures(keys, placeholders)
        look = last_look(read_pictures, key_codes(values["image_hash"]))
        confirm = _unless_named_alike(values, look)
        repeated = find_near_duplicates(_listing_columns(keys, values, telling), confirm=confirm)
    with times.stage("catalogs"):
        grouped = assign_catalogs(_catalog_columns(keys, values), near_rows(keys, telling), confirm=look)
    with times.stage("groups and splits"):
        told = [image_hash if tells else None for image_hash, tells in zip(values["image_hash"], telling, strict=True)]
        groups = loss_groups(values["title"], told, grouped.catalog_id)
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
        loss_groups=int(groups.max(initial=-1)) + 1,
        splits=dict(Counter(splits)),
    )


def _plain_columns(keys: pa.Table) -> dict[str, list[Any]]:
    """The columns of texts, as lists in which equal texts are one object: sellers and brands repeat."""
    return {name: shared_texts(keys[name]) for name in keys.column_names if pa.types.is_string(keys[name].type)}


def _listing_columns(keys: pa.Table, values: Mapping[str, list[Any]], telling: np.ndarray) -> ListingColumns:
    """What duplicates are told by."""
    return ListingColumns(
        titles=values["title"],
        sellers=values["seller"],
        image_hashes=values["image_hash"],
        perceptual_hashes=_picture_hashes(keys),
        telling=telling,
        catalog_ids=values["feed_catalog_id"],
        facts={name: values[name] for name in _FACTS},
    )


def _catalog_columns(keys: pa.Table, values: Mapping[str, list[Any]]) -> dict[str, Sequence[Any]]:
    """What catalogs are told by, under their own names; of the attributes only those that tell."""
    columns: dict[str, Sequence[Any]] = {
        name: values[_GIVEN_IDS.get(name, name)] for name in CATALOG_KEYS if _GIVEN_IDS.get(name, name) in values
    }
    return {**columns, "price": keys["price"].to_pylist(), "attributes": telling_attributes(keys["attributes"])}


def _picture_hashes(keys: pa.Table) -> np.ndarray:
    return keys["perceptual_hash"].fill_null(0).to_numpy()


def _placeholders(values: Mapping[str, list[Any]]) -> set[str]:
    """Pictures under many different products: models, catalogs, else titles."""
    names = product_names(values["feed_model_id"], values["feed_catalog_id"], values["title"])
    return placeholder_pictures(values["image_hash"], names)


def _telling_pictures(keys: pa.Table, placeholders: set[str]) -> np.ndarray:
    """Mask [N] of the rows whose picture says something: none that is missing, blank or a placeholder."""
    telling = keys["perceptual_hash"].is_valid().to_numpy()
    telling &= ~pc.is_in(keys["image_hash"], value_set=pa.array(sorted(placeholders), pa.string())).to_numpy()
    flags = keys["flags"].combine_chunks()
    blank = pc.equal(pc.list_flatten(flags), NEAR_BLANK).to_numpy(zero_copy_only=False).astype(bool)
    telling[pc.list_parent_indices(flags).to_numpy()[blank]] = False
    return telling


def near_rows(keys: pa.Table, telling: np.ndarray) -> np.ndarray:
    """Pairs [P, 2] of rows whose pictures are near, equal ones among them.

    Of rows with one hash each meets the `_MATES` next ones in the order of titles, so that thousands of offers
    under one picture cost as many pairs, not their square.
    """
    by_title = pc.sort_indices(keys, sort_keys=[("title", "ascending"), ("product_id", "ascending")]).to_numpy()
    rows = by_title[telling[by_title]].astype(np.int64)
    blocks = near_pairs(_picture_hashes(keys)[rows], CATALOG_RADIUS, mates=_MATES)
    found = [np.stack([rows[p.left], rows[p.right]], axis=1) for p in blocks]
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


def last_look(read_pictures: ReadPictures, pixels: np.ndarray) -> Confirm:
    """Whether the pictures of two listings [P] show the same shot: hashes see neither colour nor detail.

    Args:
        read_pictures: Encoded pictures of some rows.
        pixels: [N] int64 the same number for equal pixels, which need no look; -1 without a picture.
    """

    def confirm(later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
        same = (pixels[later] == pixels[earlier]) & (pixels[later] >= 0)
        unsure = np.flatnonzero(~same)
        for start in range(0, len(unsure), _LOOKED_AT):
            some = unsure[start : start + _LOOKED_AT]
            pairs = zip(read_pictures(later[some].tolist()), read_pictures(earlier[some].tolist()), strict=True)
            same[some] = [one is not None and two is not None and same_picture(one, two) for one, two in pairs]
        return same

    return confirm
