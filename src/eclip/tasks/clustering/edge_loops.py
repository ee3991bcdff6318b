"""Compiled loops over titles' terms: how two titles agree."""

from __future__ import annotations

from typing import Any

import numpy as np

from eclip.products.duplicates.compiled import compiled

# What `compare_words` tells of a pair.
WORD_FEATURES = (
    *("words cosine", "containment", "containment of the longer", "rarity shared", "words", "words of the longer"),
    *("rarest shared", "rarest alone, less", "rarest alone, more"),
    *("rarest number shared", "rarest number alone, less", "rarest number alone, more"),
    *("rarest code shared", "rarest code alone, less", "rarest code alone, more"),
    *("quantities shared", "quantities alone, less", "quantities alone, more"),
    *("colours shared", "colours alone, less", "colours alone, more"),
    *("share told by both", "share told by both, of the longer"),
)
_NUMBER, _CODE, _QUANTITY, _COLOUR = 1, 2, 4, 8


@compiled
def compare_words(
    indptr: np.ndarray,
    indices: np.ndarray,
    rarity: np.ndarray,
    alone: np.ndarray,
    kinds: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
) -> np.ndarray:
    """`WORD_FEATURES` [P, F] float32 of pairs of titles.

    Args:
        indptr: [N + 1] of the titles' words.
        indices: Words, ascending in each title.
        rarity: Of each of them.
        alone: What each tells where the other title lacks it.
        kinds: [V] bits: what each word is.
        left: [P] titles.
        right: [P] titles.
    """
    out = np.zeros((len(left), 23), np.float32)
    masks = np.array([255, _NUMBER, _CODE])
    tallies = np.array([_QUANTITY, _COLOUR])
    best = np.zeros((3, 3), np.float32)  # any word, numbers, codes; shared, alone left, alone right
    count = np.zeros((2, 3), np.float32)
    mass = np.zeros(3, np.float32)
    for pair in range(len(left)):
        best[:], count[:] = 0, 0
        i, i_end = indptr[left[pair]], indptr[left[pair] + 1]
        j, j_end = indptr[right[pair]], indptr[right[pair] + 1]
        num_left, num_right = i_end - i, j_end - j
        shared = total_left = total_right = square_left = square_right = square_shared = 0.0
        mass[:] = 0
        while i < i_end or j < j_end:
            if j == j_end or (i < i_end and indices[i] < indices[j]):
                side, word, value = 1, indices[i], alone[i]
                total_left, square_left = total_left + rarity[i], square_left + rarity[i] ** 2
                i += 1
            elif i == i_end or indices[j] < indices[i]:
                side, word, value = 2, indices[j], alone[j]
                total_right, square_right = total_right + rarity[j], square_right + rarity[j] ** 2
                j += 1
            else:
                side, word, value = 0, indices[i], rarity[i]
                shared, square_shared = shared + value, square_shared + value**2
                i, j = i + 1, j + 1
            mass[side] += value
            for kind in range(3):
                if kind == 0 or kinds[word] & masks[kind]:
                    best[kind, side] = max(best[kind, side], value)
            for kind in range(2):
                if kinds[word] & tallies[kind]:
                    count[kind, side] += 1
        sums = (shared, square_shared, total_left, square_left, total_right, square_right)
        _tell(out[pair], sums, mass, best, count, num_left, num_right)
    return out


@compiled
def _tell(
    row: np.ndarray, sums: Any, mass: np.ndarray, best: np.ndarray, count: np.ndarray, num_left: int, num_right: int
) -> None:
    """Make `WORD_FEATURES` of what was summed up over the words of two titles."""
    shared, square_shared, total_left, square_left, total_right, square_right = sums
    total_left, total_right = total_left + shared, total_right + shared
    square_left, square_right = square_left + square_shared, square_right + square_shared
    row[0] = square_shared / max(np.sqrt(square_left * square_right), 1e-9)
    row[1] = shared / max(min(total_left, total_right), 1e-9)
    row[2] = shared / max(total_left, total_right, 1e-9)
    row[3], row[4], row[5] = shared, min(num_left, num_right), max(num_left, num_right)
    for kind in range(5):
        told = best[kind] if kind < 3 else count[kind - 3]
        row[6 + 3 * kind] = told[0]
        row[7 + 3 * kind], row[8 + 3 * kind] = min(told[1], told[2]), max(told[1], told[2])
    row[21] = shared / max(shared + min(mass[1], mass[2]), 1e-9)
    row[22] = shared / max(shared + max(mass[1], mass[2]), 1e-9)


@compiled
def compare_codes(
    letters: np.ndarray, starts: np.ndarray, owned: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """How alike the most alike codes of two titles are, 0..1; NaN [P] where a title has none.

    1 = the same; .95 = one is the head or tail of the other; else the common head or tail as a share of the longer.

    Args:
        letters: Of all codes.
        starts: [C + 1] where each code starts.
        owned: [N + 1] which codes are a title's.
        left: [P] titles.
        right: [P] titles.
    """
    out = np.full(len(left), np.nan, np.float32)
    for pair in range(len(left)):
        one, other = left[pair], right[pair]
        if owned[one] == owned[one + 1] or owned[other] == owned[other + 1]:
            continue
        best = 0.0
        for a in range(owned[one], owned[one + 1]):
            for b in range(owned[other], owned[other + 1]):
                best = max(best, _likeness(letters, starts[a], starts[a + 1], starts[b], starts[b + 1]))
        out[pair] = best
    return out


@compiled
def _likeness(letters: np.ndarray, a: int, a_end: int, b: int, b_end: int) -> float:
    shorter, longer = min(a_end - a, b_end - b), max(a_end - a, b_end - b)
    head = 0
    while head < shorter and letters[a + head] == letters[b + head]:
        head += 1
    tail = 0
    while tail < shorter and letters[a_end - 1 - tail] == letters[b_end - 1 - tail]:
        tail += 1
    common = max(head, tail)
    if common == longer:
        return 1.0
    if common == shorter and shorter >= 6:
        return 0.95
    return common / longer if common >= 4 else 0.0
