"""Product matching: are two listings the same product?

Truth is the catalog ("the same sellable item over sellers"), or, in a store without enough of them, the
model ("its colours and sizes together"); results say which level. Pairs are drawn within one split: mates,
and for each of them strangers that look alike (neighbours by vectors and by title words) or are random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.results import Skipped

NAME = "matching"
MIN_GROUPS = 20  # groups of two or more train listings, below which a level is not learned


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Which listings are one product."""

    level: str  # "catalog" or "model"
    ids: np.ndarray  # [N] int64; -1 = not known


def product_groups(catalogue: Catalogue) -> Groups | Skipped:
    """The finest level that has enough groups; exact duplicates of another listing stay out of it."""
    train = catalogue.rows_of(SPLITS[0])
    found = []
    for level, names in (("catalog", catalogue.catalog_ids), ("model", catalogue.model_ids)):
        ids = np.full(catalogue.num_rows, -1, dtype=np.int64)
        numbers: dict[str, int] = {}
        for row, (name, original) in enumerate(zip(names, catalogue.duplicate_of, strict=True)):
            if name is not None and original is None:
                ids[row] = numbers.setdefault(name, len(numbers))
        known = ids[train]
        num_groups = int((np.bincount(known[known >= 0]) >= 2).sum()) if (known >= 0).any() else 0
        if num_groups >= MIN_GROUPS:
            return Groups(level=level, ids=ids)
        found.append(f"{num_groups} by {level}")
    return Skipped(
        task=NAME,
        reason=f"too few groups of two or more train listings ({', '.join(found)}), {MIN_GROUPS} are needed",
    )
