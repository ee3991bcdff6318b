"""Who judges a pair: boosted trees over all that is known of it, or a plain logistic regression over a few numbers.

A pair is judged by the richest modality that both its listings have: both, else titles, else pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np

from eclip.tasks.matching.boosted import KIND as BOOSTED
from eclip.tasks.matching.boosted import BoostedScorer
from eclip.tasks.matching.features import FEATURES, PairSource, pair_features
from eclip.tasks.matching.reasons import explain
from eclip.tasks.matching.recalling import KIND as RECALLING
from eclip.tasks.matching.recalling import RecallingScorer
from eclip.tasks.matching.wordweights import WordWeights
from eclip.tasks.results import MODALITIES

RICHEST_FIRST = ("both", "text", "image")


class Scorer(Protocol):
    """Judges pairs whose listings have one modality."""

    @property
    def modality(self) -> str:
        """Whose vectors it reads."""

    @property
    def threshold(self) -> float:
        """Probability from which a pair is one product."""

    @property
    def needs_vectors(self) -> bool:
        """Whether any number that it reads comes from vectors."""

    @property
    def words(self) -> WordWeights:
        """How rare words are."""

    def evidence(self, source: PairSource, left: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
        """Named columns [P] of pairs, that the answer and its reason come from."""

    def of_evidence(self, evidence: dict[str, np.ndarray]) -> np.ndarray:
        """Probability [P] of being the same product."""

    def of_pairs(self, source: PairSource, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Probability [P] of being the same product."""

    def with_threshold(self, threshold: float) -> Scorer:
        """The same scorer, less or more willing."""

    def as_json(self) -> dict[str, Any]:
        """For a task's JSON file."""


@dataclass(frozen=True, kw_only=True)
class PairScorer:
    """Logistic regression over the features of one modality, and the threshold from which pairs are one."""

    modality: str
    weights: tuple[float, ...]
    bias: float
    threshold: float

    def probabilities(self, matrix: np.ndarray) -> np.ndarray:
        """Probability [P] of being the same product, of features [P, F]."""
        return 1 / (1 + np.exp(-np.clip(matrix @ np.array(self.weights) + self.bias, -500, 500)))

    @property
    def needs_vectors(self) -> bool:
        """It begins with a cosine."""
        return True

    @property
    def words(self) -> WordWeights:
        """It has counted none."""
        return WordWeights(num_listings=1, counts={}, told={})

    def evidence(self, source: PairSource, left: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
        """Named columns [P] of pairs."""
        return dict(zip(FEATURES[self.modality], pair_features(source, left, right, self.modality).T, strict=True))

    def of_evidence(self, evidence: dict[str, np.ndarray]) -> np.ndarray:
        """Probability [P] of being the same product."""
        return self.probabilities(np.stack([evidence[name] for name in FEATURES[self.modality]], axis=1))

    def of_pairs(self, source: PairSource, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Probability [P] of being the same product."""
        return self.probabilities(pair_features(source, left, right, self.modality))

    def with_threshold(self, threshold: float) -> PairScorer:
        """The same scorer, less or more willing."""
        return replace(self, threshold=threshold)

    def as_json(self) -> dict[str, Any]:
        """For a task's JSON file."""
        return asdict(self)


@dataclass(frozen=True)
class PairScorers:
    """One scorer a modality; a pair is judged by the richest that fits it."""

    by_modality: dict[str, Scorer]

    def scores(
        self, source: PairSource, left: np.ndarray, right: np.ndarray, modality: str = "both"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Probability [P] of each pair, and the threshold [P] of the scorer that gave it.

        Args:
            source: The listings.
            left: [P] row positions.
            right: [P] row positions.
            modality: "both" may fall back to titles or pictures; "text" and "image" use nothing else.
                A pair without common ground has probability 0.
        """
        scores, thresholds = np.zeros(len(left)), np.ones(len(left))
        open_pairs = np.ones(len(left), dtype=bool)
        for each in RICHEST_FIRST if modality == "both" else (modality,):
            if each not in self.by_modality:
                continue
            mask = open_pairs & source.has[each][left] & source.has[each][right]
            scorer = self.by_modality[each]
            scores[mask] = scorer.of_pairs(source, left[mask], right[mask])
            thresholds[mask] = scorer.threshold
            open_pairs &= ~mask
        return scores, thresholds

    def judged(
        self, source: PairSource, left: np.ndarray, right: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Probability [P] of each pair, the threshold [P] it was held against, and a reason [P] in words.

        A pair is held against the threshold of the richest scorer that fits it; without common ground it is no match.
        """
        scores, thresholds = np.zeros(len(left)), np.ones(len(left))
        reasons = ["nothing to compare them by"] * len(left)
        open_pairs = np.ones(len(left), dtype=bool)
        for each in RICHEST_FIRST:
            mask = open_pairs & source.has[each][left] & source.has[each][right]
            if each not in self.by_modality or not mask.any():
                continue
            scorer = self.by_modality[each]
            one, other = left[mask], right[mask]
            evidence = scorer.evidence(source, one, other)
            scores[mask] = scorer.of_evidence(evidence)
            thresholds[mask] = scorer.threshold
            same = scores[mask] >= scorer.threshold
            said = explain(source.readings, evidence, scorer.words, one, other, same)
            for place, reason in zip(np.flatnonzero(mask).tolist(), said, strict=True):
                reasons[place] = reason
            open_pairs &= ~mask
        return scores, thresholds, reasons

    @property
    def needs_vectors(self) -> bool:
        """Whether any of them reads vectors."""
        return any(scorer.needs_vectors for scorer in self.by_modality.values())

    def on(self, source: PairSource, modality: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """The score [P] of pairs (left [P], right [P]) of these listings in this modality."""
        return lambda left, right: self.scores(source, left, right, modality)[0]

    def with_thresholds(self, thresholds: dict[str, float]) -> PairScorers:
        """The scorers named there, with these thresholds."""
        return PairScorers({m: self.by_modality[m].with_threshold(value) for m, value in thresholds.items()})

    def as_json(self) -> dict[str, Any]:
        """For a task's JSON file."""
        return {modality: scorer.as_json() for modality, scorer in self.by_modality.items()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> PairScorers:
        """Of what `as_json` gave."""
        return cls({modality: _scorer(content[modality]) for modality in MODALITIES if modality in content})


def _scorer(content: dict[str, Any]) -> Scorer:
    if content.get("kind") == BOOSTED:
        return BoostedScorer.from_json(content)
    if content.get("kind") == RECALLING:
        return RecallingScorer.from_json(content)
    return PairScorer(**{**content, "weights": tuple(content["weights"])})


def fit_scorer(matrix: np.ndarray, same: np.ndarray, modality: str, *, seed: int) -> PairScorer:
    """Fit the regression on features [P, F] of pairs known to be the same product or not [P].

    The threshold is .5 until one is chosen on other pairs.
    """
    from sklearn.linear_model import LogisticRegression

    scale = np.maximum(matrix.std(axis=0), 1e-6)
    model = LogisticRegression(C=1.0, max_iter=1000, random_state=seed).fit(matrix / scale, same)
    return PairScorer(
        modality=modality,
        weights=tuple((model.coef_[0] / scale).tolist()),
        bias=float(model.intercept_[0]),
        threshold=0.5,
    )
