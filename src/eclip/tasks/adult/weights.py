"""How much each witness counts: heads, terms found and the seller's history, into calibrated chances.

The log-odds of each level against "everybody" are a weighted sum of what the witnesses say. The few weights are
fitted on the validation split, of which no witness has learned, by maximum a posteriori: normal priors around
sensible weights, so that ten validation rows change little and a thousand decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

WITNESSES = ("heads", "sure terms", "unsure terms", "seller", "descriptions")
# Prior centre and spread of the weight of each witness. Heads are log-odds already; a term adds to heads that have
# read the same title, so it counts less than alone.
CENTRES = np.array([1.0, 3.0, 1.5, 0.5, 0.5])
SPREADS = np.array([0.5, 2.0, 1.5, 0.5, 0.5])
BIAS_SPREAD = 3.0
# Without heads: listings of a level are one in 400, and a sure term alone was right in 98 of 100 groceries with one
# (docs/tasks/adult.md). A sure term comes to .88, an unsure one to .27: the one decides, the other asks for a look.
# Descriptions reach .05 at most: they put the listings in order, and accuse nobody.
RULE_WEIGHTS = np.array([0.0, 8.0, 5.0, 0.5, 0.5])
RULE_BIAS = -6.0


@dataclass(frozen=True)
class PolicyWeights:
    """Weights [L, W] and biases [L] of the levels' log-odds against "everybody"."""

    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def rules(cls, num_levels: int) -> PolicyWeights:
        """Of a shop without labels: terms, and descriptions where a model is at hand."""
        return cls(np.tile(RULE_WEIGHTS, (num_levels, 1)), np.full(num_levels, RULE_BIAS))

    def contributions(self, evidence: np.ndarray) -> np.ndarray:
        """What each witness adds to the log-odds [N, L, W] by evidence [N, L, W]."""
        return np.asarray(evidence * self.weights[None])

    def chances(self, evidence: np.ndarray) -> np.ndarray:
        """Chances [N, L + 1] of "everybody" and each level."""
        return softmax_with_zero(self.contributions(evidence).sum(axis=2) + self.bias)

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON keeps it."""
        return {"witnesses": list(WITNESSES), "weights": self.weights.tolist(), "bias": self.bias.tolist()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> PolicyWeights:
        """What `as_json` gave."""
        return cls(np.array(content["weights"]), np.array(content["bias"]))


def softmax_with_zero(logits: np.ndarray) -> np.ndarray:
    """Chances [N, L + 1] of logits [N, L], before which a class of logit 0 stands."""
    whole = np.concatenate([np.zeros((len(logits), 1)), logits], axis=1)
    whole = np.exp(whole - whole.max(axis=1, keepdims=True))
    return np.asarray(whole / whole.sum(axis=1, keepdims=True))


def fit_weights(evidence: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights [W], shared by all levels, and biases [L], at the posterior's mode.

    Biases lie around 0: heads answer with chances, in which rare levels are rare already.

    Args:
        evidence: [n, L, W] of validation rows; none leave the prior's centre.
        codes: [n] true class, 0 = "everybody", l + 1 = level l.
    """
    from scipy.optimize import minimize

    _, num_levels, num_witnesses = evidence.shape
    start = np.concatenate([CENTRES, np.zeros(num_levels)])
    found = minimize(
        penalised_loss,
        start,
        args=(evidence.astype(np.float64), codes, start),
        jac=True,
        method="L-BFGS-B",
        # No witness may count against what it says.
        bounds=[(0, None)] * num_witnesses + [(None, None)] * num_levels,
    )
    return found.x[:num_witnesses], found.x[num_witnesses:]


def penalised_loss(
    values: np.ndarray, evidence: np.ndarray, codes: np.ndarray, centre: np.ndarray
) -> tuple[float, np.ndarray]:
    """Negative log posterior of weights and biases `values` [W + L], and its gradient."""
    num_witnesses = evidence.shape[2]
    spread = np.concatenate([SPREADS, np.full(len(values) - num_witnesses, BIAS_SPREAD)])
    away = (values - centre) / spread
    chances = softmax_with_zero(evidence @ values[:num_witnesses] + values[num_witnesses:])
    loss = -np.sum(np.log(np.maximum(chances[np.arange(len(codes)), codes], 1e-300))) + 0.5 * np.sum(away**2)
    residual = chances.copy()
    residual[np.arange(len(codes)), codes] -= 1
    slope = np.concatenate([np.einsum("nl,nlw->w", residual[:, 1:], evidence), residual[:, 1:].sum(axis=0)])
    return float(loss), slope + away / spread
