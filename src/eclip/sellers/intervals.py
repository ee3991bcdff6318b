"""Rates with what chance leaves open, so that a seller of three listings does not lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

LEVEL = 0.95  # of intervals, two-sided


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How many of each seller's listings are in one kind of trouble.

    Attributes:
        bad: [S] int64 listings in trouble.
        counted: [S] int64 listings of which it could be told.
        low: [S] lower end of the 95 % interval of bad / counted; 0 where nothing was counted.
        high: [S] upper end; 1 where nothing was counted.
        sure_low: [S] as `low`, but so far down that with no seller any different, one of all S lies above the
            common rate in one of forty shops (Bonferroni).
        overall: bad / counted of all sellers together; 0 where nothing was counted.
    """

    bad: np.ndarray
    counted: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sure_low: np.ndarray
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
    sure_low, _ = wilson_interval(num_bad, num_counted, level=1 - (1 - LEVEL) / max(1, num_sellers))
    overall = float(num_bad.sum() / max(1, num_counted.sum()))
    return Rates(bad=num_bad, counted=num_counted, low=low, high=high, sure_low=sure_low, overall=overall)


def wilson_interval(
    bad: np.ndarray, counted: np.ndarray, *, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Ends [S] of the score interval of a share (Wilson: Probable inference, the law of succession, 1927).

    Args:
        bad: [S] how many.
        counted: [S] of how many; of none the interval is 0 to 1.
        level: Of the interval, two-sided.
    """
    z = float(ndtri((1 + level) / 2))
    num = np.maximum(np.asarray(counted, dtype=np.float64), 1e-12)
    share = np.asarray(bad, dtype=np.float64) / num
    middle = share + z**2 / (2 * num)
    half = z * np.sqrt(share * (1 - share) / num + z**2 / (4 * num**2))
    low, high = (middle - half) / (1 + z**2 / num), (middle + half) / (1 + z**2 / num)
    known = np.asarray(counted) > 0
    return np.where(known, np.clip(low, 0, 1), 0.0), np.where(known, np.clip(high, 0, 1), 1.0)
