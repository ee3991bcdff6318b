"""Names of clusters that outlive an update: most of a cluster's listings keep their cluster's id.

Each old id goes to the new cluster that holds most of its listings, one id to one cluster, greatest overlap first; what
is left over gets a new id. So a cluster that grows or loses a listing keeps its id, of two that are merged the one
with more listings there gives the name, and of the parts of a split one the largest keeps it.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SPLIT, MERGED = "was split", "was merged"


@dataclass(frozen=True, kw_only=True)
class Change:
    """An old cluster whose listings are now in several, or a new one with listings of several old ones.

    Attributes:
        kind: `SPLIT` or `MERGED`.
        cluster_id: The old cluster that was split, or the new one that others were merged into.
        others: Ids of the new clusters that hold its listings, or of the old ones that are in it; the most first.
    """

    kind: str
    cluster_id: str
    others: tuple[str, ...]


def stable_ids(
    clusters: np.ndarray, product_ids: Sequence[str], previous: Mapping[str, str]
) -> tuple[list[str], list[Change]]:
    """An id for each cluster, and which old clusters were split or merged.

    Args:
        clusters: [N] numbers from 0.
        product_ids: [N] unique ids of the listings.
        previous: Product id -> cluster id before; listings that are gone, and new ones, are no matter.

    Returns:
        [C] ids by cluster number, and the changes: splits, then merges, by their ids.
    """
    overlaps: Counter[tuple[int, str]] = Counter()
    smallest: dict[int, str] = {}
    for cluster, product_id in zip(clusters.tolist(), product_ids, strict=True):
        smallest[cluster] = min(smallest.get(cluster, product_id), product_id)
        if product_id in previous:
            overlaps[cluster, previous[product_id]] += 1
    names: dict[int, str] = {}
    used = set(previous.values())
    taken: set[str] = set()
    for (cluster, old), _ in sorted(overlaps.items(), key=lambda item: (-item[1], item[0][1], smallest[item[0][0]])):
        if cluster not in names and old not in taken:
            names[cluster] = old
            taken.add(old)
    for cluster in sorted(smallest, key=lambda number: smallest[number]):
        if cluster not in names:
            names[cluster] = _new_id(smallest[cluster], used)
            used.add(names[cluster])
    return [names[cluster] for cluster in range(len(names))], _changes(overlaps, names)


def _new_id(product_id: str, used: set[str]) -> str:
    """An id made of a listing's, that no cluster has or had."""
    attempt = 0
    while True:
        text = product_id if not attempt else f"{product_id}\n{attempt}"
        name = f"c{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"
        if name not in used:
            return name
        attempt += 1


def _changes(overlaps: Mapping[tuple[int, str], int], names: Mapping[int, str]) -> list[Change]:
    of_old: dict[str, list[tuple[int, str]]] = defaultdict(list)
    of_new: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for (cluster, old), count in overlaps.items():
        of_old[old].append((-count, names[cluster]))
        of_new[names[cluster]].append((-count, old))
    return [
        Change(kind=kind, cluster_id=name, others=tuple(other for _, other in sorted(parts)))
        for kind, table in ((SPLIT, of_old), (MERGED, of_new))
        for name, parts in sorted(table.items())
        if len(parts) > 1
    ]
