"""Judging a pair with what is known of its two listings: other offers that were told to be the same product.

A listing that stood in the pairs learned from is known again by its own words, and with it its mates. The other
listing is then held against these, too: a mate may carry the model number, or the language, that the listing itself
lacks; and one that is unlike all known mates is hardly another of them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from eclip.metrics import best_f1_threshold
from eclip.tasks.matching.boosted import BoostedScorer, fit_folds, platt, sigmoid
from eclip.tasks.matching.draw import Pairs
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.trees import Trees, committee, fit_trees
from eclip.tasks.matching.wordweights import WordWeights

KIND = "recalling"
MAX_MATES = 5  # of a listing that are looked at
NUM_TREES, LEARNING_RATE, MAX_LEAVES = 60, 0.08, 6  # over four numbers
OWN, BEST, LEAST, MEAN = "own log odds", "known mates: best", "known mates: least", "known mates: mean"
COLUMNS = (OWN, BEST, LEAST, MEAN)


@dataclass(frozen=True, kw_only=True)
class KnownListings:
    """Listings of the pairs learned from, and who was told to be whose mate.

    Attributes:
        source: K listings.
        mates: Row -> rows.
    """

    source: PairSource
    mates: Mapping[int, tuple[int, ...]]

    @classmethod
    def of(cls, source: PairSource, pairs: Pairs) -> KnownListings:
        """Of pairs whose answer is told."""
        found: dict[int, set[int]] = {}
        for one, other in zip(pairs.left[pairs.same].tolist(), pairs.right[pairs.same].tolist(), strict=True):
            if one != other:
                found.setdefault(one, set()).add(other)
                found.setdefault(other, set()).add(one)
        return cls(source=source, mates={row: tuple(sorted(mates)) for row, mates in found.items()})

    @cached_property
    def places(self) -> dict[Any, int]:
        """What a listing says -> its row."""
        return {key: row for row, key in enumerate(_keys(self.source))}

    def columns(self, scorer: BoostedScorer, source: PairSource, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Log odds of each pair's listings against the known mates of the other: best, least of the sides, mean.

        [P, 3], NaN where neither listing is known to have a mate.
        """
        places = np.array([self.places.get(key, -1) for key in _keys(source)], dtype=np.int64)
        asked = [  # (pair, side, row of the other listing, row of the mate)
            (pair, side, other, mate)
            for pair, rows in enumerate(zip(left.tolist(), right.tolist(), strict=True))
            for side, (one, other) in enumerate((rows, rows[::-1]))
            for mate in [m for m in self.mates.get(int(places[one]), ()) if m != places[other]][:MAX_MATES]
        ]
        out = np.full((len(left), 3), np.nan)
        if not asked:
            return out
        pair, side, other, mate = np.array(asked, dtype=np.int64).T
        used, at = np.unique(mate, return_inverse=True)
        joined = source.followed_by(_beside(source, self.source.take(used)))
        found = scorer.log_odds(scorer.evidence(joined, other, at + len(source.titles)))
        best, total, count = (np.full((len(left), 2), start) for start in (-np.inf, 0.0, 0.0))
        np.maximum.at(best, (pair, side), found)
        np.add.at(total, (pair, side), found)
        np.add.at(count, (pair, side), 1.0)
        best[count == 0] = np.nan
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        some = count.any(axis=1)
        out[some] = np.stack(
            [np.nanmax(best[some], axis=1), np.nanmin(best[some], axis=1), np.nanmean(mean[some], axis=1)], axis=1
        )
        return out

    def as_json(self) -> dict[str, Any]:
        """What the listings with mates and these say; vectors as base64 of float16."""
        rows = np.array(sorted(self.mates), dtype=np.int64)
        place = {row: number for number, row in enumerate(rows.tolist())}
        kept = self.source.take(rows)
        return {
            "titles": list(kept.titles),
            "records": [dict(record) for record in kept.records or []],
            "mates": [[place[mate] for mate in self.mates[row]] for row in rows.tolist()],
            "vectors": base64.b64encode(kept.text_vectors.astype("<f2").tobytes()).decode("ascii"),
            "dim": kept.text_vectors.shape[1],
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> KnownListings:
        """Of what `as_json` gave."""
        vectors = np.frombuffer(base64.b64decode(content["vectors"]), dtype="<f2").astype(np.float32)
        vectors = vectors.reshape(len(content["titles"]), content["dim"])
        source = PairSource(
            titles=content["titles"],
            image_vectors=np.full_like(vectors, np.nan),
            text_vectors=vectors,
            records=content["records"] or None,
        )
        return cls(source=source, mates={row: tuple(mates) for row, mates in enumerate(content["mates"])})


@dataclass(frozen=True, kw_only=True)
class RecallingScorer:
    """A boosted scorer, and trees over its answer and those against known mates; calibrated anew."""

    base: BoostedScorer
    known: KnownListings
    trees: Trees
    slope: float
    intercept: float
    threshold: float

    @property
    def modality(self) -> str:
        """Whose vectors it reads."""
        return self.base.modality

    @property
    def words(self) -> WordWeights:
        """How rare words are."""
        return self.base.words

    @property
    def needs_vectors(self) -> bool:
        """Whether any number that it reads comes from vectors."""
        return self.base.needs_vectors

    def evidence(self, source: PairSource, left: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
        """Named columns [P] of pairs."""
        own = self.base.evidence(source, left, right)
        mates = self.known.columns(self.base, source, left, right)
        return {**own, OWN: self.base.log_odds(own), BEST: mates[:, 0], LEAST: mates[:, 1], MEAN: mates[:, 2]}

    def of_evidence(self, evidence: dict[str, np.ndarray]) -> np.ndarray:
        """Probability [P] of being the same product."""
        matrix = np.stack([evidence[name] for name in COLUMNS], axis=1)
        return sigmoid(self.slope * self.trees.log_odds(matrix) + self.intercept)

    def of_pairs(self, source: PairSource, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Probability [P] of being the same product."""
        return self.of_evidence(self.evidence(source, left, right)) if len(left) else np.zeros(0)

    def with_threshold(self, threshold: float) -> RecallingScorer:
        """The same scorer, less or more willing."""
        return replace(self, threshold=threshold)

    def as_json(self) -> dict[str, Any]:
        """For a task's JSON file."""
        numbers = {"slope": self.slope, "intercept": self.intercept, "threshold": self.threshold}
        parts = {"base": self.base.as_json(), "known": self.known.as_json(), "trees": self.trees.as_json()}
        return {"kind": KIND, **numbers, **parts}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> RecallingScorer:
        """Of what `as_json` gave."""
        trees = Trees.from_json(content["trees"])
        trees.require_columns(len(COLUMNS))
        return cls(
            base=BoostedScorer.from_json(content["base"]),
            known=KnownListings.from_json(content["known"]),
            trees=trees,
            slope=content["slope"],
            intercept=content["intercept"],
            threshold=content["threshold"],
        )


def fit_recalling(
    source: PairSource,
    pairs: Pairs,
    *,
    seed: int,
    honest_vectors: bool = True,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[RecallingScorer, np.ndarray]:
    """Fit a scorer of titles that remembers the mates it was told of.

    What mates say of a pair is learned on folds: those of the other folds are known, none of its own.

    Args:
        source: The listings.
        pairs: With both answers among them.
        seed: Of folds and trees.
        honest_vectors: As `fit_folds` takes it.
        advance: Told of each fold done.

    Returns:
        The scorer (its threshold has the best F1 on held-out folds), and the held-out probability [P] of each pair.
    """
    fitted = fit_folds(source, pairs, "text", seed=seed, honest_vectors=honest_vectors, advance=advance)
    matrix = np.full((len(pairs.same), len(COLUMNS)), np.nan)
    matrix[:, 0] = fitted.log_odds
    for fold in fitted.folds:
        train, held = fold.train, fold.held
        told = Pairs(left=pairs.left[train], right=pairs.right[train], same=pairs.same[train])
        known = KnownListings.of(source, told)
        matrix[held, 1:] = known.columns(fitted.of_fold(fold), source, pairs.left[held], pairs.right[held])
    members, log_odds = [], np.zeros(len(pairs.same))
    for number, fold in enumerate(fitted.folds):
        member = fit_trees(
            matrix[fold.train],
            pairs.same[fold.train],
            seed=seed * len(fitted.folds) + number,
            num_trees=NUM_TREES,
            learning_rate=LEARNING_RATE,
            max_leaves=MAX_LEAVES,
        )
        log_odds[fold.held] = member.log_odds(matrix[fold.held])
        members.append(member)
    slope, intercept = platt(log_odds, pairs.same)
    held_out = sigmoid(slope * log_odds + intercept)
    scorer = RecallingScorer(
        base=fitted.scorer,
        known=KnownListings.of(source, pairs),
        trees=committee(members),
        slope=slope,
        intercept=intercept,
        threshold=best_f1_threshold(pairs.same, held_out)[0],
    )
    return scorer, held_out


def _beside(source: PairSource, mates: PairSource) -> PairSource:
    """Mates with vectors as wide as those of the listings that they are held against.

    They have no pictures, nor vectors of titles where no cosine was learned from: nobody reads what stands there.
    """
    image, text = source.image_vectors, mates.text_vectors
    if text.shape[1] != source.text_vectors.shape[1]:
        text = np.full((len(text), source.text_vectors.shape[1]), np.nan, dtype=np.float32)
    return replace(mates, image_vectors=np.full((len(text), image.shape[1]), np.nan, np.float32), text_vectors=text)


def _keys(source: PairSource) -> list[Any]:
    """What each listing says, as a key."""
    records = source.records or [{}] * len(source.titles)
    return [(title, tuple(sorted(record.items()))) for title, record in zip(source.titles, records, strict=True)]
