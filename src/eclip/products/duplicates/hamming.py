"""Near pictures: all pairs of 64-bit hashes within a Hamming radius, exactly, without all against all.

Multi-index banding (Norouzi, Punjani, Fleet: Fast exact search in Hamming space with multi-index hashing, 2014;
the limits per band after Qin et al., GPH, 2018): the 64 bits are parted into bands with a limit each, such that
two words within the radius must stay within the limit of at least one band. Words are bucketed by each band's
value, and only buckets whose values differ within that limit are compared. Equal hashes are one value
throughout, so thousands of blank pictures cost no more than one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb

import numpy as np

BLOCK_PAIRS = 1 << 20
MAX_RADIUS = 31
_BITS = 64
_MIN_BANDS = 3  # a band's table of starts has 2^width entries: 22 bits at most
_PROBE_COST = 3.0  # of looking at a bucket, in comparisons of two words


@dataclass(frozen=True)
class Pairs:
    """A block of pairs; each pair once, in no order.

    Attributes:
        left: [P] int64 positions (of the queries, where there are any).
        right: [P] int64 positions.
        distance: [P] uint8 bits in which the two differ.
    """

    left: np.ndarray
    right: np.ndarray
    distance: np.ndarray


@dataclass(frozen=True)
class Bands:
    """How the bits are parted: band k holds `widths[k]` bits from `shifts[k]` on of the permuted word."""

    radius: int
    widths: tuple[int, ...]
    limits: tuple[int, ...]
    """Bits that may differ within each band, -1 = not looked at; sum(limit + 1) = radius + 1, the pigeonhole."""

    @classmethod
    def of(cls, num_values: int, radius: int) -> Bands:
        """The cheapest parting for so many evenly spread values.

        Raises:
            ValueError: The radius is below 0 or above `MAX_RADIUS`.
        """
        if not 0 <= radius <= MAX_RADIUS:
            raise ValueError(f"radius is {radius}; expected 0 to {MAX_RADIUS} of the hash's 64 bits")
        choices = [cls._parted(num, radius) for num in range(_MIN_BANDS, max(_MIN_BANDS, min(radius + 1, 16)) + 1)]
        return min(choices, key=lambda bands: bands._cost(num_values))

    @classmethod
    def _parted(cls, num: int, radius: int) -> Bands:
        widths = tuple(_BITS // num + (k < _BITS % num) for k in range(num))
        spare, over = divmod(radius + 1 - num, num)
        limits = tuple(spare + (k >= num - over) for k in range(num))  # narrower bands take the larger limits
        return cls(radius, widths, limits)

    def _cost(self, num_values: int) -> float:
        return sum(
            sum(comb(width, k) for k in range(limit + 1)) * (_PROBE_COST * 2**width + num_values**2 / 2**width)
            for width, limit in zip(self.widths, self.limits, strict=True)
        )

    @property
    def shifts(self) -> np.ndarray:
        """[bands] uint64: the lowest bit of each."""
        return np.cumsum((0, *self.widths[:-1])).astype(np.uint64)

    @property
    def masks(self) -> np.ndarray:
        """[bands] uint64: ones over each band's width."""
        return np.array([(1 << width) - 1 for width in self.widths], dtype=np.uint64)

    @property
    def sources(self) -> np.ndarray:
        """[64] which bit of a hash goes where: neighbours, which depend on each other, go to different bands."""
        num = len(self.widths)
        return np.array([bit for band in range(num) for bit in range(band, _BITS, num)], dtype=np.int64)

    def flips(self, band: int) -> np.ndarray:
        """[F] int64: the differences that a band's value may have within its limit, 0 among them."""
        bits = range(self.widths[band])
        chosen = [c for size in range(self.limits[band] + 1) for c in combinations(bits, size)]
        return np.array([sum(1 << bit for bit in c) for c in chosen], dtype=np.int64)


@dataclass(frozen=True)
class HammingTable:
    """Different hashes, bucketed by each band.

    Attributes:
        bands: How the bits are parted.
        words: For each band [U] uint64 permuted hashes in the band's order.
        positions: For each band [U] int32: which value stands there.
        starts: For each band [2^width + 1] int64: where each of its values starts.
    """

    bands: Bands
    words: tuple[np.ndarray, ...]
    positions: tuple[np.ndarray, ...]
    starts: tuple[np.ndarray, ...]

    @classmethod
    def build(cls, values: np.ndarray, radius: int) -> HammingTable:
        """Bucket [U] uint64 values, best each once, for searches within a radius.

        Raises:
            ValueError: The radius is below 0 or above `MAX_RADIUS`.
        """
        from eclip.products.duplicates.hamming_loops import bucketed

        bands = Bands.of(len(values), radius)
        moved = _permuted(values, bands)
        parts = [bucketed(moved, shift, mask) for shift, mask in zip(bands.shifts, bands.masks, strict=True)]
        words, positions, starts = zip(*parts, strict=True)
        return cls(bands, words, positions, starts)

    def pairs(self, *, block_pairs: int = BLOCK_PAIRS) -> Iterator[Pairs]:
        """All pairs of values within the radius, as positions, left < right."""
        from eclip.products.duplicates.hamming_loops import join_band

        for band in range(len(self.words)):
            flips, buffers = self.bands.flips(band), self._buffers(band, block_pairs)
            cursor = np.zeros(3, dtype=np.int64)
            while cursor[0] < len(flips):
                num = join_band(*self._band(band, flips), cursor, *buffers)
                if num:
                    one, two = (self.positions[band][buffer[:num]].astype(np.int64) for buffer in buffers[:2])
                    yield Pairs(np.minimum(one, two), np.maximum(one, two), buffers[2][:num].copy())

    def neighbours(self, queries: np.ndarray, *, block_pairs: int = BLOCK_PAIRS) -> Iterator[Pairs]:
        """All (query, value) within the radius: left counts the [Q] uint64 queries, right the values."""
        from eclip.products.duplicates.hamming_loops import probe_band

        moved = _permuted(queries, self.bands)
        for band in range(len(self.words)):
            flips, buffers = self.bands.flips(band), self._buffers(band, block_pairs)
            cursor = np.zeros(2, dtype=np.int64)
            while cursor[0] < len(moved):
                num = probe_band(moved, *self._band(band, flips), cursor, *buffers)
                if num:
                    found = self.positions[band][buffers[1][:num]].astype(np.int64)
                    yield Pairs(buffers[0][:num].copy(), found, buffers[2][:num].copy())

    def _band(self, band: int, flips: np.ndarray) -> tuple[object, ...]:
        bands = self.bands
        limits = np.array(bands.limits, dtype=np.int64)
        parting = (bands.shifts, bands.masks, limits, bands.radius)
        return (self.words[band], self.starts[band], flips, band, *parting)

    def _buffers(self, band: int, block_pairs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        room = max(block_pairs, int(np.diff(self.starts[band]).max(initial=1)))
        return np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.uint8)


def near_pairs(
    hashes: np.ndarray, radius: int, *, block_pairs: int = BLOCK_PAIRS, mates: int | None = None
) -> Iterator[Pairs]:
    """All pairs of rows whose hashes differ in at most `radius` bits; each pair once, left < right.

    Args:
        hashes: [N] uint64; rows without a picture must be left out before.
        radius: Bits that may differ, 0 to `MAX_RADIUS`.
        block_pairs: Pairs held at a time, more only where one hash alone has more rows.
        mates: Bounds what many rows of one hash cost: each is paired with so many next ones, and the first so many
            with those of a near hash. None = all.
    """
    groups = RowGroups.of(hashes)
    yield from _in_order(groups.within(block_pairs, mates))
    if radius:
        for block in HammingTable.build(groups.values, radius).pairs(block_pairs=block_pairs):
            yield from _in_order(groups.expanded(block, groups, block_pairs, mates))


def near_neighbours(
    queries: np.ndarray, hashes: np.ndarray, radius: int, *, block_pairs: int = BLOCK_PAIRS
) -> Iterator[Pairs]:
    """All (query, row) whose hashes differ in at most `radius` bits.

    Args:
        queries: [Q] uint64.
        hashes: [N] uint64.
        radius: Bits that may differ, 0 to `MAX_RADIUS`.
        block_pairs: As in `near_pairs`.
    """
    asked, known = RowGroups.of(queries), RowGroups.of(hashes)
    table = HammingTable.build(known.values, radius)
    for block in table.neighbours(asked.values, block_pairs=block_pairs):
        yield from asked.expanded(block, known, block_pairs)


@dataclass(frozen=True)
class RowGroups:
    """Rows by equal value: `order[starts[u]:starts[u + 1]]` are the rows of `values[u]`."""

    values: np.ndarray
    order: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, hashes: np.ndarray) -> RowGroups:
        """Sort rows by their value."""
        order = np.argsort(hashes, kind="stable")
        values, starts = np.unique(hashes[order], return_index=True)
        return cls(values, order, np.append(starts, len(hashes)))

    def within(self, block_pairs: int, mates: int | None = None) -> Iterator[Pairs]:
        """Pairs of rows with one hash: each row with those after it in its group, or with `mates` of them."""
        places = np.arange(len(self.order))
        ends = np.repeat(self.starts[1:], np.diff(self.starts))
        if mates is not None:
            ends = np.minimum(ends, places + 1 + mates)
        yield from _spread(
            self.order, self.order, places, places + 1, ends, np.zeros(len(places), np.uint8), block_pairs
        )

    def expanded(self, pairs: Pairs, other: RowGroups, block_pairs: int, mates: int | None = None) -> Iterator[Pairs]:
        """Pairs of rows for pairs of values: left of these groups, right of the others; `mates` of each at most."""
        sizes = np.diff(self.starts)[pairs.left]
        if mates is not None:
            sizes = np.minimum(sizes, mates)
        places = _ranges(self.starts[pairs.left], sizes)
        begins, ends = (np.repeat(other.starts[pairs.right + k], sizes) for k in (0, 1))
        if mates is not None:
            ends = np.minimum(ends, begins + mates)
        distances = np.repeat(pairs.distance, sizes)
        yield from _spread(self.order, other.order, places, begins, ends, distances, block_pairs)


def _spread(
    left_rows: np.ndarray,
    right_rows: np.ndarray,
    places: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
    distances: np.ndarray,
    block_pairs: int,
) -> Iterator[Pairs]:
    """For each place on the left, its pairs with the places begins to ends on the right, in blocks."""
    counts = ends - begins
    blocks = np.cumsum(counts) // block_pairs
    cuts = np.append(np.flatnonzero(np.diff(blocks, prepend=-1)), len(counts))
    for start, stop in pairwise(cuts):
        part = slice(start, stop)
        num = counts[part]
        if num.sum():
            yield Pairs(
                np.repeat(left_rows[places[part]], num),
                right_rows[_ranges(begins[part], num)],
                np.repeat(distances[part], num),
            )


def _ranges(begins: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The ranges begin, begin + 1, ... of so many each, one after the other."""
    jumps = begins - np.concatenate(([0], np.cumsum(counts)[:-1]))
    return np.arange(int(counts.sum())) + np.repeat(jumps, counts)


def _in_order(blocks: Iterator[Pairs]) -> Iterator[Pairs]:
    for block in blocks:
        yield Pairs(np.minimum(block.left, block.right), np.maximum(block.left, block.right), block.distance)


def _permuted(words: np.ndarray, bands: Bands) -> np.ndarray:
    from eclip.products.duplicates.hamming_loops import permute_bits

    return permute_bits(np.ascontiguousarray(words, dtype=np.uint64), bands.sources)
