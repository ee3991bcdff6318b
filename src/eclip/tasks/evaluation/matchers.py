"""Who judges pairs and clusters listings in an evaluation: our scorers, those of other vectors, and TF-IDF titles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eclip.errors import ModelError
from eclip.metrics import best_f1_threshold
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.clustering.catalogs import cluster_listings, fit_store_clustering
from eclip.tasks.clustering.cluster import NAME as CLUSTERING
from eclip.tasks.clustering.cluster import PairScores, candidate_pairs, cluster
from eclip.tasks.clustering.edgemodel import EdgeModel
from eclip.tasks.clustering.listings import Listings
from eclip.tasks.clustering.thresholds import choose_threshold, held_out_split, labelled_rows
from eclip.tasks.evaluation.baselines import cosine_scores, title_cosine_features
from eclip.tasks.features import search_vectors
from eclip.tasks.fit import cluster_scorers
from eclip.tasks.matching.draw import draw_pairs, having
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.fit import fit_matching
from eclip.tasks.matching.groups import NAME as MATCHING
from eclip.tasks.matching.groups import Groups
from eclip.tasks.matching.scorers import RICHEST_FIRST, PairScorers
from eclip.tasks.results import OUR_METHOD, TF_IDF
from eclip.tasks.taskfiles import read_task


@dataclass(frozen=True, kw_only=True)
class Matcher:
    """One task by one method and modality."""

    task: str  # matching or clustering
    method: str
    modality: str
    vectors: Any  # [N, D] unit rows, dense or sparse
    mask: np.ndarray  # [N] rows that have the modality
    score: PairScores
    threshold: float
    edges: EdgeModel | None = None  # what clusters in place of score and threshold, as `eclip cluster` does
    listings: Listings | None = None  # [N], for `edges`

    def clusters(self, rows: np.ndarray) -> np.ndarray:
        """Cluster number [n] of each of some rows [n], clustered among themselves."""
        if self.edges is not None and self.listings is not None:
            return cluster_listings(self.listings.take(rows), self.edges).clusters
        left, right = candidate_pairs(self.vectors, rows)
        return cluster(rows, left, right, self.score(left, right), self.score, self.threshold)


def read_scorers(folder: Path, model_digest: str, level: str) -> PairScorers:
    """Read the scorers that `fit` wrote for matching or clustering.

    Raises:
        ModelError: They are missing, damaged, or of another model or level than the store's.
    """
    content = read_task(folder, model_digest)
    if content.get("level") != level:
        raise ModelError(
            f"{folder} was fitted on groups by {content.get('level')}, the store has them by {level}: run "
            "`eclip fit` on this store"
        )
    return PairScorers.from_json(content["scorers"])


def edges_of(content: Mapping[str, Any] | None) -> EdgeModel | None:
    """The model that clusters listings by all they have; None where too little was there to learn it from."""
    told = (content or {}).get("edges")
    return None if told is None else EdgeModel.from_json(told)


def our_matchers(
    catalogue: Catalogue, loaded: dict[str, PairScorers], edges: EdgeModel | None, method: str = OUR_METHOD
) -> Iterator[Matcher]:
    """One a task and modality that was fitted; from picture and title together the model of edges clusters."""
    source, listings = PairSource.of(catalogue), Listings.of_catalogue(catalogue)
    for modality in RICHEST_FIRST:
        vectors, mask = search_vectors(catalogue.image_vectors, catalogue.text_vectors, modality)
        for task, scorers in loaded.items():
            if modality in scorers.by_modality:
                yield Matcher(
                    task=task,
                    method=method,
                    modality=modality,
                    vectors=vectors,
                    mask=mask,
                    score=scorers.on(source, modality),
                    threshold=scorers.by_modality[modality].threshold,
                    edges=edges if (task, modality) == (CLUSTERING, "both") else None,
                    listings=listings,
                )


def other_matchers(
    catalogue: Catalogue, groups: Groups, tasks: Sequence[str], method: str, *, with_edges: bool, seed: int
) -> Iterator[Matcher]:
    """The same scorers and edges, fitted over other towers' vectors."""
    scorers, _ = fit_matching(catalogue, groups, seed=seed)
    loaded = {MATCHING: scorers}
    if CLUSTERING in tasks:
        loaded[CLUSTERING] = cluster_scorers(catalogue, groups, scorers, seed=seed)
    edges = edges_of({"edges": fit_store_clustering(catalogue, groups, seed=seed)}) if with_edges else None
    yield from our_matchers(catalogue, {task: loaded[task] for task in tasks}, edges, method)


def title_matchers(catalogue: Catalogue, groups: Groups, tasks: Sequence[str], *, seed: int) -> Iterator[Matcher]:
    """The cosine of TF-IDF titles, with thresholds chosen on validation."""
    mask = np.array([bool(title) for title in catalogue.titles])
    train = np.flatnonzero(mask & catalogue.within(SPLITS[0]))
    split = held_out_split(catalogue, groups)
    held = having(PairSource.of(catalogue), draw_pairs(catalogue, groups, split, seed=seed), "text")
    rows = labelled_rows(catalogue, groups, split, mask, seed=seed)
    if not len(train) or not held.same.any() or not len(rows):
        return
    matrix = title_cosine_features(catalogue.titles, train)

    def score(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return cosine_scores(matrix, left, right)

    for task in tasks:
        if task == MATCHING:
            threshold, _ = best_f1_threshold(held.same, score(held.left, held.right))
        else:
            left, right = candidate_pairs(matrix, rows)
            threshold = choose_threshold(rows, groups.ids[rows], left, right, score)
        yield Matcher(
            task=task,
            method=TF_IDF,
            modality="text",
            vectors=matrix,
            mask=mask,
            score=score,
            threshold=threshold,
        )
