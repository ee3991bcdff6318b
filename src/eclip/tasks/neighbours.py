"""Exact nearest neighbours among rows, chunk by chunk: the N x N matrix never exists."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

CHUNK_SCORES = 16_000_000  # scores in memory at once


def nearest_rows(
    queries: np.ndarray | sparse.csr_matrix,
    corpus: np.ndarray | sparse.csr_matrix,
    top_k: int,
    *,
    own_rows: np.ndarray | None = None,
    advance: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The `top_k` best rows of the corpus by inner product.

    Args:
        queries: [Q, D], dense or sparse.
        corpus: [N, D], likewise.
        top_k: K; fewer columns come back where the corpus is smaller.
        own_rows: [Q] position of each query in the corpus, never returned; -1 = it is not in there, None = none is.
        advance: Told how many queries are done, for a progress bar.

    Returns:
        Rows [Q, K] and their scores [Q, K], best first; row -1 and score -inf where there are no more.
    """
    num_queries, num_rows = queries.shape[0], corpus.shape[0]
    width = min(top_k, num_rows)
    rows = np.full((num_queries, width), -1, dtype=np.int64)
    scores = np.full((num_queries, width), -np.inf, dtype=np.float32)
    if not width:
        return rows, scores
    from eclip.tasks.neighbour_loops import keep_best

    chunk_size = max(1, min(1024, CHUNK_SCORES // num_rows))
    turned = corpus.T
    for start in range(0, num_queries, chunk_size):
        chunk = slice(start, min(start + chunk_size, num_queries))
        product = queries[chunk] @ turned
        found = np.asarray(product.todense() if sparse.issparse(product) else product, dtype=np.float32)
        if own_rows is not None:
            known = np.flatnonzero(own_rows[chunk] >= 0)
            found[known, own_rows[chunk][known]] = -np.inf
        keep_best(found, rows[chunk], scores[chunk])
        if advance:
            advance(len(found))
    return rows, scores


def neighbour_pairs(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each unordered pair of a neighbour table [N, K] once: left < right."""
    left = np.repeat(np.arange(len(rows)), rows.shape[1])
    right = rows.reshape(-1)
    kept = right >= 0
    pairs = np.unique(np.sort(np.stack([left[kept], right[kept]], axis=1), axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]
