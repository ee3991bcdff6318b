"""Product clustering: put the listings of one product together, without being told how many there are.

Nearest neighbours give candidate pairs, the pair scorer judges them, pairs over a threshold make a graph,
and inside each connected component average linkage separates what a single wrong pair has joined. Figures
are over the labelled listings of a split, clustered among themselves.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse.csgraph import connected_components

from eclip.tasks.neighbours import nearest_rows, neighbour_pairs

NAME = "clustering"
NEIGHBOURS = 10  # candidates a listing
MAX_DENSE = 200  # listings of a component whose pairs are all scored
# Scores [P] in 0..1 of pairs of rows (left [P], right [P]).
PairScores = Callable[[np.ndarray, np.ndarray], np.ndarray]


def candidate_pairs(vectors: np.ndarray | sparse.csr_matrix, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each pair of near neighbours among `rows` once, as positions in `vectors`."""
    chosen = vectors[rows]
    found, _ = nearest_rows(chosen, chosen, NEIGHBOURS, own_rows=np.arange(len(rows)))
    left, right = neighbour_pairs(found)
    return rows[left], rows[right]


def cluster(
    rows: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    scores: np.ndarray,
    score_pairs: PairScores,
    threshold: float,
) -> np.ndarray:
    """Cluster number [n] of each row.

    Args:
        rows: [n] sorted positions.
        left: [P] candidate pairs, positions among `rows`.
        right: [P].
        scores: [P] of the candidates.
        score_pairs: Scores any other pair.
        threshold: Least score to join two listings, and least mean score to join two clusters.
    """
    left, right = np.searchsorted(rows, left), np.searchsorted(rows, right)
    labels = np.full(len(rows), -1, dtype=np.int64)
    waiting = [(np.arange(len(rows)), threshold)]
    num_labels = 0
    while waiting:
        members, bar = waiting.pop()
        for part in _components(members, left, right, scores, bar, len(rows)):
            if len(part) > MAX_DENSE and bar < 0.999:
                # Too many to score all pairs: a higher bar first splits it.
                waiting.append((part, bar + (1 - bar) / 4))
                continue
            pieces = np.ones(len(part), dtype=np.int64)
            if 2 < len(part) <= MAX_DENSE:
                pieces = _average_linkage(rows[part], score_pairs, threshold)
            labels[part] = num_labels + pieces - 1
            num_labels += int(pieces.max())
    return labels


def _components(
    members: np.ndarray, left: np.ndarray, right: np.ndarray, scores: np.ndarray, bar: float, num_rows: int
) -> list[np.ndarray]:
    """Connected components of some rows over the pairs that score at least `bar`."""
    place = np.full(num_rows, -1, dtype=np.int64)
    place[members] = np.arange(len(members))
    kept = (scores >= bar) & (place[left] >= 0) & (place[right] >= 0)
    graph = sparse.coo_matrix(
        (np.ones(int(kept.sum())), (place[left[kept]], place[right[kept]])),
        shape=(len(members), len(members)),
    )
    _, component = connected_components(graph, directed=False)
    order = np.argsort(component, kind="stable")
    return np.split(members[order], np.flatnonzero(np.diff(component[order])) + 1)


def _average_linkage(part: np.ndarray, score_pairs: PairScores, threshold: float) -> np.ndarray:
    """Cluster numbers from 1 of a few rows, all of whose pairs are scored."""
    first, second = np.triu_indices(len(part), k=1)
    distances = 1 - np.clip(score_pairs(part[first], part[second]), 0, 1)
    return fcluster(linkage(distances, method="average"), 1 - threshold, criterion="distance")
