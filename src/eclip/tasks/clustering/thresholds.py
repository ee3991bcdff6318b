"""The threshold that clusters listings of known groups best."""

from __future__ import annotations

import numpy as np

from eclip.metrics import cluster_scores
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.clustering.cluster import PairScores, cluster
from eclip.tasks.matching.groups import Groups

MAX_ROWS = 20_000  # labelled listings of a split, whole groups of them
NUM_THRESHOLDS = 16  # tried on validation


def labelled_rows(catalogue: Catalogue, groups: Groups, split: str, mask: np.ndarray, *, seed: int) -> np.ndarray:
    """Labelled rows of a split that have the modality; whole groups, at most about `MAX_ROWS` rows."""
    rows = np.flatnonzero(catalogue.within(split) & (groups.ids >= 0) & mask)
    if len(rows) <= MAX_ROWS:
        return rows
    ids = np.random.default_rng(seed).permutation(np.unique(groups.ids[rows]))
    kept = ids[: max(1, round(len(ids) * MAX_ROWS / len(rows)))]
    return rows[np.isin(groups.ids[rows], kept)]


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


def held_out_split(catalogue: Catalogue, groups: Groups) -> str:
    """The split that chooses the threshold: validation, or train where validation has no two of a group."""
    ids = groups.ids[catalogue.within(SPLITS[1]) & (groups.ids >= 0)]
    return SPLITS[1] if len(ids) and np.bincount(ids).max() >= 2 else SPLITS[0]
