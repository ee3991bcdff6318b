"""Rates with what chance leaves open, so that a seller of three listings does not lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, ndtri

LEVEL = 0.95  # of intervals, two-sided


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How many of each seller's listings are in one kind of trouble.

    Attributes:
        bad: [S] int64 listings in trouble.
        counted: [S] int64 listings of which it could be told.
        low: [S] lower end of the 95 % interval of bad / counted; 0 where nothing was counted.
        high: [S] upper end; 1 where nothing was counted.
        sure_low: [S] exact lower end (Clopper and Pearson: The use of confidence or fiducial limits, 1934) so far
            down that with no seller any different, one of all S lies above the common rate in one of forty shops
            (Bonferroni). Wilson's own is too bold for that: one of two listings would be above a rate of 3 %.
        lone_low: [S] the same exact lower end for each seller by itself, in one of forty.
        overall: bad / counted of all sellers together; 0 where nothing was counted.
    """

    bad: np.ndarray
    counted: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sure_low: np.ndarray
    lone_low: np.ndarray
    overall: float

    @property
    def rates(self) -> np.ndarray:
        """[S] bad / counted, 0 where nothing was counted."""
        return self.bad / np.maximum(self.counted, 1)

    @property
    def excess(self) -> np.ndarray:
        """[S] how far even `sure_low` lies above the rate of all sellers; 0 where it does not."""
        return np.maximum(self.sure_low - self.overall, 0.0)


def seller_rates(sellers: np.ndarray, num_sellers: int, bad: np.ndarray, counted: np.ndarray) -> Rates:
    """Count one kind of trouble by seller.

    Args:
        sellers: [N] int64 seller of each listing, -1 where it names none.
        num_sellers: S.
        bad: [N] bool, listings in trouble.
        counted: [N] bool, listings of which it can be told.
    """
    named = counted & (sellers >= 0)
    num_counted = np.bincount(sellers[named], minlength=num_sellers)
    num_bad = np.bincount(sellers[named & bad], minlength=num_sellers)
    low, high = wilson_interval(num_bad, num_counted)
    lone_low = exact_low(num_bad, num_counted, chance=(1 - LEVEL) / 2)
    sure_low = exact_low(num_bad, num_counted, chance=(1 - LEVEL) / 2 / max(1, num_sellers))
    overall = float(num_bad.sum() / max(1, num_counted.sum()))
    return Rates(
        bad=num_bad, counted=num_counted, low=low, high=high, sure_low=sure_low, lone_low=lone_low, overall=overall
    )


def exact_low(bad: np.ndarray, counted: np.ndarray, *, chance: float) -> np.ndarray:
    """Least share [S] under which so many or more are found with this chance: the exact one-sided limit."""
    some = np.asarray(bad) > 0
    return np.where(some, betaincinv(np.maximum(bad, 1), np.asarray(counted) - np.asarray(bad) + 1, chance), 0.0)


def wilson_interval(bad: np.ndarray, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends [S] of the 95 % score interval of a share (Wilson: Probable inference, the law of succession, 1927).

    Args:
        bad: [S] how many.
        counted: [S] of how many; of none the interval is 0 to 1.
    """
    z = float(ndtri((1 + LEVEL) / 2))
    num = np.maximum(np.asarray(counted, dtype=np.float64), 1e-12)
    share = np.asarray(bad, dtype=np.float64) / num
    middle = share + z**2 / (2 * num)
    half = z * np.sqrt(share * (1 - share) / num + z**2 / (4 * num**2))
    low, high = (middle - half) / (1 + z**2 / num), (middle + half) / (1 + z**2 / num)
    some, all_ = np.asarray(bad) > 0, np.asarray(bad) >= np.asarray(counted)  # exactly 0 and 1, not but for rounding
    return np.where(some, np.clip(low, 0, 1), 0.0), np.where(all_, 1.0, np.clip(high, 0, 1))
