"""Figures of a clustering, and clusters to look at."""

from __future__ import annotations

import numpy as np

from eclip.tasks.catalogue import Catalogue
from eclip.tasks.clustering.cluster import NAME
from eclip.tasks.intervals import cluster_estimates
from eclip.tasks.matching.groups import Groups
from eclip.tasks.results import Card, Gallery, Result, results_of

METRICS = {
    "pairwise F1": "pairwise_f1",
    "B-cubed F1": "bcubed_f1",
    "ARI": "ari",
    "NMI": "nmi",
    "purity": "purity",
}
NUM_CLUSTERS, CLUSTER_CARDS = 6, 10  # of the gallery


def clustering_results(
    truth: np.ndarray,
    clusters: np.ndarray,
    *,
    level: str,
    modality: str,
    method: str,
    buckets: np.ndarray | None = None,
) -> list[Result]:
    """Figures of a clustering [n] of listings of known group [n]; `buckets` as in `eclip.tasks.intervals`."""
    found = cluster_estimates(truth, clusters, buckets=buckets)
    figures = {metric: found[field] for metric, field in METRICS.items()}
    return results_of(figures, task=NAME, target=level, modality=modality, method=method)


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
