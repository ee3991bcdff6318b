"""The inner loop that walks boosted trees."""

from __future__ import annotations

import numpy as np

from eclip.products.duplicates.compiled import compiled


@compiled
def walk_trees(
    matrix: np.ndarray,
    starts: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    missing_left: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    value: np.ndarray,
) -> np.ndarray:
    """Sum over trees of the leaf value of each row of features [P, F]: [P] float64.

    Tree t has nodes starts[t]:starts[t + 1]; children are counted from its first node, a leaf has feature -1.
    """
    out = np.zeros(len(matrix), dtype=np.float64)
    for row in range(len(matrix)):
        total = 0.0
        for tree in range(len(starts) - 1):
            first = starts[tree]
            node = first
            while feature[node] >= 0:
                x = matrix[row, feature[node]]
                goes_left = missing_left[node] if np.isnan(x) else x <= threshold[node]
                node = first + (left[node] if goes_left else right[node])
            total += value[node]
        out[row] = total
    return out
