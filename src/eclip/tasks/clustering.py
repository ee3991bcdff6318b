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

from eclip.metrics import cluster_scores
from eclip.schema import SPLITS
from eclip.tasks.base import Catalogue
from eclip.tasks.matching import Groups
from eclip.tasks.neighbours import nearest_rows, neighbour_pairs
from eclip.tasks.results import Card, Gallery, Result

NAME = "clustering"
NEIGHBOURS = 10  # candidates a listing
MAX_DENSE = 200  # listings of a component whose pairs are all scored
MAX_ROWS = 20_000  # labelled listings of a split, whole groups of them
NUM_THRESHOLDS = 16  # tried on validation
NUM_CLUSTERS, CLUSTER_CARDS = 6, 10  # of the gallery

# Scores [P] in 0..1 of pairs of rows (left [P], right [P]).
PairScores = Callable[[np.ndarray, np.ndarray], np.ndarray]


def labelled_rows(catalogue: Catalogue, groups: Groups, split: str, mask: np.ndarray, *, seed: int) -> np.ndarray:
    """Labelled rows of a split that have the modality; whole groups, at most about `MAX_ROWS` rows."""
    rows = np.flatnonzero(catalogue.within(split) & (groups.ids >= 0) & mask)
    if len(rows) <= MAX_ROWS:
        return rows
    ids = np.random.default_rng(seed).permutation(np.unique(groups.ids[rows]))
    kept = ids[: max(1, round(len(ids) * MAX_ROWS / len(rows)))]
    return rows[np.isin(groups.ids[rows], kept)]


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


def choose_threshold(
    rows: np.ndarray, truth: np.ndarray, left: np.ndarray, right: np.ndarray, score_pairs: PairScores
) -> float:
    """Threshold with the best pairwise F1 on rows [n] of known group `truth` [n].

    Candidates are quantiles of the candidate pairs' scores; 1 where there is no pair.
    """
    scores = score_pairs(left, right)
    if not len(scores):
        return 1.0
    best, best_f1 = 1.0, -1.0
    for threshold in np.unique(np.quantile(scores, 1 - np.geomspace(0.005, 0.8, NUM_THRESHOLDS))):
        clusters = cluster(rows, left, right, scores, score_pairs, float(threshold))
        found = cluster_scores(truth, clusters).pairwise_f1
        if found > best_f1:
            best, best_f1 = float(threshold), found
    return best


def clustering_results(
    truth: np.ndarray, clusters: np.ndarray, *, level: str, modality: str, method: str
) -> list[Result]:
    """Figures of a clustering [n] of listings of known group [n]."""
    found = cluster_scores(truth, clusters)
    figures = {
        "pairwise F1": found.pairwise_f1,
        "B-cubed F1": found.bcubed_f1,
        "ARI": found.ari,
        "NMI": found.nmi,
    }
    return [
        Result(
            task=NAME,
            target=level,
            metric=metric,
            modality=modality,
            method=method,
            value=value,
            support=len(truth),
        )
        for metric, value in figures.items()
    ]


def cluster_galleries(catalogue: Catalogue, groups: Groups, rows: np.ndarray, clusters: np.ndarray) -> list[Gallery]:
    """The largest predicted clusters; notes name the true group of each listing."""
    sizes = np.bincount(clusters)
    galleries = []
    for number in np.argsort(-sizes, kind="stable")[:NUM_CLUSTERS]:
        members = rows[clusters == number]
        if len(members) < 2:
            break
        true = len(np.unique(groups.ids[members]))
        cards = [
            Card(
                product_id=str(catalogue.product_ids[row]),
                title=catalogue.titles[row],
                note=f"{groups.level} {_name(catalogue, groups, row)}",
            )
            for row in members[:CLUSTER_CARDS]
        ]
        title = f"{len(members)} listings of {true} true {'group' if true == 1 else 'groups'}"
        galleries.append(Gallery(kind="cluster", title=title, cards=cards))
    return galleries


def _name(catalogue: Catalogue, groups: Groups, row: int) -> str:
    names = catalogue.catalog_ids if groups.level == "catalog" else catalogue.model_ids
    return str(names[row])


def held_out_split(catalogue: Catalogue, groups: Groups) -> str:
    """The split that chooses the threshold: validation, or train where validation has no two of a group."""
    ids = groups.ids[catalogue.within(SPLITS[1]) & (groups.ids >= 0)]
    return SPLITS[1] if len(ids) and np.bincount(ids).max() >= 2 else SPLITS[0]
