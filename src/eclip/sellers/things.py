"""What listings show, as numbers: the same for one picture, or one title, whoever's listing it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from eclip.products.duplicates.components import folded_titles
from eclip.products.duplicates.hamming import near_pairs
from eclip.products.duplicates.near import NEAR_RADIUS
from eclip.products.duplicates.titles import TitleGroups
from eclip.products.duplicates.titlewords import TitleWords

TITLE_SIMILARITY = 0.8  # Jaccard, of shingles; the numbers in both must agree as well
_MATES = 32  # rows under one picture that each of them is compared with

SameShot = Callable[[np.ndarray, np.ndarray], np.ndarray]


def picture_things(hashes: np.ndarray, telling: np.ndarray, same_shot: SameShot) -> np.ndarray:
    """[N] int64 the same number for listings that show the same shot; -1 where the picture tells nothing.

    Args:
        hashes: [N] uint64 perceptual hashes.
        telling: [N] bool, false for placeholders, blank and missing pictures.
        same_shot: Given [P] and [P] rows whose hashes are near, says [P] which show the same shot.
    """
    rows = np.flatnonzero(telling)
    ends = [np.zeros((2, 0), dtype=np.int64)]
    for block in near_pairs(hashes[rows], NEAR_RADIUS, mates=_MATES):
        ends.append(np.stack([rows[block.left], rows[block.right]]))
    one, two = np.concatenate(ends, axis=1)
    same = same_shot(one, two)
    return np.where(telling, _joined(len(hashes), one[same], two[same]), -1)


def title_things(titles: Sequence[str | None]) -> np.ndarray:
    """[N] int64 the same number for titles of (nearly) the same shingles and the same numbers; -1 without words."""
    groups = TitleGroups.of(titles)
    numbers = TitleWords.of(folded_titles(titles)).numbers
    told = np.flatnonzero(groups.set_of >= 0)
    num_sets = int(groups.set_of.max(initial=-1)) + 1
    of_set = np.zeros(num_sets, dtype=np.uint64)
    of_set[groups.set_of[told]] = numbers[told]
    ends = [np.zeros((2, 0), dtype=np.int64)]
    for block in groups.pairs(TITLE_SIMILARITY):
        agree = of_set[block.left] == of_set[block.right]
        ends.append(np.stack([block.left[agree], block.right[agree]]))
    one, two = np.concatenate(ends, axis=1)
    joined = _joined(num_sets, one, two)
    out = np.full(len(titles), -1, dtype=np.int64)
    out[told] = joined[groups.set_of[told]]
    return out


def _joined(num: int, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """[num] the component of each under the edges."""
    edges = coo_array((np.ones(len(one), dtype=np.int8), (one, two)), shape=(num, num))
    return np.asarray(connected_components(edges, directed=False)[1], dtype=np.int64)
