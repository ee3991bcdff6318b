"""From nats to the probability that a picture and a title belong together; no labelled pair is needed.

Strangers' pictures show how wrong pairs score (density f0). What a feed has are right pairs (f1) with a share e of
wrong ones, f = (1 - e) f1 + e f0, and so

    P(wrong | s) = e f0(s) / f(s)

which is Efron's local false discovery rate (2004), with the null measured instead of assumed. For f1 / f0 a
saturating logistic curve is taken: right pairs grow exponentially more frequent with the score, up to 1 / d, where
d is the share of strangers that would do as well, being of the same kind of product:

    f1(s) / f0(s) = 1 / (d + (1 - d) exp(-(a + b s)))

a, b, d and e are those that best tell the feed's pairs from strangers (greatest likelihood).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_WRONG_SHARE = 0.5  # of a feed's pairs; above it nothing says which half is the wrong one
MAX_FITTED = 40_000  # scores of each kind that the curve is fitted to; four numbers need no more
_STARTS = ((-1.0, 0.0), (-1.0, 1.5), (0.0, -1.0))  # a, log b; the likeliest end counts
_RARE = -3.0  # log odds, within their range, that e and d start from
_MAX_LOG_SLOPE = 2.3  # steeper, and few pairs would make a step of the curve, and ties of their scores
_FAR = 300.0  # exponents beyond it change nothing
_LEAST = 1e-6  # share of wrong pairs: none is ever ruled out


@dataclass(frozen=True)
class Calibration:
    """How scores in nats become probabilities.

    Attributes:
        offset: a.
        slope: b, above 0.
        alike_share: d.
        wrong_share: e, of the feed's pairs.
    """

    offset: float
    slope: float
    alike_share: float
    wrong_share: float

    @classmethod
    def fit(cls, own: np.ndarray, strange: np.ndarray) -> Calibration:
        """Fit to the scores of the feed's pairs [N] and of strangers' [M], in any order without a pattern; no NaN."""
        from scipy.optimize import minimize

        scores = np.concatenate([_some(own), _some(strange)])
        is_own = np.arange(len(scores)) < len(_some(own))
        weights = np.where(is_own, 0.5 / is_own.sum(), 0.5 / (~is_own).sum())
        signs = np.where(is_own, -1.0, 1.0)

        def loss(values: np.ndarray) -> float:
            return float(weights @ np.logaddexp(0, signs * _log_ratio(scores, *_natural(values))))

        ends = [minimize(loss, np.array([*start, _RARE, _RARE]), method="Nelder-Mead") for start in _STARTS]
        best = min(ends, key=lambda end: end.fun).x
        return cls(*_natural(best))

    def probability(self, scores: np.ndarray) -> np.ndarray:
        """Probability [N] that a pair with this score belongs together."""
        log_ratio = _log_ratio(scores, self.offset, self.slope, self.alike_share, self.wrong_share)
        return np.clip(1 - self.wrong_share * np.exp(-log_ratio), 0, 1)


def separation(own: np.ndarray, strange: np.ndarray) -> float:
    """Share of (pair, stranger) in which the pair scores higher, ties as half: the area under the ROC curve."""
    ordered = np.sort(strange)
    below = np.searchsorted(ordered, own, side="left") + np.searchsorted(ordered, own, side="right")
    return float(below.mean() / (2 * len(strange)))


def _some(scores: np.ndarray) -> np.ndarray:
    """At most `MAX_FITTED` of the scores, evenly over their order."""
    return scores[:: -(-len(scores) // MAX_FITTED)]


def _natural(values: np.ndarray) -> tuple[float, float, float, float]:
    """Free parameters -> a, b above 0, d in 0 to 1, e in its range."""
    offset, log_slope, alike, wrong = np.clip(values, -_FAR, [_FAR, _MAX_LOG_SLOPE, _FAR, _FAR])
    share = _LEAST + (MAX_WRONG_SHARE - _LEAST) / (1 + np.exp(-wrong))
    return float(offset), float(np.exp(log_slope)), float(1 / (1 + np.exp(-alike))), float(share)


def _log_ratio(scores: np.ndarray, offset: float, slope: float, alike: float, wrong: float) -> np.ndarray:
    """Logarithm of f / f0 at each score."""
    exponents = np.clip(offset + slope * scores, -_FAR, _FAR)
    right = -np.logaddexp(np.log(max(alike, 1e-300)), np.log(max(1 - alike, 1e-300)) - exponents)
    return np.logaddexp(np.log1p(-wrong) + right, np.log(wrong))
