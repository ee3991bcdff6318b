"""From which confidence an answer is given: chosen on the validation split for a target precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TARGET_PRECISION = 0.95
MIN_ANSWERED = 20  # validation answers that a threshold must rest on


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The confidence from which answers are sure, and what that meant on validation; `at` None = never sure."""

    at: float | None
    precision: float = float("nan")  # of the sure answers
    coverage: float = 0.0  # share of the rows that got a sure answer

    def sure(self, confidences: np.ndarray) -> np.ndarray:
        """Mask [n] of the confidences that are high enough; NaN never is."""
        if self.at is None:
            return np.zeros(len(confidences), dtype=bool)
        return np.asarray(confidences >= self.at)


def choose_threshold(
    right: np.ndarray, confidences: np.ndarray, *, target: float = TARGET_PRECISION, num_rows: int | None = None
) -> Threshold:
    """The lowest confidence from which precision is probably at least the target.

    Of all thresholds the one with the most answers whose precision, less one standard error (the lower end of
    Wilson's interval, z = 1), reaches the target: a bare share would be reached by luck where answers are few.

    Args:
        right: [n] bool, whether each answer is right.
        confidences: [n] of each answer.
        target: Precision to reach, 0..1.
        num_rows: Rows that might have been answered, for the coverage; None = n.
    """
    order = np.argsort(-confidences, kind="stable")
    ranked = confidences[order]
    hits = np.cumsum(right[order].astype(np.int64))
    num_answers = np.arange(1, len(right) + 1)
    last_of_score = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1) if len(ranked) else np.zeros(0, int)
    hits, num_answers = hits[last_of_score], num_answers[last_of_score]
    enough = (lower_bound(hits, num_answers) >= target) & (num_answers >= MIN_ANSWERED)
    if not enough.any():
        return Threshold(at=None)
    best = int(np.flatnonzero(enough)[-1])
    at = float(ranked[last_of_score[best]])
    # Where every answer may be given, the least sure one happens to be the bound: as sure as the target is enough.
    return Threshold(
        at=min(at, target) if best == len(enough) - 1 else at,
        precision=float(hits[best] / num_answers[best]),
        coverage=float(num_answers[best] / (num_rows or len(right))),
    )


def lower_bound(hits: np.ndarray, tries: np.ndarray) -> np.ndarray:
    """Lower end of Wilson's interval at one standard error for a share of hits (Wilson, 1927)."""
    share = hits / tries
    middle = share + 1 / (2 * tries)
    spread = np.sqrt(share * (1 - share) / tries + 1 / (4 * tries**2))
    return np.asarray((middle - spread) / (1 + 1 / tries))
