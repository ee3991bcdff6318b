"""How much of what exact search finds an index finds: what its effort is chosen by, and what it is refused for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.search.codes import Mask
from eclip.search.exact import Rows
from eclip.search.spaces import Vectors, present_rows
from eclip.search.vectorindex import VectorIndex

RECALL_AT = 10
WANTED_RECALL = 0.985  # that an index's effort is chosen for
_MEASURED_QUERIES = 300
_ROWS_AT_ONCE = 4_096  # compared with all measured queries


class Truth:
    """The nearest rows of some queries, by comparing with all.

    Args:
        matrix: Unit rows [N, D], NaN where missing.
        queries: Unit rows [Q, D].
        mask: Rows [N] that may be found; None = all.
    """

    def __init__(self, matrix: Vectors, queries: Vectors, mask: Mask | None = None) -> None:
        self.queries, self.mask, self._matrix = queries, mask, matrix
        allowed = present_rows(matrix) if mask is None else mask & present_rows(matrix)
        self._num_wanted = min(RECALL_AT, int(np.count_nonzero(allowed)))
        best = np.full((len(queries), self._num_wanted), -np.inf, dtype=np.float32)
        for start in range(0, len(matrix), _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            scores = np.where(allowed[some], queries @ matrix[some].T, np.float32(-np.inf))
            best = -np.sort(-np.concatenate([best, scores], axis=1), axis=1)[:, : self._num_wanted]
        self._least = best[:, -1] if self._num_wanted else np.full(len(queries), np.inf)

    def recall(self, found: Sequence[Rows]) -> float:
        """Share of the 10 nearest rows that were found; one as near as the tenth counts as well."""
        if not self._num_wanted or not len(self.queries):
            return 1.0
        shares = [
            np.count_nonzero(self._matrix[rows[: self._num_wanted]] @ query >= least - 1e-6) / self._num_wanted
            for query, rows, least in zip(self.queries, found, self._least, strict=True)
        ]
        return float(np.mean(shares))


def share_found(index: VectorIndex, truth: Truth) -> float:
    """Share of the nearest rows of some queries that an index finds."""
    allowed = index.allow(truth.mask)
    return truth.recall([index.nearest(query, num_rows=RECALL_AT, allowed=allowed)[0] for query in truth.queries])


def measured_queries(matrix: Vectors, *, seed: int = 0) -> Vectors:
    """Some rows of a matrix [N, D] that are there, drawn evenly."""
    rows = np.flatnonzero(present_rows(matrix))
    rng = np.random.default_rng(seed)
    return matrix[rng.choice(rows, min(_MEASURED_QUERIES, len(rows)), replace=False)]
