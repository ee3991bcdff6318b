"""Measure matching and clustering on the test split: our scorers, then the baselines.

A method is its vectors, a score for pairs, and a threshold chosen off the test split; from there on all
methods go the same way, over the same pairs. From picture and title together, listings are clustered as `eclip cluster`
does it, where enough was there to learn its model of edges from.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from eclip.progress import stage
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.clustering.cluster import NAME as CLUSTERING
from eclip.tasks.clustering.results import cluster_galleries, clustering_results
from eclip.tasks.clustering.thresholds import labelled_rows
from eclip.tasks.evaluation.assigned import assigned_results
from eclip.tasks.evaluation.matchers import (
    Matcher,
    edges_of,
    other_matchers,
    our_matchers,
    read_scorers,
    title_matchers,
)
from eclip.tasks.matching.draw import Pairs, draw_pairs, having
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.groups import NAME as MATCHING
from eclip.tasks.matching.groups import Groups, product_groups
from eclip.tasks.matching.results import matching_results, mate_results, strict_results, strict_threshold
from eclip.tasks.results import MAJORITY, OUR_METHOD, PAIRS_FACT, Report, Skipped
from eclip.tasks.taskfiles import TASK_FILE, read_task


def evaluate_pair_tasks(
    report: Report,
    catalogue: Catalogue,
    folder: Path,
    views: dict[str, Catalogue],
    *,
    seed: int,
    buckets: np.ndarray | None = None,
) -> None:
    """Add the results, curves and galleries of matching and clustering to the report.

    Args:
        report: To add to.
        catalogue: Products with the model's vectors.
        folder: MODEL/tasks.
        views: The same products with the vectors of other methods, by method; scorers are fitted on them anew.
        seed: Of everything drawn and fitted.
        buckets: [N] bucket of each listing's product, for intervals (`eclip.tasks.intervals`).
    """
    names = (MATCHING, CLUSTERING)
    groups = product_groups(catalogue)
    if isinstance(groups, Skipped):
        report.skipped.extend(Skipped(task=task, reason=groups.reason) for task in names)
        return
    fitted = [task for task in names if (folder / task / TASK_FILE).exists()]
    report.skipped.extend(
        Skipped(task=task, reason="not fitted: run `eclip fit STORE --model MODEL`")
        for task in names
        if task not in fitted
    )
    if not fitted:
        return
    pairs = draw_pairs(catalogue, groups, SPLITS[2], seed=seed, others=list(views.values()))
    if not pairs.same.any():
        reason = "the test split has no two listings of one product"
        report.skipped.extend(Skipped(task=task, reason=reason) for task in fitted)
        return
    report.facts[PAIRS_FACT] = _told(pairs, catalogue)
    loaded = {task: read_scorers(folder / task, catalogue.model_digest, groups.level) for task in fitted}
    edges = edges_of(read_task(folder / CLUSTERING, catalogue.model_digest)) if CLUSTERING in fitted else None
    with stage("Matching and clustering", None, unit="methods") as advance:
        matchers = list(our_matchers(catalogue, loaded, edges))
        for method, view in views.items():
            matchers += other_matchers(view, groups, fitted, method, with_edges=edges is not None, seed=seed)
        matchers += title_matchers(catalogue, groups, fitted, seed=seed)
        held = draw_pairs(catalogue, groups, SPLITS[1], seed=seed, others=list(views.values()))
        _add_majority(report, catalogue, groups, pairs, fitted, seed=seed, buckets=buckets)
        for matcher in matchers:
            if matcher.task == MATCHING:
                _add_matching(report, catalogue, groups, pairs, held, matcher, seed=seed, buckets=buckets)
            else:
                _add_clustering(report, catalogue, groups, matcher, seed=seed, buckets=buckets)
            advance(1)
        if MATCHING in loaded:
            report.results.extend(assigned_results(catalogue, groups, loaded[MATCHING], seed=seed, buckets=buckets))
            advance(1)


def _told(pairs: Pairs, catalogue: Catalogue) -> str:
    """How many pairs there are, and a digest of which."""
    ids = catalogue.product_ids
    digest = hashlib.blake2b(digest_size=6)
    for left, right in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True):
        digest.update(f"{ids[left]}\0{ids[right]}\n".encode())
    return f"{len(pairs.same):,}, digest {digest.hexdigest()}"


def _add_matching(
    report: Report,
    catalogue: Catalogue,
    groups: Groups,
    pairs: Pairs,
    held: Pairs,
    matcher: Matcher,
    *,
    seed: int,
    buckets: np.ndarray | None,
) -> None:
    """Figures over test pairs; `held` are validation's, that say from which score on answers are sure."""
    kept, held = (having(PairSource.of(catalogue), each, matcher.modality) for each in (pairs, held))
    if not kept.same.any():
        return
    scores = matcher.score(kept.left, kept.right)
    results, curves = matching_results(
        kept,
        scores,
        matcher.threshold,
        level=groups.level,
        modality=matcher.modality,
        method=matcher.method,
        buckets=buckets,
    )
    report.results.extend(results)
    report.curves.extend(curves)
    place: dict[str, Any] = {"level": groups.level, "modality": matcher.modality, "method": matcher.method}
    sure = strict_threshold(held.same, matcher.score(held.left, held.right)) if held.same.any() else None
    report.results.extend(strict_results(kept, scores, sure, **place, buckets=buckets))
    report.results.extend(
        mate_results(
            matcher.vectors,
            matcher.mask,
            catalogue,
            groups,
            modality=matcher.modality,
            method=matcher.method,
            seed=seed,
            buckets=buckets,
        )
    )


def _add_clustering(
    report: Report,
    catalogue: Catalogue,
    groups: Groups,
    matcher: Matcher,
    *,
    seed: int,
    buckets: np.ndarray | None,
) -> None:
    rows = labelled_rows(catalogue, groups, SPLITS[2], matcher.mask, seed=seed)
    if not len(rows):
        return
    clusters = matcher.clusters(rows)
    report.results.extend(
        clustering_results(
            groups.ids[rows],
            clusters,
            level=groups.level,
            modality=matcher.modality,
            method=matcher.method,
            buckets=None if buckets is None else buckets[rows],
        )
    )
    if matcher.method == OUR_METHOD and not any(g.kind == "cluster" for g in report.galleries):
        report.galleries.extend(cluster_galleries(catalogue, groups, rows, clusters))


def _add_majority(
    report: Report,
    catalogue: Catalogue,
    groups: Groups,
    pairs: Pairs,
    tasks: list[str],
    *,
    seed: int,
    buckets: np.ndarray | None,
) -> None:
    """Who looks at nothing: no pair is the same product, and each listing is a cluster of its own."""
    place: dict[str, Any] = {"level": groups.level, "modality": "both", "method": MAJORITY}
    if MATCHING in tasks:
        nothing = np.zeros(len(pairs.same))
        report.results.extend(matching_results(pairs, nothing, 0.5, **place, buckets=buckets)[0])
    if CLUSTERING in tasks:
        rows = labelled_rows(catalogue, groups, SPLITS[2], catalogue.features("both")[1], seed=seed)
        of_rows = None if buckets is None else buckets[rows]
        alone = np.arange(len(rows))
        found = clustering_results(groups.ids[rows], alone, **place, buckets=of_rows) if len(rows) else []
        report.results.extend(each for each in found if each.metric != "purity")  # 1 by its definition
