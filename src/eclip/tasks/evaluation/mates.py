"""Find another seller's offer of the same product: every way of asking against every way of being found.

A query is a test listing's picture, title, or both; what is searched are the pictures, titles, or products of all
listings of a known group, the query's own left out. A method without a common space for pictures and titles
fills the cells that it can.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eclip.metrics import mean, recall_at_k, relevant_ranks
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.evaluation.baselines import title_cosine_features
from eclip.tasks.features import present_rows, search_vectors
from eclip.tasks.intervals import estimate
from eclip.tasks.matching.groups import Groups
from eclip.tasks.results import MODALITIES, Result, results_of

NAME = "retrieval"
KS = (1, 10)
MAX_QUERIES = 2_000
FOUND_AMONG = {"image": "pictures", "text": "titles", "both": "pictures with titles"}


def mate_cells(catalogue: Catalogue, groups: Groups, *, method: str, seed: int, buckets: np.ndarray) -> list[Result]:
    """R@1, R@10 and MRR of each cell; the results' modality is the query's, their target says what is searched.

    Args:
        catalogue: Products with the vectors of the method.
        groups: Who is whose mate.
        method: Of the table.
        seed: Of the choice of queries, the same for all methods.
        buckets: [N] bucket of each listing's product.
    """
    images, texts = catalogue.image_vectors, catalogue.text_vectors
    common = images.shape[1] == texts.shape[1]
    has = {"image": present_rows(images), "text": present_rows(texts)}
    has["both"] = has["image"] & has["text"]
    results = []
    for among in MODALITIES:
        for asked in MODALITIES:
            if asked != among and not common:
                continue
            sides = [(search_vectors(images, texts, each)[0], has[each]) for each in (asked, among)]
            results += cell(
                *sides[0],
                *sides[1],
                catalogue,
                groups,
                asked=asked,
                among=among,
                method=method,
                seed=seed,
                buckets=buckets,
            )
    return results


def cell(
    queries: Any,
    has_query: np.ndarray,
    corpus: Any,
    in_corpus: np.ndarray,
    catalogue: Catalogue,
    groups: Groups,
    *,
    asked: str,
    among: str,
    method: str,
    seed: int,
    buckets: np.ndarray,
) -> list[Result]:
    """One cell: vectors [N, D] of queries and of what is searched, and the rows [N] that have them."""
    searched = np.flatnonzero(in_corpus & (groups.ids >= 0))
    if not len(searched):
        return []
    sizes = np.bincount(groups.ids[searched], minlength=groups.ids.max() + 1)
    known = np.flatnonzero(has_query & catalogue.within(SPLITS[2]) & (groups.ids >= 0))
    rows = known[sizes[groups.ids[known]] - in_corpus[known] >= 1]  # at least one mate is there, not just itself
    if not len(rows):
        return []
    chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:MAX_QUERIES])
    places = np.full(catalogue.num_rows, -1)
    places[searched] = np.arange(len(searched))
    ranks = relevant_ranks(
        queries[chosen], corpus[searched], groups.ids[chosen], groups.ids[searched], own_rows=places[chosen]
    )
    of_rows = buckets[chosen]
    figures = {f"R@{k}": estimate(recall_at_k, ranks, k=k, buckets=of_rows) for k in KS}
    figures["MRR"] = estimate(mean, 1 / (ranks + 1), buckets=of_rows)
    target = f"same {groups.level} among {FOUND_AMONG[among]}"
    return results_of(figures, task=NAME, target=target, modality=asked, method=method, drawn_from=len(rows))


def title_cell(catalogue: Catalogue, groups: Groups, *, method: str, seed: int, buckets: np.ndarray) -> list[Result]:
    """The cell of titles among titles, by counted words."""
    has_title = np.array([bool(title) for title in catalogue.titles], dtype=bool)
    train = np.flatnonzero(has_title & catalogue.within(SPLITS[0]))
    if not len(train):
        return []
    matrix = title_cosine_features(catalogue.titles, train)
    return cell(
        matrix,
        has_title,
        matrix,
        has_title,
        catalogue,
        groups,
        asked="text",
        among="text",
        method=method,
        seed=seed,
        buckets=buckets,
    )
