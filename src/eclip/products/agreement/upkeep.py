"""What a check of the pairs said, kept true while listings come, change and go: its weights and its counts.

A check scores the pairs that it sees. Those that come later are not judged here, and count fully until the next check;
but that a picture stands under many different products, or no longer does, is known without a model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eclip.products.dataset import open_dataset, put_columns
from eclip.products.manifest import PAIRS_CHECK
from eclip.products.store import Store
from eclip.products.wholefeed import PLACEHOLDER
from eclip.schema import PRODUCTS_DATASET, PRODUCTS_SCHEMA

DOUBTED_BELOW = 0.9  # counted as down-weighted
CHECKED_COLUMNS = ("product_id", "title", "image_hash", "review_flags", "pair_score", "weight")


def settle_placeholders(store: Store) -> None:
    """Weigh pairs under placeholder pictures in the products' newest version as a check would, if there was one.

    Args:
        store: As it was before its listings changed; their whole-feed columns are those of the newest version.
    """
    if PAIRS_CHECK not in store.manifest:
        return
    dataset = store.place.dataset(PRODUCTS_DATASET)
    now, before = open_dataset(dataset).to_table(columns=list(CHECKED_COLUMNS)), store.table(CHECKED_COLUMNS)
    scores, weights = _scores(now), now["weight"].to_numpy().copy()
    placeholders = placeholder_pairs(now)
    known = before["product_id"].filter(pa.array(placeholder_pairs(before)))
    was = pc.is_in(now["product_id"], value_set=known.combine_chunks()).to_numpy()
    freed = was & ~placeholders & (scores == 0)
    fallen = placeholders & ((scores != 0) | (weights != 0))
    if not (freed | fallen).any():
        return
    scores[fallen], weights[fallen] = 0, 0
    scores[freed], weights[freed] = np.nan, 1
    put_columns(dataset, score_columns(scores, weights))


def score_columns(scores: np.ndarray, weights: np.ndarray) -> pa.Table:
    """`pair_score` (NaN = null) and `weight` [N] as the products have them."""
    schema = pa.schema([PRODUCTS_SCHEMA.field(name) for name in ("pair_score", "weight")])
    columns = [pa.array(scores, pa.float32(), mask=np.isnan(scores)), pa.array(weights, pa.float32())]
    return pa.table(columns, schema=schema)


def placeholder_pairs(products: pa.Table) -> np.ndarray:
    """Mask [N] of the pairs whose picture stands under many different products.

    Args:
        products: `title` and `review_flags` of the listings.
    """
    flags = products["review_flags"].to_pylist()
    shared = np.array([PLACEHOLDER in (each or ()) for each in flags], dtype=bool)
    return shared & products["title"].is_valid().to_numpy()


def count_pairs(products: pa.Table) -> dict[str, int]:
    """What a check has come to: the counts of `CheckSummary`.

    Args:
        products: `CHECKED_COLUMNS` of all listings.
    """
    scores, weights, placeholders = _scores(products), products["weight"].to_numpy(), placeholder_pairs(products)
    scored = ~np.isnan(scores) & ~placeholders
    pairs = products["title"].is_valid().to_numpy() & products["image_hash"].is_valid().to_numpy()
    return {
        "pairs_scored": int(scored.sum()),
        "down_weighted": int((scored & (weights > 0) & (scores < DOUBTED_BELOW)).sum()),
        "dropped": int((scored & (weights == 0)).sum()),
        "placeholders": int(placeholders.sum()),
        "unscored": int((pairs & np.isnan(scores)).sum()),
    }


def recounted_check(manifest: dict[str, Any], products: Any) -> dict[str, Any]:
    """The part of a manifest that tells of the last check, its counts as they are now; empty where there was none.

    Args:
        manifest: As it was.
        products: The opened dataset that the new manifest will name.
    """
    if PAIRS_CHECK not in manifest:
        return {}
    return {PAIRS_CHECK: {**manifest[PAIRS_CHECK], **count_pairs(products.to_table(columns=list(CHECKED_COLUMNS)))}}


def _scores(products: pa.Table) -> np.ndarray:
    """Scores [N] float32, NaN where there is none; a copy."""
    return np.array(pc.fill_null(products["pair_score"], np.nan).to_numpy(), dtype=np.float32)
