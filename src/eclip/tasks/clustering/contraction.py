"""Clusters of a sparse graph of log odds, without the trap of transitive closure.

Greedy additive edge contraction (Keuper et al.: Efficient decomposition of image and mesh graphs by lifted
multicuts, 2015) with the mean over all pairs between two clusters for their weight, so average linkage on a sparse
graph: a pair that the graph does not hold counts with log odds of its own. One wrong edge between two catalogs of ten
offers is one vote against ninety-nine missing ones. Where all pairs are edges it is average linkage to the letter.
"""

from __future__ import annotations

import numpy as np


def contract_edges(
    num_rows: int,
    left: np.ndarray,
    right: np.ndarray,
    weights: np.ndarray,
    *,
    missing: float,
    owners: np.ndarray | None = None,
    facts: np.ndarray | None = None,
) -> np.ndarray:
    """Cluster numbers [N] from 0 in order of first appearance.

    The two clusters with the greatest mean log odds between them are merged while that is above 0 and nothing
    forbids it.

    Args:
        num_rows: N.
        left: [E] rows; each pair of rows at most once.
        right: [E] rows.
        weights: [E] log odds that the two are one product, less those from which they are to be put together.
        missing: Such log odds of every pair that is no edge.
        owners: [N] codes from 0: rows of one owner (a seller) are never put together; -1 = not known.
        facts: [F, N] codes from 0: rows with two values of a fact (barcodes) are never put together, not even by way
            of a third row; -1 = not known.
    """
    from eclip.tasks.clustering.contraction_loops import contract

    order = np.lexsort((right, left))  # the answer depends on the set of edges, not on their order
    ends = np.stack([left, right], axis=1).astype(np.int64)[order].reshape(-1, 2)
    found = contract(
        ends,
        np.asarray(weights, dtype=np.float64)[order],
        np.zeros((0, num_rows), np.int64) if facts is None else facts.astype(np.int64, copy=True),
        np.full(num_rows, -1, np.int64) if owners is None else owners.astype(np.int64),
        float(missing),
    )
    _, first, codes = np.unique(found, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return number[codes]
