"""A compiled loop: rows of sparse terms and those most like them, by an inverted list a term."""

from __future__ import annotations

from typing import Any

import numpy as np

from eclip.products.duplicates.compiled import compiled


@compiled
def nearest_terms(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    post_starts: np.ndarray,
    post_rows: np.ndarray,
    post_data: np.ndarray,
    num_rows: int,
    own_rows: np.ndarray,
    askers: np.ndarray,
    owners: np.ndarray,
    width: int,
) -> Any:
    """Rows [Q, K] nearest by inner product of sparse rows, with scores; -1 and 0 where there are no more.

    Args:
        indptr: [Q + 1] of the rows that ask.
        indices: Their columns.
        data: Their values, above 0.
        post_starts: [T + 1] of the table asked, by columns.
        post_rows: Rows of each column, below N.
        post_data: Their values, above 0.
        num_rows: N.
        own_rows: [Q] row that each is itself, which it does not find; -1 = none.
        askers: [Q] owner of each that asks; -1 = not known.
        owners: [N] owner of each row asked: no row finds another one of its owner.
        width: K.
    """
    num_queries = len(indptr) - 1
    rows = np.full((num_queries, width), -1, np.int64)
    scores = np.zeros((num_queries, width), np.float32)
    sums = np.zeros(num_rows, np.float32)
    touched = np.empty(num_rows, np.int64)
    for row in range(num_queries):
        num_touched = 0
        for at in range(indptr[row], indptr[row + 1]):
            column, value = indices[at], data[at]
            for place in range(post_starts[column], post_starts[column + 1]):
                other = post_rows[place]
                if sums[other] == 0:
                    touched[num_touched] = other
                    num_touched += 1
                sums[other] += value * post_data[place]
        for place in range(num_touched):
            other = touched[place]
            score = sums[other]
            sums[other] = 0
            if other == own_rows[row] or (askers[row] >= 0 and owners[other] == askers[row]):
                continue
            if score <= scores[row, width - 1]:
                continue
            at = width - 1
            while at > 0 and scores[row, at - 1] < score:
                scores[row, at], rows[row, at] = scores[row, at - 1], rows[row, at - 1]
                at -= 1
            scores[row, at], rows[row, at] = score, other
    return rows, scores
