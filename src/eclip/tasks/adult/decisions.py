"""From chances to what is done: a level that is set, a listing that a person should see, or neither.

A false accusation is costly, so a level is set only above a chance at which validation rows were right often enough.
What stays undecided and is suspicious goes to a person, the most suspicious first, as far as the budget of looks
goes. Both thresholds come from the validation split alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BUDGET = 0.01  # share of all listings that people can look at
PRECISION = 0.95  # of the levels that are set without a look, on validation rows
MIN_CHANCE = 0.5  # below which no level is ever set
SUSPICION = 0.1  # chance of any level above which a listing is shown, where no validation row tells
LEAST_SUSPICION = 0.01  # below which nobody need look, whatever the budget leaves
NEVER = 1.0  # a chance must lie above its threshold


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Chances above which something is done."""

    decide: tuple[float, ...]  # [L], of setting each level
    review: float  # of any level, of showing the listing to a person
    budget: float  # share of all listings that `review` was chosen for


def decided_codes(chances: np.ndarray, decide: tuple[float, ...]) -> np.ndarray:
    """Level set for each row [N]: l + 1, or 0 where none is; NaN rows get none."""
    known = np.nan_to_num(chances)
    best = known.argmax(axis=1)
    above = known[np.arange(len(known)), best] > np.array((np.inf, *decide))[best]
    return np.where(above, best, 0)


def act(chances: np.ndarray, thresholds: Thresholds) -> tuple[np.ndarray, np.ndarray]:
    """What is done about rows of chances [N, L + 1].

    Returns:
        The level set [N], as `decided_codes`, and whether a person should look [N] bool: never at what is set.
    """
    codes = decided_codes(chances, thresholds.decide)
    return codes, (codes == 0) & (suspicion(chances) > thresholds.review)


def suspicion(chances: np.ndarray) -> np.ndarray:
    """Chance [N] that a row is not for everybody; 0 where nothing is known."""
    return np.nan_to_num(1 - chances[:, 0])


def choose_thresholds(chances: np.ndarray, codes: np.ndarray, *, budget: float = BUDGET) -> Thresholds:
    """Thresholds by validation rows.

    Args:
        chances: [n, L + 1].
        codes: [n] true class, 0 = "everybody".
        budget: Share of all listings that people can look at.

    Returns:
        `MIN_CHANCE` for a level without a validation row that is taken for it; `NEVER` for one that is never right
        often enough. On these rows no more than the budget is shown, and nothing below `LEAST_SUSPICION`.
    """
    decide = tuple(_decide_threshold(chances, codes, level) for level in range(1, chances.shape[1]))
    if not len(codes):
        return Thresholds(decide=decide, review=SUSPICION, budget=budget)
    looks = int(budget * len(codes))
    left = np.sort(suspicion(chances)[decided_codes(chances, decide) == 0])[::-1]
    review = max(LEAST_SUSPICION, float(left[looks]) if looks < len(left) else 0.0)
    return Thresholds(decide=decide, review=review, budget=budget)


def _decide_threshold(chances: np.ndarray, codes: np.ndarray, level: int) -> float:
    """Least threshold at which those above it are of this level often enough."""
    taken = np.flatnonzero((chances.argmax(axis=1) == level) & (chances[:, level] > MIN_CHANCE))
    if not len(taken):
        return MIN_CHANCE
    order = taken[np.argsort(-chances[taken, level], kind="stable")]
    scores = chances[order, level]
    last_of_score = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    precision = np.cumsum(codes[order] == level)[last_of_score] / (last_of_score + 1)
    enough = np.flatnonzero(precision >= PRECISION - 1e-12)
    if not len(enough):
        return NEVER
    least = last_of_score[enough[-1]]
    below = scores[least + 1] if least + 1 < len(scores) else MIN_CHANCE
    return float((scores[least] + below) / 2)
