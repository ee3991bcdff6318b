"""A compiled loop: the best of each row of scores."""

from __future__ import annotations

import numpy as np

from eclip.products.duplicates.compiled import compiled


@compiled
def keep_best(found: np.ndarray, rows: np.ndarray, scores: np.ndarray) -> None:
    """Write the columns of the K greatest of each row of scores [Q, N], best first, into `rows` [Q, K] and `scores`.

    Of equal scores the first column comes first. What is not above -inf is not written.

    Args:
        found: [Q, N].
        rows: [Q, K] filled with -1.
        scores: [Q, K] filled with -inf.
    """
    width = rows.shape[1]
    for query in range(len(found)):
        least = scores[query, width - 1]
        for column in range(found.shape[1]):
            score = found[query, column]
            if not score > least:
                continue
            at = width - 1
            while at > 0 and scores[query, at - 1] < score:
                scores[query, at], rows[query, at] = scores[query, at - 1], rows[query, at - 1]
                at -= 1
            scores[query, at], rows[query, at] = score, column
            least = scores[query, width - 1]
