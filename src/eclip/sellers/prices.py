"""Prices far off what other sellers ask for the same thing.

Of a listing with price p in a catalog, let m be the median of ln(price) over the listings of the catalog's OTHER
sellers, at least `MIN_OTHERS` of them. Its residual is r = ln(p) - m, its ratio exp(r). The spread of a catalog is
s = max(1.4826 * MAD of all its residuals, that of the whole shop): three prices that happen to agree do not make a
fourth one odd. A price is off where |r| / s > 3.5 (Iglewicz and Hoaglin: How to detect and handle outliers, 1993) and
it is at least `MIN_RATIO` times or below 1 / `MIN_RATIO` of the others'.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

MIN_OTHERS = 3  # listings of other sellers in a catalog, below which none is compared
MIN_RATIO = 1.5
_SCORE = 3.5
_TO_DEVIATION = 1.4826  # of a normal distribution: its standard deviation over its median absolute deviation


@dataclass(frozen=True)
class PriceFindings:
    """Prices beside those of the same catalog.

    Attributes:
        ratios: [N] price over the median of the catalog's other sellers; NaN where it was not compared.
        off: [N] bool, far from it.
    """

    ratios: np.ndarray
    off: np.ndarray


def compare_prices(prices: np.ndarray, catalogs: np.ndarray, sellers: np.ndarray) -> PriceFindings:
    """Compare each price with those of its catalog's other sellers.

    Args:
        prices: [N], NaN where there is none; those not above 0 are passed over.
        catalogs: [N] int64, -1 = in none.
        sellers: [N] int64, -1 = not named; listings of no named seller count as one seller's.
    """
    usable = np.flatnonzero((catalogs >= 0) & (np.nan_to_num(prices) > 0))
    usable = usable[np.argsort(catalogs[usable], kind="stable")]
    found = PriceFindings(np.full(len(prices), np.nan), np.zeros(len(prices), dtype=bool))
    logs = np.log(prices[usable])
    residuals = np.full(len(usable), np.nan)
    bounds = np.flatnonzero(np.diff(catalogs[usable], prepend=-2, append=-2))
    for start, end in pairwise(bounds.tolist()):
        if end - start > MIN_OTHERS:
            residuals[start:end] = _residuals(logs[start:end], sellers[usable[start:end]])
    found.ratios[usable] = np.exp(residuals)
    found.off[usable] = _off(residuals, bounds.tolist())
    return found


def _residuals(logs: np.ndarray, sellers: np.ndarray) -> np.ndarray:
    """ln(price) [n] of one catalog less the median of the other sellers'; NaN where these are too few."""
    out = np.full(len(logs), np.nan)
    for seller in np.unique(sellers):
        others = logs[sellers != seller]
        if len(others) >= MIN_OTHERS:
            out[sellers == seller] = logs[sellers == seller] - np.median(others)
    return out


def _off(residuals: np.ndarray, bounds: list[int]) -> np.ndarray:
    """Which residuals [n] are far out, given where each catalog's begin and the last one's end."""
    known = ~np.isnan(residuals)
    if not known.any():
        return known
    shop = _spread(residuals[known])
    spreads = np.full(len(residuals), shop)
    for start, end in pairwise(bounds):
        own = residuals[start:end][known[start:end]]
        if len(own):
            spreads[start:end] = max(shop, _spread(own))
    return known & (np.abs(np.nan_to_num(residuals)) > np.maximum(_SCORE * spreads, np.log(MIN_RATIO)))


def _spread(residuals: np.ndarray) -> float:
    """Standard deviation [n] told by the median absolute deviation, which a few wild prices do not move."""
    return float(_TO_DEVIATION * np.median(np.abs(residuals - np.median(residuals))))
