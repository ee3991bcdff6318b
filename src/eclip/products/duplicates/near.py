"""Which listings repeat an earlier one: the same seller's offer, listed again with small changes.

The same product from another seller is no duplicate: catalogs tell that. A listing repeats the first original
that it agrees with, in the order of the rows:

- exactly: same title, seller and picture (or no picture on both, but then a named seller), or else nearly:
- the same seller, and a named one (a feed without sellers is a shop's own range, where like is beside like);
  the same numbers with units, sizes and packs in the title ("500ml" never repeats "1l"); no two
  different colours; one title has all words of the other and at most half as many beside; and perceptual
  hashes within the radius. Without pictures the titles must have the same words, in any order.
- No fact that both give differs: catalog, barcode, model number, brand, ... A duplicate's facts become its
  original's: what would contradict one of them is no duplicate of the same original.

Only earlier originals count, so a row's answer never depends on later rows: finding in batches, in order,
equals finding at once (`eclip.products.duplicates.index`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eclip.products.duplicates.exact import SAME_CONTENT, SAME_TEXT
from eclip.products.duplicates.keys import ListingColumns

if TYPE_CHECKING:
    from eclip.products.duplicates.index import DuplicateIndex

NEAR_RADIUS = 8
Confirm = Callable[[np.ndarray, np.ndarray], np.ndarray]
NEAR_PICTURE = "same seller, title and picture nearly the same"
NEAR_WORDS = "same seller and words, no picture"


@dataclass(frozen=True)
class Duplicates:
    """What was found about M listings.

    Attributes:
        originals: [M] int64 row of the listing that each repeats, counted over all rows, those of an index
            first; -1 = it is new.
        kinds: [M] uint8, of `link_loops`: what tells it.
        plain: [M] bool: the listing has no picture.
    """

    originals: np.ndarray
    kinds: np.ndarray
    plain: np.ndarray

    @property
    def reasons(self) -> list[str | None]:
        """In words; None = it is new."""
        texts = np.array([[None, SAME_CONTENT, NEAR_PICTURE], [None, SAME_TEXT, NEAR_WORDS]], dtype=object)
        return list(texts[self.plain.astype(int), self.kinds])


def find_near_duplicates(
    listings: ListingColumns, *, radius: int = NEAR_RADIUS, confirm: Confirm | None = None
) -> Duplicates:
    """Exact and near duplicates among these listings; rows of the originals count from 0.

    Args:
        listings: Their columns.
        radius: Bits in which the perceptual hashes of near pictures may differ.
        confirm: Given [P] later and [P] earlier rows whose pictures seem near, says [P] which are; None = all.
            `eclip.products.duplicates.pixels.same_picture` is the judge that it is meant for.
    """
    return empty_index(listings, radius=radius).find(listings, confirm=confirm)


def empty_index(listings: ListingColumns, *, radius: int = NEAR_RADIUS) -> DuplicateIndex:
    """An index without rows for listings with such facts."""
    from eclip.products.duplicates.index import DuplicateIndex

    return DuplicateIndex.empty(tuple(listings.facts), radius=radius)
