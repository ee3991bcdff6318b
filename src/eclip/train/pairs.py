"""The pairs of a store that a model learns from, and those it is watched on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eclip.errors import StoreError
from eclip.products.store import Store
from eclip.train.sampler import NO_CATEGORY, CategoryLevel

MIN_PAIRS = 16


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """P pairs of picture and title.

    Attributes:
        rows: Row positions in the store, [P].
        titles: Cleaned titles, P of them.
        groups: Loss group of each, [P]: members of one group must not repel each other.
        weights: How much each counts in the loss, [P].
        categories: Path of names from root to leaf of each, P of them; empty = unknown.
    """

    rows: np.ndarray
    titles: list[str]
    groups: np.ndarray
    weights: np.ndarray
    categories: list[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def digest(self) -> str:
        """Digest of which pairs there are and what they weigh: a check of the pairs changes it, and not the store's."""
        return hashlib.sha256(self.rows.tobytes() + self.weights.tobytes()).hexdigest()[:16]


def read_pairs(store: Store, split: str) -> Pairs:
    """The pairs of one split: products with a picture and a title that repeat no other listing."""
    columns = ["title", "image_hash", "duplicate_of", "weight", "loss_group", "split", "category"]
    table = store.table(columns).append_column("row", pa.array(np.arange(store.num_rows)))
    keep = pc.and_(
        pc.and_(pc.is_valid(table["title"]), pc.is_valid(table["image_hash"])),
        pc.and_(pc.is_null(table["duplicate_of"]), pc.equal(table["split"], split)),
    )
    table = table.filter(keep).filter(pc.greater(pc.field("weight"), 0))
    return Pairs(
        rows=table["row"].to_numpy(),
        titles=table["title"].to_pylist(),
        groups=table["loss_group"].to_numpy(),
        weights=table["weight"].to_numpy(),
        categories=[tuple(path or ()) for path in table["category"].to_pylist()],
    )


def category_numbers(pairs: Pairs, level: CategoryLevel) -> np.ndarray:
    """Number of each pair's leaf or parent category, [P]; `NO_CATEGORY` where unknown. A root is its own parent."""
    paths = [path if level == "leaf" else path[: max(len(path) - 1, 1)] for path in pairs.categories]
    numbers = {path: number for number, path in enumerate(sorted({path for path in paths if path}))}
    return np.array([numbers.get(path, NO_CATEGORY) for path in paths], dtype=np.int64)


def read_training_pairs(store: Store) -> Pairs:
    """The pairs of the train split.

    Raises:
        StoreError: There are too few to contrast.
    """
    pairs = read_pairs(store, "train")
    if len(pairs) < MIN_PAIRS:
        table = store.table(["title", "image_hash"])
        titles = table.num_rows - table["title"].null_count
        pictures = table.num_rows - table["image_hash"].null_count
        raise StoreError(
            f"{store.place} has {len(pairs)} products to train on with both a title and a picture (of "
            f"{table.num_rows} products {titles} have a title, {pictures} a readable picture); expected at least "
            f"{MIN_PAIRS}: check the columns given to `eclip prepare` and the rejects it reported"
        )
    return pairs
