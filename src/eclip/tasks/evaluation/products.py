"""Which listings are one product to the statistics: what is resampled together, and must not stand on two sides."""

from __future__ import annotations

import numpy as np

from eclip.products.duplicates.components import components
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.intervals import group_buckets


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


def straddling(catalogue: Catalogue) -> tuple[int, int]:
    """How many products stand on both sides, in train or validation and in test, and with how many test listings.

    `eclip prepare` splits by product; an update may link what it had split before, and a listing stays where it is.
    """
    numbers = product_numbers(catalogue)
    test = catalogue.within(SPLITS[2])
    both = np.intersect1d(numbers[test], numbers[~test & np.isin(catalogue.split, SPLITS[:2])])
    return len(both), int(np.isin(numbers[test], both).sum())
