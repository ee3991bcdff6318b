"""The inner loops of `titles`: shingles, MinHash signatures, and candidates of one band compared exactly."""

from __future__ import annotations

import numpy as np

from eclip.products.duplicates.compiled import compiled, count_bits
from eclip.products.duplicates.title_loops import DIGIT, JOINER, LETTER, decode_letter, mixed

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_ODD = np.uint32(0x9E3779B1)


@compiled
def find_shingles(
    data: np.ndarray, offsets: np.ndarray, kinds: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Different shingles of each text: runs of `length` letters and digits, words parted by one space.

    Whatever is neither parts words, but for apostrophes, which are passed over. A text shorter than that is one
    shingle; one without a word has none.

    Returns:
        [S] uint32 hashes sorted within each text, [N + 1] int64 where each text's start, [N] uint64 of each set.
    """
    out, starts = np.empty(len(data) + len(offsets), dtype=np.uint32), np.zeros(len(offsets), dtype=np.int64)
    sets = np.zeros(len(offsets) - 1, dtype=np.uint64)
    points = np.empty(1 + int(np.diff(offsets).max()) if len(offsets) > 1 else 1, dtype=np.uint64)
    found = 0
    for row in range(len(offsets) - 1):
        num, i, gap = 0, offsets[row], False
        while i < offsets[row + 1]:
            point, i = decode_letter(data, i)
            kind = np.int64(kinds[point]) if point < len(kinds) else LETTER
            if kind not in (LETTER, DIGIT):
                gap = gap or (num > 0 and kind != JOINER)
                continue
            if gap:
                points[num], num, gap = np.uint64(32), num + 1, False
            points[num], num = np.uint64(point), num + 1
        first = found
        for i in range(max(num - length + 1, min(num, 1))):
            word = np.uint64(0)
            for k in range(i, min(i + length, num)):
                word = (word + points[k] + np.uint64(1)) * _PRIME
                word ^= word >> np.uint64(29)
            out[found], found = np.uint32(mixed(word) >> np.uint64(32)), found + 1
        part = np.sort(out[first:found])
        found = first
        for i in range(len(part)):
            if i == 0 or part[i] != part[i - 1]:
                out[found], found = part[i], found + 1
                sets[row] += mixed(np.uint64(part[i]) + _PRIME)
        starts[row + 1] = found
    return out[:found].copy(), starts, sets


@compiled
def chosen_sets(shingles: np.ndarray, starts: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Some sets, in the order of `rows`: their shingles and [R + 1] int64 where each starts."""
    own = np.zeros(len(rows) + 1, dtype=np.int64)
    for i in range(len(rows)):
        own[i + 1] = own[i] + starts[rows[i] + 1] - starts[rows[i]]
    out = np.empty(own[-1], dtype=shingles.dtype)
    for i in range(len(rows)):
        out[own[i] : own[i + 1]] = shingles[starts[rows[i]] : starts[rows[i] + 1]]
    return out, own


@compiled
def sign(
    shingles: np.ndarray, starts: np.ndarray, seeds: np.ndarray, num_bands: int, depth: int
) -> tuple[np.ndarray, np.ndarray]:
    """The least value of each hash function over each set: gathered by band, and one bit of each.

    Args:
        shingles: [S] uint32.
        starts: [N + 1].
        seeds: [2, K] uint32 odd factors, one pair a hash function; K is a multiple of 64.
        num_bands: How many.
        depth: Hash functions of a band, in order; at most K in all.

    Returns:
        Keys [bands, N] uint64 and sketches [N, K / 64] uint64.
    """
    num, num_hashes = len(starts) - 1, seeds.shape[1]
    keys, sketches = np.empty((num_bands, num), dtype=np.uint64), np.zeros((num, num_hashes // 64), dtype=np.uint64)
    least = np.empty(num_hashes, dtype=np.uint32)
    one, two = seeds[0], seeds[1]
    for row in range(num):
        least[:] = np.uint32(0xFFFFFFFF)
        for i in range(starts[row], starts[row + 1]):
            shingle = shingles[i]
            for k in range(num_hashes):
                value = np.uint32(shingle * one[k])
                value = np.uint32((value ^ (value >> np.uint32(15))) * two[k])
                least[k] = min(least[k], value)
        for band in range(num_bands):
            word = np.uint64(band)
            for k in range(band * depth, (band + 1) * depth):
                word = mixed(word ^ np.uint64(least[k])) + _PRIME
            keys[band, row] = word
        for k in range(num_hashes):
            bit = np.uint64(np.uint32(least[k] * _ODD) >> np.uint32(31))
            sketches[row, k // 64] |= bit << np.uint64(k % 64)
    return keys, sketches


@compiled
def first_shared(keys: np.ndarray, one: int, two: int) -> int:
    """The first band in which two sets have the same key."""
    for band in range(len(keys)):
        if keys[band, one] == keys[band, two]:
            return band
    return len(keys)


@compiled
def num_shared(one: np.ndarray, two: np.ndarray) -> int:
    """How many numbers two sorted sets share; without branches, which here nobody can predict."""
    i, j, shared = 0, 0, 0
    while i < len(one) and j < len(two):
        a, b = one[i], two[j]
        shared += int(a == b)
        i += int(a <= b)
        j += int(b <= a)
    return shared


@compiled
def join_shingles(
    order: np.ndarray,
    bucket: np.ndarray,
    keys: np.ndarray,
    sketches: np.ndarray,
    band: int,
    shingles: np.ndarray,
    starts: np.ndarray,
    threshold: float,
    differing: int,
    limit: int,
    cursor: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    similarity: np.ndarray,
) -> int:
    """Pairs that share a band's key, no earlier band's, and enough shingles.

    Args:
        order: [N] sets sorted by this band's key.
        bucket: [N] uint64 this band's keys in that order.
        keys: [bands, N] of `sign`.
        sketches: [N, W] of `sign`.
        band: Which band this is.
        shingles: [S] uint32.
        starts: [N + 1].
        threshold: Least Jaccard similarity.
        differing: Sketches that differ in more bits are not compared.
        limit: Each set is compared with so many after it in its bucket at most.
        cursor: [1] place in `order`; is moved on.
        left: Buffer for sets.
        right: The same for the second of each pair.
        similarity: The same for float32 similarities.

    Returns:
        Number of pairs written; the band is done when the cursor is N.
    """
    found = 0
    for place in range(cursor[0], len(order)):
        if len(left) - found < limit:
            cursor[0] = place
            return found
        one = order[place]
        size = starts[one + 1] - starts[one]
        for after in range(place + 1, min(place + 1 + limit, len(order))):
            if bucket[place] != bucket[after]:
                break
            two = order[after]
            bits = np.uint64(0)
            for k in range(sketches.shape[1]):
                bits += count_bits(sketches[one, k] ^ sketches[two, k])
            other = starts[two + 1] - starts[two]
            if bits > np.uint64(differing) or min(size, other) < threshold * max(size, other):
                continue
            shared = num_shared(shingles[starts[one] : starts[one + 1]], shingles[starts[two] : starts[two + 1]])
            jaccard = shared / (size + other - shared)
            if jaccard >= threshold and first_shared(keys, one, two) == band:
                left[found], right[found], similarity[found] = one, two, jaccard
                found += 1
    cursor[0] = len(order)
    return found
