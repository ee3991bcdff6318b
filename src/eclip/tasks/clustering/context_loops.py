"""The compiled loop over common neighbours of the two ends of an edge."""

from __future__ import annotations

import numpy as np

from eclip.products.duplicates.compiled import compiled

# What `common_neighbours` tells of an edge.
NEIGHBOUR_FEATURES = ("support", "best support", "contradiction", "worst contradiction")


@compiled
def common_neighbours(
    indptr: np.ndarray, others: np.ndarray, chances: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """`NEIGHBOUR_FEATURES` [E, 4] float32: what third listings say, by probabilities p of the edges to them.

    Support is the sum, and the greatest, of p(left, k) p(k, right); contradiction that of one of them times the
    other's complement, an edge that is not there counting as improbable.

    Args:
        indptr: [N + 1] of each row's edges.
        others: Their other ends, ascending for each row.
        chances: Their probabilities.
        left: [E] rows.
        right: [E] rows.
    """
    out = np.zeros((len(left), 4), np.float32)
    for edge in range(len(left)):
        one, two = left[edge], right[edge]
        i, i_end, j, j_end = indptr[one], indptr[one + 1], indptr[two], indptr[two + 1]
        row = out[edge]
        while i < i_end or j < j_end:
            mine = other = np.float32(0)
            if j == j_end or (i < i_end and others[i] < others[j]):
                third, mine, i = others[i], chances[i], i + 1
            elif i == i_end or others[j] < others[i]:
                third, other, j = others[j], chances[j], j + 1
            else:
                third, mine, other, i, j = others[i], chances[i], chances[j], i + 1, j + 1
            if third in (one, two):
                continue
            both, against = mine * other, max(mine * (1 - other), other * (1 - mine))
            row[0], row[1] = row[0] + both, max(row[1], both)
            row[2], row[3] = row[2] + against, max(row[3], against)
    return out
