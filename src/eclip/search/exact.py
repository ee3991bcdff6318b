"""Nearest rows by comparing with every one: what small stores use, and what approximate answers are held against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eclip.search.codes import Mask
from eclip.search.spaces import Vectors

CHUNK_ROWS = 65_536  # rows scored at once

Rows = npt.NDArray[np.int64]


class ExactIndex:
    """All rows of a matrix.

    Args:
        matrix: Unit rows [N, D]; rows of NaN are never found.
    """

    def __init__(self, matrix: Vectors) -> None:
        self._matrix = matrix

    def allow(self, mask: Mask | None) -> Rows | None:
        """What `nearest` needs to find only these rows [N]; None = all."""
        return None if mask is None else np.flatnonzero(mask)

    def nearest(self, query: Vectors, *, num_rows: int, allowed: Rows | None = None) -> tuple[Rows, Vectors]:
        """The nearest rows and their cosines, best first; equal ones go by row, all that tie with the last are there.

        Args:
            query: Unit vector [D].
            num_rows: How many.
            allowed: What `allow` gave.
        """
        if allowed is None:
            scores = cosine_scores(self._matrix, query)
            rows = leading_rows(scores, num_rows)
            return rows, scores[rows]
        chunks = [allowed[start : start + CHUNK_ROWS] for start in range(0, len(allowed), CHUNK_ROWS)]
        scores = np.concatenate(
            [np.zeros(0, np.float32), *(cosine_scores(self._matrix[some], query) for some in chunks)]
        )
        leading = leading_rows(scores, num_rows)
        return allowed[leading], scores[leading]

    def vectors(self, rows: Rows) -> Vectors:
        """Vectors [n, D] of these rows."""
        return self._matrix[rows]


def cosine_scores(matrix: Vectors, query: Vectors) -> Vectors:
    """Cosine of each unit row [N, D] with a unit query [D]; minus infinity where a row is NaN."""
    scores = np.empty(len(matrix), dtype=np.float32)
    for start in range(0, len(matrix), CHUNK_ROWS):
        scores[start : start + CHUNK_ROWS] = matrix[start : start + CHUNK_ROWS] @ query
    scores[~np.isfinite(scores)] = -np.inf
    return scores


def best_rows(scores: Vectors, groups: npt.NDArray[np.int64], *, top_k: int) -> list[int]:
    """The best row of each of the `top_k` best groups, best first; equal scores go by row.

    Rows that score minus infinity are never returned, so there may be fewer.
    """
    num_wanted = min(4 * top_k, len(scores))
    while True:
        rows = leading_rows(scores, num_wanted)
        firsts = first_of_groups(rows, groups)
        if len(firsts) >= top_k or num_wanted >= len(scores):
            return [int(row) for row in rows[firsts[:top_k]]]
        num_wanted = min(4 * num_wanted, len(scores))


def first_of_groups(rows: Rows, groups: npt.NDArray[np.int64]) -> Rows:
    """Places in `rows` where a group comes for the first time, in order."""
    _, firsts = np.unique(groups[rows], return_index=True)
    return np.sort(firsts)


def leading_rows(scores: Vectors, num_rows: int) -> Rows:
    """At least `num_rows` rows in order of score, with all that tie with the last of them; none of minus infinity."""
    if num_rows < len(scores):
        least = np.partition(scores, len(scores) - num_rows)[len(scores) - num_rows]
        rows = np.flatnonzero((scores >= least) & np.isfinite(scores))
    else:
        rows = np.flatnonzero(np.isfinite(scores))
    return rows[np.argsort(-scores[rows], kind="stable")]
