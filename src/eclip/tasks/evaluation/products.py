"""Which listings are one product to the statistics: what is resampled together, and must not stand on two sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eclip.products.duplicates.components import components
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.intervals import group_buckets
from eclip.tasks.results import Skipped


def product_numbers(catalogue: Catalogue) -> np.ndarray:
    """[N] the same number for listings of one product: joined by a given catalog, a given model or a repetition."""
    itself = [original or own for own, original in zip(catalogue.product_ids, catalogue.duplicate_of, strict=True)]
    return components(catalogue.num_rows, (catalogue.catalog_ids, catalogue.model_ids, itself))


def product_buckets(catalogue: Catalogue) -> np.ndarray:
    """[N] the bucket of each listing's product (`eclip.tasks.intervals`), named by the least of its product ids."""
    numbers = product_numbers(catalogue)
    order = np.lexsort((catalogue.product_ids.astype(str), numbers))
    _, first = np.unique(numbers[order], return_index=True)
    return group_buckets(catalogue.product_ids[order[first]].tolist())[numbers]


def without_straddling(catalogue: Catalogue) -> tuple[Catalogue, Skipped | None]:
    """The catalogue without test listings whose product is in train or validation too, and what is said of them.

    `eclip prepare` splits by product; but an update may link what it had split before, and a listing stays where it is.
    Such listings are in no split here: a model that has learned a product is not praised for knowing it.
    """
    numbers = product_numbers(catalogue)
    test = catalogue.within(SPLITS[2])
    both = np.intersect1d(numbers[test], numbers[np.isin(catalogue.split, SPLITS[:2])])
    if not len(both):
        return catalogue, None
    left_out = np.isin(numbers, both) & (catalogue.split == SPLITS[2])
    reason = (
        f"{len(both):,} products stand in the train or validation split too: their {int((left_out & test).sum()):,} of "
        f"{int(test.sum()):,} test listings are left out of all figures"
    )
    split = catalogue.split.copy()
    split[left_out] = None
    return replace(catalogue, split=split), Skipped(task="splits", reason=reason)
