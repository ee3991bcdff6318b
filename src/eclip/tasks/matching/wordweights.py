"""What words are worth: how rare each is among the listings learned from, and what sharing it or not has told.

A rare word that two titles share speaks for one product; a word of only one of them against it, but "black" more than
"new". The first needs counts alone, the second labelled pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eclip.tasks.matching.readings import Readings

MIN_LISTINGS = 2  # a word that fewer have is as rare as one never seen
MAX_WORDS = 200_000  # the most frequent are kept
MIN_PAIRS = 4  # in which a word is shared, or stands alone, before it gets a weight
REGULARISATION = 0.3  # inverse strength; chosen on folds


@dataclass(frozen=True, kw_only=True)
class WordWeights:
    """Document frequencies of W words, and weights of sharing a word or not.

    Attributes:
        num_listings: That were counted.
        counts: Word -> listings that hold it.
        told: Word -> weight of being shared, and of standing on one side alone; in log odds.
        bias: Log odds of a pair without words.
    """

    num_listings: int
    counts: dict[str, int]
    told: dict[str, tuple[float, float]]
    bias: float = 0.0

    def rarity(self, vocabulary: Sequence[str]) -> np.ndarray:
        """Inverse document frequency [V] float32 of words: ln((N + 1) / (n + 1)), smoothed as if one more had it."""
        counts = np.array([self.counts.get(word, 1) for word in vocabulary], dtype=np.float64)
        return np.log((self.num_listings + 1) / (counts + 1) + 1e-9).clip(0.05).astype(np.float32)

    def scores(self, readings: Readings, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Log odds [P] of pairs, by their words alone."""
        from eclip.tasks.matching.pair_loops import told_weight

        nothing = (0.0, 0.0)
        told = np.array([self.told.get(word, nothing) for word in readings.vocabulary], dtype=np.float64)
        table = readings.tables["spoken"]
        together, alone = np.ascontiguousarray(told.T)
        found = told_weight(table.indptr, table.indices, together, alone, left, right)
        return np.asarray(found + self.bias, dtype=np.float32)


def count_words(readings: Readings) -> dict[str, int]:
    """In how many of the listings each word stands, for words of `MIN_LISTINGS` or more."""
    held = readings.tables["texts"] + readings.tables["pieces"] + readings.tables["codes"]
    counts = np.bincount(held.indices, minlength=len(readings.vocabulary))
    order = np.argsort(-counts, kind="stable")[:MAX_WORDS]
    return {readings.vocabulary[column]: int(counts[column]) for column in order if counts[column] >= MIN_LISTINGS}


def shared_and_alone(
    readings: Readings, left: np.ndarray, right: np.ndarray
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Words that both titles of each pair hold, and words that one holds alone: two [P, V] of 0 and 1."""
    table = readings.tables["spoken"]
    one, other = table[left], table[right]
    shared = one.multiply(other).tocsr()
    return shared, (one + other - 2 * shared).tocsr()


def learn_weights(
    readings: Readings, left: np.ndarray, right: np.ndarray, same: np.ndarray, counts: WordWeights, *, seed: int
) -> WordWeights:
    """The same counts, with weights learned from pairs known to be one product or not [P].

    A logistic regression over sharing and not sharing each word (L2, so that a word never seen weighs nothing).
    """
    from sklearn.linear_model import LogisticRegression

    shared, alone = shared_and_alone(readings, left, right)
    used = [np.flatnonzero(np.bincount(part.indices, minlength=part.shape[1]) >= MIN_PAIRS) for part in (shared, alone)]
    matrix = sparse.hstack([shared[:, used[0]], alone[:, used[1]]]).tocsr()
    if not matrix.shape[1] or len(np.unique(same)) < 2:
        return counts
    model = LogisticRegression(C=REGULARISATION, max_iter=200, random_state=seed).fit(matrix, same)
    weights = np.zeros((len(readings.vocabulary), 2))
    weights[used[0], 0] = model.coef_[0][: len(used[0])]
    weights[used[1], 1] = model.coef_[0][len(used[0]) :]
    told = {
        readings.vocabulary[column]: (float(weights[column, 0]), float(weights[column, 1]))
        for column in np.flatnonzero(np.any(weights != 0, axis=1)).tolist()
    }
    return WordWeights(
        num_listings=counts.num_listings, counts=counts.counts, told=told, bias=float(model.intercept_[0])
    )
