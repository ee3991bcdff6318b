"""How sure each place in a cluster is, and which groups a person should look at first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Certainty:
    """For N listings, from the edges of the graph.

    Attributes:
        confidence: [N] float32 in 0..1 that the listing's cluster is right for it: the mean probability of being one
            product with its cluster's other listings; of one that stands alone, that it is none with its nearest.
        nearest: [N] int64 the other cluster that is most probably the same product as the listing; -1 = none.
        nearest_probability: [N] float32 mean probability with that cluster's listings.
    """

    confidence: np.ndarray
    nearest: np.ndarray
    nearest_probability: np.ndarray


def certainty(
    clusters: np.ndarray, left: np.ndarray, right: np.ndarray, probabilities: np.ndarray, *, missing: float
) -> Certainty:
    """Weigh each listing's own cluster against the nearest other one.

    Args:
        clusters: [N] numbers from 0.
        left: [E] rows of the edges.
        right: [E] rows.
        probabilities: [E] of being one product; 0 where it is forbidden.
        missing: Probability of a pair that is no edge.
    """
    num_rows = len(clusters)
    sizes = np.bincount(clusters, minlength=1)
    rows, others = np.concatenate([left, right]), np.concatenate([right, left])
    base = int(clusters.max(initial=0)) + 1
    keys, inverse = np.unique(rows.astype(np.int64) * base + clusters[others], return_inverse=True)
    sums = np.bincount(inverse, weights=np.concatenate([probabilities, probabilities]), minlength=len(keys))
    counts = np.bincount(inverse, minlength=len(keys))
    row, cluster = keys // base, keys % base
    own = cluster == clusters[row]
    num_pairs = sizes[cluster] - own
    means = (sums + missing * (num_pairs - counts)) / np.maximum(num_pairs, 1)
    inside = np.full(num_rows, missing)
    inside[row[own]] = means[own]
    nearest, best = np.full(num_rows, -1, dtype=np.int64), np.zeros(num_rows)
    order = np.argsort(means[~own], kind="stable")  # the last one written is the greatest
    nearest[row[~own][order]], best[row[~own][order]] = cluster[~own][order], means[~own][order]
    confidence = np.where(sizes[clusters] > 1, inside, 1 - best)
    return Certainty(
        confidence=confidence.astype(np.float32), nearest=nearest, nearest_probability=best.astype(np.float32)
    )


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A group that a person should look at.

    Attributes:
        cluster: Its number.
        kind: "split?" = its listings may be several products; "merge?" = it may be one with `other`.
        other: The number of another cluster; -1 for a split.
        row: The listing that is in doubt.
        doubt: 0..1, how far from certain: 1 = as likely as not.
    """

    cluster: int
    kind: str
    other: int
    row: int
    doubt: float


def review_queue(clusters: np.ndarray, found: Certainty, *, most: int) -> list[Doubt]:
    """The least certain groups first, each once for being split and each pair of groups once for being merged.

    Args:
        clusters: [N] numbers from 0.
        found: Of the same listings.
        most: How many at most.
    """
    sizes = np.bincount(clusters, minlength=1)
    splits: dict[int, Doubt] = {}
    merges: dict[tuple[int, int], Doubt] = {}
    inside = 1 - np.abs(2 * np.clip(found.confidence, 0, 1) - 1)
    outside = 1 - np.abs(2 * np.clip(found.nearest_probability, 0, 1) - 1)
    for row in np.argsort(-inside, kind="stable").tolist():
        cluster = int(clusters[row])
        if len(splits) >= most or not inside[row]:
            break
        if sizes[cluster] > 1 and cluster not in splits:
            splits[cluster] = Doubt(cluster=cluster, kind="split?", other=-1, row=row, doubt=float(inside[row]))
    for row in np.argsort(-outside, kind="stable").tolist():
        if len(merges) >= most or not outside[row]:
            break
        cluster, other = int(clusters[row]), int(found.nearest[row])
        pair = (min(cluster, other), max(cluster, other))
        if other >= 0 and pair not in merges:
            merges[pair] = Doubt(cluster=cluster, kind="merge?", other=other, row=row, doubt=float(outside[row]))
    both = [*splits.values(), *merges.values()]
    return sorted(both, key=lambda doubt: (-doubt.doubt, doubt.cluster, doubt.other))[:most]
