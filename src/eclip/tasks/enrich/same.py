"""Same products of new listings, in a store or among themselves, and the clusters that these make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from eclip.tasks.clustering.catalogs import cluster_listings
from eclip.tasks.clustering.cluster import NEIGHBOURS as CLUSTER_NEIGHBOURS
from eclip.tasks.clustering.cluster import cluster
from eclip.tasks.clustering.edgemodel import EdgeModel
from eclip.tasks.clustering.listings import COLUMNS as CLUSTER_COLUMNS
from eclip.tasks.clustering.listings import Listings as ClusterListings
from eclip.tasks.enrich.corpus import Corpus
from eclip.tasks.enrich.listings import Listings
from eclip.tasks.features import search_vectors
from eclip.tasks.matching.candidates import Candidates, pairs_of
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.scorers import RICHEST_FIRST, PairScorers
from eclip.tasks.neighbours import nearest_rows, neighbour_pairs

# Many at once: what the candidates say is gathered once for all of them.
LISTINGS_AT_ONCE = 8_192
PAIRS_AT_ONCE = 65_536  # some 40 MB of features


@dataclass(frozen=True)
class SameInStore:
    """Listings of a store that are the same product as a new one."""

    scorers: PairScorers
    corpus: Corpus

    def answer(self, listings: Listings) -> Mapping[str, Sequence[Any]]:
        """`same_product_ids`, `same_product_confidences`: most probable first; why the first; `catalog_id`."""
        answers: dict[str, list[Any]] = {}
        for start in range(0, len(listings), LISTINGS_AT_ONCE):
            some = listings.part(start, min(start + LISTINGS_AT_ONCE, len(listings)))
            for name, values in self._answer(some).items():
                answers.setdefault(name, []).extend(values)
        return answers

    def _answer(self, listings: Listings) -> Mapping[str, Sequence[Any]]:
        left, found = pairs_of(self.corpus.candidates.near(listings.pair_source))
        # Only the candidates' rows are put beside the batch: joining the whole store to each would cost its size.
        rows, right = np.unique(found, return_inverse=True)
        joined = listings.pair_source.followed_by(self.corpus.listings.take(rows))
        scores, thresholds = _scores(self.scorers, joined, left, right + len(listings))
        ids = [self.corpus.ids[row] for row in rows]
        same = _same(left, right, scores, thresholds, listings.ids, ids)
        catalogs: list[str | None] = [None] * len(listings)
        for pair in same:
            catalogs[pair.row] = catalogs[pair.row] or self.corpus.catalog_ids[rows[pair.other]]
        return _columns(same, listings, self.scorers, joined, len(listings)) | {"catalog_id": catalogs}


@dataclass(frozen=True)
class SameInWindow:
    """Listings of the feed itself that are the same product."""

    scorers: PairScorers

    def answer(self, listings: Listings) -> Mapping[str, Sequence[Any]]:
        """`same_product_ids`, `same_product_confidences`: most probable first, itself left out."""
        source = listings.pair_source
        left, right = pairs_of(Candidates.of_source(source).near(source, own_rows=np.arange(len(listings))))
        scores, thresholds = _scores(self.scorers, source, left, right)
        same = _same(left, right, scores, thresholds, listings.ids, listings.ids)
        return _columns(same, listings, self.scorers, source, 0)


@dataclass(frozen=True)
class Clusters:
    """Which listings of the feed stand together as one product."""

    scorers: PairScorers

    def answer(self, listings: Listings) -> Mapping[str, Sequence[Any]]:
        """`cluster_id`: the id of its first listing; `cluster_confidence`: that it holds what it should.

        Of a cluster of several it is the mean probability of a listing's pairs with near ones of the same cluster;
        of a listing alone the probability that the nearest is another product.
        """
        rows = _named_rows(listings)
        ids: list[str | None] = [None] * len(listings)
        confidences: list[float | None] = [None] * len(listings)
        if not len(rows):
            return {"cluster_id": ids, "cluster_confidence": confidences}
        score = self.scorers.on(listings.pair_source, "both")
        left, right = neighbour_pairs(_neighbours(listings, CLUSTER_NEIGHBOURS))
        kept = np.isin(left, rows) & np.isin(right, rows)
        left, right = left[kept], right[kept]
        scores = score(left, right)
        threshold = next(self.scorers.by_modality[m].threshold for m in RICHEST_FIRST if m in self.scorers.by_modality)
        labels = np.full(len(listings), -1)
        labels[rows] = cluster(rows, left, right, scores, score, threshold)
        first = {label: row for row, label in reversed(list(zip(rows.tolist(), labels[rows].tolist(), strict=True)))}
        sure = _cluster_confidence(labels, left, right, scores)
        for row in rows.tolist():
            ids[row], confidences[row] = listings.ids[first[labels[row]]], float(sure[row])
        return {"cluster_id": ids, "cluster_confidence": confidences}


@dataclass(frozen=True)
class ClustersByEdges:
    """The same, by the model of edges that `eclip cluster` uses."""

    model: EdgeModel

    def answer(self, listings: Listings) -> Mapping[str, Sequence[Any]]:
        """`cluster_id`: the id of its first listing; `cluster_confidence`."""
        rows = _named_rows(listings)
        ids: list[str | None] = [None] * len(listings)
        confidences: list[float | None] = [None] * len(listings)
        if len(rows):
            columns = {name: listings.table[name].take(rows).to_pylist() for name in CLUSTER_COLUMNS}
            read = ClusterListings.of_columns(columns, listings.image[rows], listings.text[rows])
            found = cluster_listings(read, self.model)
            _, first = np.unique(found.clusters, return_index=True)
            for row, number, sure in zip(rows.tolist(), found.clusters, found.certainty.confidence, strict=True):
                ids[row], confidences[row] = listings.ids[rows[first[number]]], float(sure)
        return {"cluster_id": ids, "cluster_confidence": confidences}


def _named_rows(listings: Listings) -> np.ndarray:
    """Rows that can be used and have an id: one without would give its cluster none."""
    named = np.array([each is not None for each in listings.ids], dtype=bool)
    return np.flatnonzero(listings.usable & named)


def _cluster_confidence(labels: np.ndarray, left: np.ndarray, right: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """How sure the cluster of each row [N] is, of the scores [P] of its pairs with near rows."""
    ends, others, chances = np.r_[left, right], np.r_[right, left], np.r_[scores, scores]
    within = labels[ends] == labels[others]
    sums = np.bincount(ends[within], chances[within], minlength=len(labels))
    counts = np.bincount(ends[within], minlength=len(labels))
    nearest = np.zeros(len(labels))
    np.maximum.at(nearest, ends[~within], chances[~within])
    return np.where(counts > 0, sums / np.maximum(counts, 1), 1 - nearest)


def _neighbours(listings: Listings, top_k: int) -> np.ndarray:
    """Rows [N, K] of the listings nearest by product vector, itself left out; -1 where there are no more."""
    vectors, there = search_vectors(listings.image, listings.text, "both")
    found, _ = nearest_rows(vectors, vectors, top_k, own_rows=np.arange(len(vectors)))
    found[~there] = -1
    return np.where((found >= 0) & there[found], found, -1)


def _scores(
    scorers: PairScorers, source: PairSource, left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Probability [P] of pairs and the threshold of each, a block of pairs' features in memory at a time."""
    scores, thresholds = np.zeros(len(left)), np.ones(len(left))
    for start in range(0, len(left), PAIRS_AT_ONCE):
        some = slice(start, start + PAIRS_AT_ONCE)
        scores[some], thresholds[some] = scorers.scores(source, left[some], right[some])
    return scores, thresholds


class _Same(NamedTuple):
    """A listing, by its row, and another one that is the same product."""

    row: int
    other: int
    product_id: str
    probability: float


def _same(
    left: np.ndarray,
    right: np.ndarray,
    scores: np.ndarray,
    thresholds: np.ndarray,
    own_ids: Sequence[str | None],
    ids: Sequence[str | None],
) -> list[_Same]:
    """The pairs that are the same, row by row, the most probable first.

    A feed may hold listings that the store holds too: what has a listing's own id, or none, is left out.
    """
    same = np.flatnonzero(scores >= thresholds)
    order = same[np.lexsort((right[same], -scores[same], left[same]))]
    found = zip(left[order].tolist(), right[order].tolist(), scores[order].tolist(), strict=True)
    named = ((row, other, ids[other], score) for row, other, score in found)
    return [_Same(row, other, name, score) for row, other, name, score in named if name not in (None, own_ids[row])]


def _columns(
    same: Sequence[_Same], listings: Listings, scorers: PairScorers, joined: PairSource, offset: int
) -> dict[str, Sequence[Any]]:
    """Ids and probabilities by row, and in words why the first of each is the same.

    Args:
        same: The pairs.
        listings: Whose rows they are.
        scorers: That have judged them.
        joined: The listings, followed by the others from row `offset` on.
        offset: 0 where the others are these listings themselves.
    """
    found: list[dict[str, float]] = [{} for _ in range(len(listings))]
    reasons: list[str | None] = [None] * len(listings)
    for pair in same:
        found[pair.row].setdefault(pair.product_id, pair.probability)
    first = {pair.row: pair for pair in reversed(same)}
    if first:
        left, right = (np.array([getattr(p, name) for p in first.values()]) for name in ("row", "other"))
        for row, reason in zip(left.tolist(), scorers.judged(joined, left, right + offset)[2], strict=True):
            reasons[row] = reason
    return {
        "same_product_ids": [list(each) for each in found],
        "same_product_confidences": [list(each.values()) for each in found],
        "same_product_reason": reasons,
    }
