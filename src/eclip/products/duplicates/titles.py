"""Near titles: pairs whose shingles agree, by MinHash and banding, each candidate compared exactly.

Broder: On the resemblance and containment of documents, 1997. Shingles are runs of characters, so short
titles, Korean and mixed scripts, moved words and slips of the fingers all leave most of them in place. Hash
functions are fixed: the same titles give the same pairs in every process.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eclip.products.duplicates.components import folded_titles
from eclip.products.duplicates.titlewords import letter_kinds, utf8_bytes

SHINGLE_LENGTH = 3  # characters
_BLOCK_PAIRS = 1 << 20
_HASHES = 192  # a multiple of 64; not all need be in a band
_MISSED = 0.01  # share of pairs at the very threshold that banding may miss; above it, far fewer
_DEVIATIONS = 4  # standard deviations of the bits in which sketches of a pair at the threshold differ
_COMPARED = 2048  # sets after each one in its bucket: bounds titles that differ in one word by the thousand


@dataclass(frozen=True)
class TitlePairs:
    """A block of pairs of rows, each pair once, left < right.

    Attributes:
        left: [P] int64 rows.
        right: [P] int64 rows.
        similarity: [P] float32 Jaccard similarity of their shingles.
    """

    left: np.ndarray
    right: np.ndarray
    similarity: np.ndarray


@dataclass(frozen=True)
class TitleGroups:
    """N titles by their sets of shingles.

    Attributes:
        set_of: [N] int64 which set; -1 = the title is missing or has no word.
        shingles: [S] uint32 hashes, sorted within each of U sets.
        starts: [U + 1] where each set starts.
    """

    set_of: np.ndarray
    shingles: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, titles: Sequence[str | None], *, shingle_length: int = SHINGLE_LENGTH) -> TitleGroups:
        """Read titles, upper and lower case alike."""
        from eclip.products.duplicates.shingle_loops import chosen_sets, find_shingles

        data, offsets = utf8_bytes(folded_titles(titles))
        shingles, starts, sets = find_shingles(data, offsets, letter_kinds(), shingle_length)
        worded = np.flatnonzero(np.diff(starts) > 0)
        _, first, codes = np.unique(sets[worded], return_index=True, return_inverse=True)
        set_of = np.full(len(sets), -1, dtype=np.int64)
        set_of[worded] = codes
        return cls(set_of, *chosen_sets(shingles, starts, worded[first]))

    def pairs(self, threshold: float, *, block_pairs: int = _BLOCK_PAIRS) -> Iterator[TitlePairs]:
        """Pairs of different sets with at least this Jaccard similarity."""
        from eclip.products.duplicates.shingle_loops import join_shingles, sign

        num_bands, depth = banding(threshold)
        seeds = np.random.Generator(np.random.Philox(0)).integers(1 << 31, size=(2, _HASHES))
        keys, sketches = sign(self.shingles, self.starts, (2 * seeds + 1).astype(np.uint32), num_bands, depth)
        room = max(block_pairs, _COMPARED)
        buffers = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.float32)
        differing = most_differing(threshold)
        alike = np.argsort(keys[0])  # within a bucket of another band, likely mates stand close together
        for band in range(num_bands):
            order = alike[np.argsort(keys[band][alike], kind="stable")]
            bucket = keys[band][order]
            cursor = np.zeros(1, dtype=np.int64)
            while cursor[0] < len(order):
                what = (
                    order,
                    bucket,
                    keys,
                    sketches,
                    band,
                    self.shingles,
                    self.starts,
                    threshold,
                    differing,
                    _COMPARED,
                )
                num = join_shingles(*what, cursor, *buffers)
                one, two, similarity = (buffer[:num].copy() for buffer in buffers)
                if num:
                    yield TitlePairs(np.minimum(one, two), np.maximum(one, two), similarity)


def most_differing(threshold: float) -> int:
    """Bits in which the sketches of a pair at the threshold differ at most, but for one in ten thousand.

    A bit of two sets' least values agrees when the values do, with the probability of the similarity, and by
    chance in half of the other cases (Li, König: b-bit minwise hashing, 2010).
    """
    share = (1 - threshold) / 2
    return math.ceil(_HASHES * share + _DEVIATIONS * math.sqrt(_HASHES * share * (1 - share)))


def banding(threshold: float) -> tuple[int, int]:
    """Number of bands and hash functions in each, that miss at most 1 % of pairs at the threshold.

    Raises:
        ValueError: The threshold is not above 0.3 and at most 1: lower ones need too many hash functions.
    """
    if not 0.3 < threshold <= 1:
        raise ValueError(f"title similarity threshold is {threshold}; expected more than 0.3, at most 1")
    if threshold == 1:
        return 1, 1
    nums = ((math.ceil(math.log(_MISSED) / math.log(1 - threshold**depth)), depth) for depth in range(8, 1, -1))
    return next((num_bands, depth) for num_bands, depth in nums if num_bands * depth <= _HASHES)


def near_titles(
    titles: Sequence[str | None], *, threshold: float = 0.7, shingle_length: int = SHINGLE_LENGTH
) -> Iterator[TitlePairs]:
    """All pairs of titles with at least this Jaccard similarity of shingles, those that banding finds.

    Titles with equal sets of shingles are similar by 1; all pairs of them are given.

    Args:
        titles: N titles; a missing one is like no other.
        threshold: Least similarity.
        shingle_length: Characters of a shingle.

    Raises:
        ValueError: As `banding`.
    """
    from eclip.products.duplicates.hamming import Pairs, RowGroups

    groups = TitleGroups.of(titles, shingle_length=shingle_length)
    rows = np.flatnonzero(groups.set_of >= 0)
    members = RowGroups.of(groups.set_of[rows])
    for same in members.within(_BLOCK_PAIRS):
        yield _ordered(rows[same.left], rows[same.right], np.ones(len(same.left), np.float32))
    for block in groups.pairs(threshold):
        for part in members.expanded(Pairs(block.left, block.right, block.similarity), members, _BLOCK_PAIRS):
            yield _ordered(rows[part.left], rows[part.right], part.distance)


def _ordered(one: np.ndarray, two: np.ndarray, similarity: np.ndarray) -> TitlePairs:
    return TitlePairs(np.minimum(one, two), np.maximum(one, two), similarity)
