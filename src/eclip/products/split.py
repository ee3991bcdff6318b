"""Train, validation or test: drawn by a hash, so the same listing falls on the same side for ever.

What belongs together goes together: listings of one catalog or one model, and a duplicate with its original,
form a component; the component's name, not its rows, is hashed. The name is its least model id, else its
least catalog id, else its least product id ("least" = shortest, then first in the alphabet: ids mostly grow,
so later listings seldom rename a component). Order and size of the feed play no part.

A listing that is in the store stays where it is, whatever an update links it to; new listings go with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from eclip.products.duplicates.components import components
from eclip.schema import SPLIT_SHARES, SPLITS


def split_of(name: str) -> str:
    """The side on which a component of this name falls."""
    digest = hashlib.blake2b(name.encode(), digest_size=8, person=b"eclip-split").digest()
    share = int.from_bytes(digest, "big") / 2**64
    bound = 0.0
    for split, part in zip(SPLITS, SPLIT_SHARES, strict=True):
        bound += part
        if share < bound:
            return split
    return SPLITS[-1]


def assign_splits(
    product_ids: Sequence[str],
    catalog_ids: Sequence[str | None],
    model_ids: Sequence[str | None],
    originals: np.ndarray,
    *,
    settled: Mapping[str, str] | None = None,
) -> list[str]:
    """The split of each listing.

    Args:
        product_ids: N ids, each once.
        catalog_ids: The catalog of each, or None.
        model_ids: The model of each, or None.
        originals: [N] position of the listing that a row duplicates; -1 = none.
        settled: Product id -> split of listings that were in the store before.
    """
    settled = settled or {}
    itself = np.where(originals >= 0, originals, np.arange(len(product_ids)))
    labels = components(len(product_ids), (catalog_ids, model_ids, itself.tolist()))
    names: dict[int, tuple[int, int, str]] = {}
    for row, label in enumerate(labels.tolist()):
        for rank, key in enumerate((model_ids[row], catalog_ids[row], product_ids[row])):
            if key is not None:
                name = (rank, len(key), key)
                names[label] = min(names.get(label, name), name)
                break
    kinds = ("model", "catalog", "product")
    splits = {label: split_of(f"{kinds[rank]}:{key}") for label, (rank, _, key) in names.items()}
    # Of listings that an update brought together from two sides the first one decides for the new ones.
    for product_id, label in zip(reversed(product_ids), reversed(labels.tolist()), strict=True):
        if product_id in settled:
            splits[label] = settled[product_id]
    return [settled.get(each, splits[label]) for each, label in zip(product_ids, labels.tolist(), strict=True)]
