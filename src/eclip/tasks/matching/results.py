"""Figures of matching: pairs judged, and mates found among all listings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.metrics import average_precision, f1, mean, precision_recall_curve, recall_at_k, relevant_ranks
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.curves import precision_recall_line
from eclip.tasks.intervals import estimate
from eclip.tasks.matching.draw import Pairs
from eclip.tasks.matching.groups import NAME, Groups
from eclip.tasks.results import Curve, Result, results_of

MAX_QUERIES = 2_000  # of mate retrieval
KS = (1, 10)
STRICT_PRECISION = 0.99


def matching_results(
    pairs: Pairs,
    scores: np.ndarray,
    threshold: float,
    *,
    level: str,
    modality: str,
    method: str,
    buckets: np.ndarray | None = None,
) -> tuple[list[Result], list[Curve]]:
    """F1 at the threshold, average precision and the curve, over test pairs with scores [P].

    Intervals come from `buckets` [N], the bucket of each listing's product (`eclip.tasks.intervals`): a pair goes with
    its left listing's.
    """
    of_pairs = None if buckets is None else buckets[pairs.left]
    figures = {
        "F1": estimate(f1, pairs.same, scores >= threshold, buckets=of_pairs),
        "average precision": estimate(average_precision, pairs.same, scores, buckets=of_pairs),
    }
    results = results_of(figures, task=NAME, target=level, modality=modality, method=method)
    line = precision_recall_line(NAME, level, pairs.same, scores, modality=modality, method=method)
    return results, [line]


def strict_threshold(same: np.ndarray, scores: np.ndarray, precision: float = STRICT_PRECISION) -> float | None:
    """The lowest threshold from which pairs known to be one or not [P] are one with that precision; None = never."""
    reached, _, thresholds = precision_recall_curve(same, scores)
    enough = np.flatnonzero(reached >= precision - 1e-12)
    return float(thresholds[enough[-1]]) if len(enough) else None


def strict_results(
    pairs: Pairs,
    scores: np.ndarray,
    threshold: float | None,
    *,
    level: str,
    modality: str,
    method: str,
    buckets: np.ndarray | None = None,
) -> list[Result]:
    """Precision and recall over test pairs where validation promised `STRICT_PRECISION`; none without a threshold.

    Each is over the pairs that it is a share of: those answered yes, and those that are the same. `buckets` as in
    `matching_results`.
    """
    if threshold is None:
        return []
    said, of_pairs = scores >= threshold, None if buckets is None else buckets[pairs.left]
    figures = {
        f"{name} at the {STRICT_PRECISION:.0%} target": estimate(
            mean, hits[among], buckets=None if of_pairs is None else of_pairs[among]
        )
        for name, hits, among in (("precision", pairs.same, said), ("recall", said, pairs.same))
    }
    return results_of(figures, task=NAME, target=level, modality=modality, method=method)


def assignment_results(
    truth: Sequence[str | None],
    answers: Sequence[Sequence[str]],
    *,
    level: str,
    modality: str,
    method: str,
    buckets: np.ndarray | None = None,
    drawn_from: int | None = None,
) -> list[Result]:
    """Recall@k of catalog assignment, of the listings whose catalog is known: is it among the first k named?

    Args:
        truth: [N] the catalog of each listing; None = not known, or not in the store.
        answers: [N] catalogs named, most probable first.
        level: What a group is.
        modality: Of the vectors.
        method: Of the table.
        buckets: [N] bucket of each listing's product, for intervals (`eclip.tasks.intervals`).
        drawn_from: How many listings there were to choose these from; None = these.
    """
    known = np.array([right is not None for right in truth], dtype=bool)
    if not known.any():
        return []
    of_known = None if buckets is None else buckets[known]
    asked = [(right, named) for right, named in zip(truth, answers, strict=True) if right is not None]
    figures = {
        f"assignment recall@{k}": estimate(
            mean, np.array([right in named[:k] for right, named in asked]), buckets=of_known
        )
        for k in KS
    }
    return results_of(figures, task=NAME, target=level, modality=modality, method=method, drawn_from=drawn_from)


def mate_results(
    vectors: np.ndarray,
    mask: np.ndarray,
    catalogue: Catalogue,
    groups: Groups,
    *,
    modality: str,
    method: str,
    seed: int,
    buckets: np.ndarray | None = None,
) -> list[Result]:
    """Recall@k of a mate among all listings of a known group, of test listings that have one.

    Args:
        vectors: [N, D] unit rows, by whose inner product neighbours are found.
        mask: [N] rows that have the modality; the others are neither asked for nor found.
        catalogue: All listings.
        groups: Who is whose mate; listings of no group may be anybody's, and are not in the corpus.
        modality: Of the vectors.
        method: Of the table.
        seed: Of the choice of at most `MAX_QUERIES` listings.
        buckets: [N] bucket of each listing's product, for intervals (`eclip.tasks.intervals`).
    """
    corpus = np.flatnonzero(mask & (groups.ids >= 0))
    ids = groups.ids[corpus]
    with_mate = np.bincount(ids, minlength=1)[ids] >= 2
    queries = np.flatnonzero(with_mate & (catalogue.split[corpus] == SPLITS[2]))
    num_queries = len(queries)
    queries = np.sort(np.random.default_rng(seed).permutation(queries)[:MAX_QUERIES])
    if not len(queries):
        return []
    among = vectors[corpus]
    ranks = relevant_ranks(among[queries], among, ids[queries], ids, own_rows=queries)
    of_queries = None if buckets is None else buckets[corpus[queries]]
    figures = {f"mate recall@{k}": estimate(recall_at_k, ranks, k=k, buckets=of_queries) for k in KS}
    return results_of(figures, task=NAME, target=groups.level, modality=modality, method=method, drawn_from=num_queries)
