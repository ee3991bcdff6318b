"""The inner loops of `hamming`: buckets of bands against buckets, and queries against buckets.

Each loop fills the caller's buffers and stops before they overflow; the returned cursor resumes it. A pair
that several bands would find is written by the first of them only, so nothing has to be remembered.
"""

from __future__ import annotations

import numpy as np

from eclip.products.duplicates.compiled import compiled, count_bits


@compiled
def permute_bits(words: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Words whose bit i is bit sources[i] of the given ones."""
    out = np.zeros(len(words), dtype=np.uint64)
    for row in range(len(words)):
        word = words[row]
        moved = np.uint64(0)
        for bit in range(64):
            moved |= ((word >> np.uint64(sources[bit])) & np.uint64(1)) << np.uint64(bit)
        out[row] = moved
    return out


@compiled
def bucketed(words: np.ndarray, shift: np.uint64, mask: np.uint64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words by one band's value: the words, their positions (int32), and where each value starts."""
    starts = np.zeros(np.int64(mask) + 2, dtype=np.int64)
    for word in words:
        starts[np.int64((word >> shift) & mask) + 1] += 1
    for value in range(1, len(starts)):
        starts[value] += starts[value - 1]
    places = starts[:-1].copy()
    out, positions = np.empty_like(words), np.empty(len(words), dtype=np.int32)
    for i in range(len(words)):
        key = np.int64((words[i] >> shift) & mask)
        out[places[key]], positions[places[key]] = words[i], i
        places[key] += 1
    return out, positions, starts


@compiled
def first_band(differing: np.uint64, shifts: np.ndarray, masks: np.ndarray, limits: np.ndarray) -> int:
    """The first band in which two words differ in no more bits than its limit."""
    for band in range(len(shifts)):
        part = (differing >> shifts[band]) & masks[band]
        if np.int64(count_bits(part)) <= limits[band]:
            return band
    return len(shifts)


@compiled
def join_band(
    words: np.ndarray,
    starts: np.ndarray,
    flips: np.ndarray,
    band: int,
    shifts: np.ndarray,
    masks: np.ndarray,
    limits: np.ndarray,
    radius: int,
    cursor: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    distance: np.ndarray,
) -> int:
    """All pairs of one band within the radius; positions are those of `words`, sorted by the band's value.

    Args:
        words: [U] permuted words in the band's order.
        starts: [2^w + 1] where each value of the band starts.
        flips: Which bits of the band's value may differ, one word each; 0 is among them.
        band: Which band this is.
        shifts: [bands] lowest bit of each.
        masks: [bands] ones over each one's width.
        limits: [bands] bits that may differ within each.
        radius: Bits that may differ in all.
        cursor: [3] flip, value, position; is moved on.
        left: Buffer for positions, at least as long as the largest bucket.
        right: The same for the second of each pair.
        distance: The same for the differing bits.

    Returns:
        Number of pairs written; the band is done when the cursor's flip is len(flips).
    """
    found, room, num_values = 0, len(left), len(starts) - 1
    for flip in range(cursor[0], len(flips)):
        for value in range(cursor[1], num_values):
            other = value ^ flips[flip]
            if other < value:
                continue
            first = max(cursor[2], starts[value])
            for i in range(first, starts[value + 1]):
                begin = i + 1 if other == value else starts[other]
                end = starts[other + 1]
                if end - begin > room - found:
                    cursor[0], cursor[1], cursor[2] = flip, value, i
                    return found
                word = words[i]
                for j in range(begin, end):
                    differing = word ^ words[j]
                    bits = count_bits(differing)
                    if bits <= np.uint64(radius) and first_band(differing, shifts, masks, limits) == band:
                        left[found], right[found], distance[found] = i, j, bits
                        found += 1
            cursor[2] = 0
        cursor[1] = 0
    cursor[0] = len(flips)
    return found


@compiled
def probe_band(
    queries: np.ndarray,
    words: np.ndarray,
    starts: np.ndarray,
    flips: np.ndarray,
    band: int,
    shifts: np.ndarray,
    masks: np.ndarray,
    limits: np.ndarray,
    radius: int,
    cursor: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    distance: np.ndarray,
) -> int:
    """As `join_band`, of queries (permuted alike) against the words; cursor: [2] query, flip."""
    found, room = 0, len(left)
    for query in range(cursor[0], len(queries)):
        word = queries[query]
        value = np.int64((word >> shifts[band]) & masks[band])
        for flip in range(cursor[1], len(flips)):
            other = value ^ flips[flip]
            begin, end = starts[other], starts[other + 1]
            if end - begin > room - found:
                cursor[0], cursor[1] = query, flip
                return found
            for j in range(begin, end):
                differing = word ^ words[j]
                bits = count_bits(differing)
                if bits <= np.uint64(radius) and first_band(differing, shifts, masks, limits) == band:
                    left[found], right[found], distance[found] = query, j, bits
                    found += 1
        cursor[1] = 0
    cursor[0] = len(queries)
    return found
