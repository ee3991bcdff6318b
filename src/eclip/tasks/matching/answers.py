"""Which listings are the same product as a new one."""

from __future__ import annotations

import numpy as np

from eclip.tasks.features import search_vectors
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.scorers import PairScorers
from eclip.tasks.neighbours import nearest_rows


def same_products(
    scorers: PairScorers, products: PairSource, corpus: PairSource | None, *, top_k: int
) -> list[list[tuple[int, float]]]:
    """For each listing, those of the corpus that are the same product, with probabilities, best first.

    Args:
        scorers: That `fit` wrote for matching.
        products: Listings to look up.
        corpus: Listings to find; None = the same ones, each without itself.
        top_k: How many nearest neighbours are judged, so at most as many come back.
    """
    found = _nearest(products, corpus if corpus is not None else products, top_k, within=corpus is None)
    joined = products if corpus is None else products.followed_by(corpus)
    offset = 0 if corpus is None else len(products.titles)
    left = np.repeat(np.arange(len(found)), found.shape[1])
    right = found.reshape(-1)
    kept = right >= 0
    left, right = left[kept], right[kept]
    scores, thresholds = scorers.scores(joined, left, right + offset)
    answers: list[list[tuple[int, float]]] = [[] for _ in range(len(found))]
    for pair in np.flatnonzero(scores >= thresholds):
        answers[left[pair]].append((int(right[pair]), float(scores[pair])))
    return [sorted(answer, key=lambda item: (-item[1], item[0])) for answer in answers]


def _nearest(products: PairSource, corpus: PairSource, top_k: int, *, within: bool) -> np.ndarray:
    """Rows [N, K] of the corpus nearest by product vector; -1 where there are no more."""
    queries, asked = search_vectors(products.image_vectors, products.text_vectors, "both")
    among, there = search_vectors(corpus.image_vectors, corpus.text_vectors, "both")
    own = np.arange(len(queries)) if within else None
    found, _ = nearest_rows(queries, among, top_k, own_rows=own)
    found[~asked] = -1
    return np.where((found >= 0) & there[found], found, -1)
