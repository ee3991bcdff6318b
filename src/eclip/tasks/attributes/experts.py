"""Several heads of one attribute as one answer: a product of experts whose weights the validation split fits.

The heads over pictures, titles, both, and the words of titles each give a distribution over the values. Their
weighted geometric mean, p(v) ~ prod_e p_e(v)^w_e (a log-linear pool: Genest and Zidek, 1986), has as many
parameters as there are experts, so a small validation split fits them by likelihood without harm; as the weights
need not sum to 1 they sharpen or soften the pool as well, and what comes out is calibrated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eclip.tasks.attributes.targets import ABSENT
from eclip.tasks.heads.lexical import FLOOR
from eclip.tasks.heads.modal import Inputs, ModalHeads

WORDS = "words"  # the expert that reads the words of a title
STATED = "stated"  # the one that looks for names of values in it
# What each view may read: a listing is seen in the richest view that it has both halves for.
VIEWS: dict[str, tuple[str, ...]] = {
    "image": ("image",),
    "text": ("text", WORDS, STATED),
    "both": ("image", "text", "both", WORDS, STATED),
}
MIN_VALIDATION = 30  # rows, below which experts weigh alike
RIDGE = 1e-3  # pulls weights to equal shares where the rows do not tell


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Weights of the experts of one view, in the order of `experts`; `bias` is for yes-or-no heads."""

    experts: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float = 0.0

    def scores(self, logs: dict[str, np.ndarray]) -> np.ndarray:
        """Weighted sum [n, C] of the experts' log-probabilities or logits, each [n, C]."""
        total = sum(weight * logs[expert] for expert, weight in zip(self.experts, self.weights, strict=True))
        return np.asarray(total, dtype=np.float64) + self.bias


def present_experts(heads: ModalHeads, name: str, view: str) -> tuple[str, ...]:
    """The experts of a view that this attribute has; names of values are looked for where words are read."""
    has_words = heads.lexical is not None and name in heads.lexical.linear.heads
    return tuple(
        each
        for each in VIEWS[view]
        if (
            has_words
            if each in (WORDS, STATED)
            else each in heads.by_modality and name in heads.by_modality[each].heads
        )
    )


def head_logs(
    heads: ModalHeads, name: str, inputs: Inputs, rows: np.ndarray, experts: Sequence[str]
) -> dict[str, np.ndarray]:
    """Log-probabilities [n, C] of the values, "absent" left out, by each head among experts, for rows that have it.

    A title without a known term tells the expert of words nothing: it then says what that of title vectors says.
    """
    vectors = heads.without_words()
    logs = {}
    for expert in experts:
        if expert == WORDS:
            assert heads.lexical is not None
            assert inputs.terms is not None
            terms = inputs.terms[rows]
            logs[WORDS] = _value_logs(heads.lexical.linear.probabilities(name, terms), _labels(heads, name))
            silent = np.diff(terms.indptr) == 0
            if "text" in logs:
                logs[WORDS][silent] = logs["text"][silent]
        elif expert != STATED:
            logs[expert] = _value_logs(vectors.probabilities(name, expert, inputs, rows), _labels(heads, name))
    return logs


def values_of(heads: ModalHeads, name: str) -> tuple[str, ...]:
    """The values [C] that the heads of an attribute know, "absent" left out."""
    return tuple(label for label in _labels(heads, name) if label != ABSENT)


def absent_chance(heads: ModalHeads, name: str, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
    """How probable it is [n] that listings like these have no such attribute; 0 where that was never learned."""
    labels = _labels(heads, name)
    if ABSENT not in labels or not len(rows):
        return np.zeros(len(rows))
    return heads.routed_probabilities(name, inputs, rows)[:, labels.index(ABSENT)]


def fit_pool(logs: dict[str, np.ndarray], codes: np.ndarray) -> Pool:
    """The weights, none below 0, under which the true values are most likely.

    Args:
        logs: Log-probabilities [n, C] of each expert.
        codes: True value [n] of each row; -1 = not among them, left out.
    """
    known = np.flatnonzero(codes >= 0)
    stacked = np.stack([logs[expert][known] for expert in logs]).astype(np.float64)
    equal = np.full(len(logs), 1 / len(logs))
    true = codes[known]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = np.tensordot(weights, stacked, axes=1)
        probabilities = softmax(scores)
        chances = probabilities[np.arange(len(true)), true]
        own = stacked[:, np.arange(len(true)), true]
        expected = np.einsum("nc,enc->en", probabilities, stacked)
        slope = (expected - own).mean(axis=1) + 2 * RIDGE * (weights - equal)
        value = -np.log(np.maximum(chances, 1e-300)).mean() + RIDGE * ((weights - equal) ** 2).sum()
        return float(value), slope

    if len(known) < MIN_VALIDATION:
        return Pool(experts=tuple(logs), weights=tuple(equal.tolist()))
    return Pool(experts=tuple(logs), weights=_least(loss, equal, num_free=0)[0])


def fit_mark_pool(logits: dict[str, np.ndarray], marks: np.ndarray) -> Pool:
    """The same for yes-or-no heads: weights, none below 0, and a bias of the summed logits.

    Args:
        logits: [n, C] of each expert.
        marks: [n, C] bool, whether the listing has the value.
    """
    equal = np.full(len(logits), 1 / len(logits))
    if len(marks) < MIN_VALIDATION:
        return Pool(experts=tuple(logits), weights=tuple(equal.tolist()))
    stacked = np.stack([each.ravel() for each in logits.values()]).astype(np.float64)
    truth = marks.ravel().astype(np.float64)

    def loss(free: np.ndarray) -> tuple[float, np.ndarray]:
        weights = free[:-1]
        scores = weights @ stacked + free[-1]
        wrong = sigmoid(scores) - truth
        value = np.logaddexp(0, scores).mean() - (truth * scores).mean() + RIDGE * ((weights - equal) ** 2).sum()
        slope = np.append(stacked @ wrong / len(truth) + 2 * RIDGE * (weights - equal), wrong.mean())
        return float(value), slope

    weights, free = _least(loss, equal, num_free=1)
    return Pool(experts=tuple(logits), weights=weights, bias=free[0])


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities [n, C] of scores, in float64."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def sigmoid(scores: np.ndarray) -> np.ndarray:
    """Probabilities of logits, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * scores))


def _labels(heads: ModalHeads, name: str) -> tuple[str, ...]:
    return next(heads.labels(each, name) for each in heads.by_modality if name in heads.by_modality[each].heads)


def _value_logs(probabilities: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Log-probabilities of the values, given that there is one."""
    kept = np.maximum(probabilities[:, [label != ABSENT for label in labels]].astype(np.float64), FLOOR)
    return np.log(kept / kept.sum(axis=1, keepdims=True))


def _least(loss: object, start: np.ndarray, *, num_free: int) -> tuple[tuple[float, ...], list[float]]:
    """Where a loss with its slope is least: weights of at least 0, then numbers that may be anything."""
    from scipy.optimize import minimize

    bounds = [(0.0, None)] * len(start) + [(None, None)] * num_free
    found = minimize(loss, np.append(start, np.zeros(num_free)), jac=True, method="L-BFGS-B", bounds=bounds)
    return tuple(found.x[: len(start)].tolist()), found.x[len(start) :].tolist()
