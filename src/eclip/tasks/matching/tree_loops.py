"""The inner loop of boosted trees.

A tree is not walked: each of its questions that a row fails strikes the leaves that are out of reach by then, and
the first leaf left is the row's (Lucchese et al., QuickScorer, SIGIR 2015). Questions stand in the order of their
thresholds, column by column, so that those a row fails come first and the rest is never looked at.
"""

from __future__ import annotations

import numpy as np

from eclip.products.duplicates.compiled import compiled, count_bits


@compiled
def scan_trees(
    matrix: np.ndarray,
    question_starts: np.ndarray,
    threshold: np.ndarray,
    missing_left: np.ndarray,
    tree: np.ndarray,
    kept: np.ndarray,
    leaf_starts: np.ndarray,
    leaf_values: np.ndarray,
) -> np.ndarray:
    """Sum over trees of the leaf value of each row of features [P, F]: [P] float64.

    Args:
        matrix: [P, F]; NaN = not known.
        question_starts: [F + 1] where each column's questions start.
        threshold: [M] ascending within a column; the answer is no where a row is above.
        missing_left: [M] whether the answer is yes where nothing is known.
        tree: [M] that asks.
        kept: [M] uint64 leaves of that tree that are left after a no.
        leaf_starts: [T] where each tree's leaves start.
        leaf_values: Of all leaves, from left to right.
    """
    num_trees = len(leaf_starts)
    out = np.zeros(len(matrix), dtype=np.float64)
    reached = np.empty(num_trees, np.uint64)
    for row in range(len(matrix)):
        reached[:] = ~np.uint64(0)
        for column in range(len(question_starts) - 1):
            x = matrix[row, column]
            at, end = question_starts[column], question_starts[column + 1]
            if np.isnan(x):
                for place in range(at, end):
                    if not missing_left[place]:
                        reached[tree[place]] &= kept[place]
            else:
                while at < end and x > threshold[at]:
                    reached[tree[at]] &= kept[at]
                    at += 1
        total = 0.0
        for each in range(num_trees):
            # As many bits stand below the lowest that is set as leaves were struck before the first that is left.
            word = reached[each]
            total += leaf_values[leaf_starts[each] + np.int64(count_bits(~word & (word - np.uint64(1))))]
        out[row] = total
    return out
