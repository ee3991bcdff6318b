"""Boosted trees over all that is known of a pair, calibrated on pairs they have not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from eclip.metrics import best_f1_threshold
from eclip.tasks.matching.agreement import BARCODES
from eclip.tasks.matching.draw import Pairs
from eclip.tasks.matching.evidence import COSINE, WORDS, compared_fields, pair_evidence
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.trees import Trees, committee, fit_trees
from eclip.tasks.matching.wordweights import WordWeights, count_words, learn_weights

KIND = "boosted"
NUM_FOLDS = 5
HIDDEN_BARCODES = 0.5  # of the pairs: trees that lean on barcodes would know nothing of listings without
MAX_LEAVES = 15
MIN_PAIRS = 50  # with both answers, below which nothing can be held out


@dataclass(frozen=True, kw_only=True)
class BoostedScorer:
    """A committee of boosted trees over the evidence of one modality, and the threshold from which pairs are one.

    Attributes:
        modality: Whose vectors it reads.
        names: Columns of the evidence, in the order of the trees.
        fields: Further fields that are compared one by one.
        words: What words are worth.
        trees: Over the columns.
        slope: Of Platt's calibration of their log odds.
        intercept: Likewise.
        threshold: Of the calibrated probability.
    """

    modality: str
    names: tuple[str, ...]
    fields: tuple[str, ...]
    words: WordWeights
    trees: Trees
    slope: float
    intercept: float
    threshold: float

    @property
    def needs_vectors(self) -> bool:
        """Whether any cosine is among its columns; words and numbers alone need no model at all."""
        return any(name.endswith(COSINE) for name in self.names)

    def evidence(self, source: PairSource, left: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
        """Named columns [P] of pairs."""
        return pair_evidence(source, self.words, left, right, self.modality, self.fields)

    def log_odds(self, evidence: dict[str, np.ndarray]) -> np.ndarray:
        """What the trees say [P], not calibrated."""
        return self.trees.log_odds(np.stack([evidence[name] for name in self.names], axis=1))

    def of_evidence(self, evidence: dict[str, np.ndarray]) -> np.ndarray:
        """Probability [P] of being the same product."""
        return sigmoid(self.slope * self.log_odds(evidence) + self.intercept)

    def of_pairs(self, source: PairSource, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Probability [P] of being the same product."""
        return self.of_evidence(self.evidence(source, left, right)) if len(left) else np.zeros(0)

    def with_threshold(self, threshold: float) -> BoostedScorer:
        """The same scorer, less or more willing."""
        return replace(self, threshold=threshold)

    def as_json(self) -> dict[str, Any]:
        """For a task's JSON file."""
        own = {"names": list(self.names), "fields": list(self.fields), "modality": self.modality}
        numbers = {"slope": self.slope, "intercept": self.intercept, "threshold": self.threshold}
        return {"kind": KIND, **own, **numbers, "words": asdict(self.words), "trees": self.trees.as_json()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> BoostedScorer:
        """Of what `as_json` gave."""
        words = content["words"]
        told = {word: (float(a), float(b)) for word, (a, b) in words["told"].items()}
        trees = Trees.from_json(content["trees"])
        trees.require_columns(len(content["names"]))
        return cls(
            modality=content["modality"],
            names=tuple(content["names"]),
            fields=tuple(content["fields"]),
            words=WordWeights(**{**words, "told": told}),
            trees=trees,
            slope=content["slope"],
            intercept=content["intercept"],
            threshold=content["threshold"],
        )


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One fold: pairs learned from, pairs held out, and what was learned."""

    train: np.ndarray
    held: np.ndarray
    words: WordWeights
    trees: Trees


@dataclass(frozen=True, kw_only=True)
class FoldedFit:
    """Words and trees learned on each fold, and what they say of the pairs that they have not seen.

    Attributes:
        scorer: All folds' trees together, words learned from all pairs; not calibrated yet.
        folds: Each on its own.
        log_odds: [P] of each pair by the trees that have not seen it.
    """

    scorer: BoostedScorer
    folds: list[Fold]
    log_odds: np.ndarray

    def of_fold(self, fold: Fold) -> BoostedScorer:
        """The scorer that knows the train pairs of one fold alone."""
        return replace(self.scorer, words=fold.words, trees=fold.trees)


def fit_boosted(
    source: PairSource,
    pairs: Pairs,
    modality: str,
    *,
    seed: int,
    families: np.ndarray | None = None,
    honest_vectors: bool = True,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[BoostedScorer, np.ndarray]:
    """Fit words, trees, calibration and threshold on pairs; each is judged only on folds it has not learned from.

    Args:
        source: The listings.
        pairs: With both answers among them.
        modality: That both listings of every pair have.
        seed: Of folds and trees.
        families: As `fit_folds` takes them.
        honest_vectors: Likewise.
        advance: Likewise.

    Returns:
        The scorer (its threshold has the best F1 on held-out folds), and the held-out probability [P] of each pair.
    """
    fitted = fit_folds(
        source, pairs, modality, seed=seed, families=families, honest_vectors=honest_vectors, advance=advance
    )
    slope, intercept = platt(fitted.log_odds, pairs.same)
    held_out = sigmoid(slope * fitted.log_odds + intercept)
    threshold, _ = best_f1_threshold(pairs.same, held_out)
    return replace(fitted.scorer, slope=slope, intercept=intercept, threshold=threshold), held_out


def fit_folds(
    source: PairSource,
    pairs: Pairs,
    modality: str,
    *,
    seed: int,
    families: np.ndarray | None = None,
    honest_vectors: bool = True,
    advance: Callable[[int], None] = lambda _: None,
) -> FoldedFit:
    """Words and trees by folds of the pairs.

    Args:
        source: The listings.
        pairs: With both answers among them.
        modality: That both listings of every pair have.
        seed: Of folds and trees.
        families: [P] pairs of one family stay in one fold (all pairs of a product, where new products will come);
            None = each pair on its own, where the listings to be judged are of the kind learned from.
        honest_vectors: Whether the vectors' model has not learned from these very pairs; otherwise their cosines
            are left out, since they promise on these pairs what they can't hold on others.
        advance: Told of each fold done.
    """
    left, right, same = pairs.left, pairs.right, pairs.same
    readings, fields = source.readings, compared_fields(source)
    plain = WordWeights(num_listings=len(readings), counts=count_words(readings), told={})
    evidence = pair_evidence(source, plain, left, right, modality, fields)
    evidence = {name: values for name, values in evidence.items() if honest_vectors or not name.endswith(COSINE)}
    parts = list(fold_rows(same, families, seed=seed))
    told = [learn_weights(readings, left[train], right[train], same[train], plain, seed=seed) for train, _ in parts]
    for (_, held), words in zip(parts, told, strict=True):
        evidence[WORDS][held] = words.scores(readings, left[held], right[held])
    if BARCODES in evidence:
        evidence[BARCODES][np.random.default_rng(seed).random(len(same)) < HIDDEN_BARCODES] = np.nan
    matrix = np.stack(list(evidence.values()), axis=1).astype(np.float64)
    folds, log_odds = [], np.zeros(len(same))
    for number, ((train, held), words) in enumerate(zip(parts, told, strict=True)):
        trees = fit_trees(matrix[train], same[train], seed=seed * NUM_FOLDS + number)
        log_odds[held] = trees.log_odds(matrix[held])
        folds.append(Fold(train=train, held=held, words=words, trees=trees))
        advance(1)
    scorer = BoostedScorer(
        modality=modality,
        names=tuple(evidence),
        fields=fields,
        words=learn_weights(readings, left, right, same, plain, seed=seed),
        trees=committee([fold.trees for fold in folds]),
        slope=1.0,
        intercept=0.0,
        threshold=0.5,
    )
    return FoldedFit(scorer=scorer, folds=folds, log_odds=log_odds)


def fold_rows(same: np.ndarray, families: np.ndarray | None, *, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs to learn from and pairs held out, `NUM_FOLDS` times."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    nothing = np.zeros((len(same), 1))
    if families is None:
        yield from StratifiedKFold(NUM_FOLDS, shuffle=True, random_state=seed).split(nothing, same)
    else:
        yield from StratifiedGroupKFold(NUM_FOLDS, shuffle=True, random_state=seed).split(nothing, same, families)


def said_by_others(same: np.ndarray, held_out: np.ndarray, *, seed: int) -> np.ndarray:
    """What is decided [P] of each pair at the threshold that the pairs of the other folds choose.

    The threshold of all pairs is the best one for these very pairs: figures at it promise a little too much.

    Args:
        same: [P] the truth.
        held_out: [P] probability of each by trees that have not seen it.
        seed: Of the folds.
    """
    said = np.zeros(len(same), dtype=bool)
    for others, held in fold_rows(same, None, seed=seed):
        said[held] = held_out[held] >= best_f1_threshold(same[others], held_out[others])[0]
    return said


def platt(log_odds: np.ndarray, same: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of a logistic regression on one score (Platt, 1999); the order of pairs stays."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=100.0, max_iter=200).fit(log_odds[:, None], same)
    return max(float(model.coef_[0, 0]), 1e-3), float(model.intercept_[0])


def sigmoid(values: np.ndarray) -> np.ndarray:
    """Probabilities of log odds."""
    return 1 / (1 + np.exp(-np.clip(values, -500, 500)))
