"""Compiled loops over the words of pairs of listings: two ascending lists of columns are walked side by side."""

from __future__ import annotations

import numpy as np

from eclip.products.duplicates.compiled import compiled

# What `compare_sets` tells of a pair: numbers, weights and squared weights of what both say, the left, the right one;
# the greatest weight of what both say, and of what each says alone.
NUM_SUMS = 12


@compiled
def compare_sets(
    starts: np.ndarray, columns: np.ndarray, weights: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """[12, P] float64 of pairs of rows: shared, left, right of each of number, weight, square; then the greatest.

    Args:
        starts: [N + 1] where each row's columns start.
        columns: Ascending in each row.
        weights: [V] of the columns, above 0.
        left: [P] rows.
        right: [P] rows.
    """
    out = np.zeros((NUM_SUMS, len(left)))
    sums, most = np.zeros((3, 3)), np.zeros(3)
    for pair in range(len(left)):
        sums[:], most[:] = 0, 0
        i, i_end = starts[left[pair]], starts[left[pair] + 1]
        j, j_end = starts[right[pair]], starts[right[pair] + 1]
        while i < i_end or j < j_end:
            if j == j_end or (i < i_end and columns[i] < columns[j]):
                side, weight = 1, weights[columns[i]]
                i += 1
            elif i == i_end or columns[j] < columns[i]:
                side, weight = 2, weights[columns[j]]
                j += 1
            else:
                side, weight = 0, weights[columns[i]]
                i, j = i + 1, j + 1
            sums[0, side] += 1
            sums[1, side] += weight
            sums[2, side] += weight * weight
            most[side] = max(most[side], weight)
        for kind in range(3):
            shared = sums[kind, 0]
            out[3 * kind, pair] = shared
            out[3 * kind + 1, pair] = shared + sums[kind, 1]
            out[3 * kind + 2, pair] = shared + sums[kind, 2]
        out[9, pair], out[10, pair], out[11, pair] = most[0], most[1], most[2]
    return out


@compiled
def shared_weight(
    starts: np.ndarray,
    columns: np.ndarray,
    other_starts: np.ndarray,
    other_columns: np.ndarray,
    weights: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
) -> np.ndarray:
    """Weight [P] of the columns that row `left` of one table and row `right` of another have both."""
    out = np.zeros(len(left))
    for pair in range(len(left)):
        i, i_end = starts[left[pair]], starts[left[pair] + 1]
        j, j_end = other_starts[right[pair]], other_starts[right[pair] + 1]
        while i < i_end and j < j_end:
            if columns[i] < other_columns[j]:
                i += 1
            elif other_columns[j] < columns[i]:
                j += 1
            else:
                out[pair] += weights[columns[i]]
                i, j = i + 1, j + 1
    return out


@compiled
def told_weight(
    starts: np.ndarray,
    columns: np.ndarray,
    together: np.ndarray,
    alone: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
) -> np.ndarray:
    """Sum [P] of `together` [V] over the columns that both rows have, and of `alone` [V] over those of one of them."""
    out = np.zeros(len(left))
    for pair in range(len(left)):
        i, i_end = starts[left[pair]], starts[left[pair] + 1]
        j, j_end = starts[right[pair]], starts[right[pair] + 1]
        while i < i_end or j < j_end:
            if j == j_end or (i < i_end and columns[i] < columns[j]):
                out[pair] += alone[columns[i]]
                i += 1
            elif i == i_end or columns[j] < columns[i]:
                out[pair] += alone[columns[j]]
                j += 1
            else:
                out[pair] += together[columns[i]]
                i, j = i + 1, j + 1
    return out
