"""Prices far off what other sellers ask for the same thing.

Of a listing with price p in a catalog, let m be the median of ln(price) over the listings of the catalog's OTHER
sellers, at least `MIN_OTHERS` of them. Its residual is r = ln(p) - m, its ratio exp(r). The spread of a catalog is
s = max(1.4826 * MAD of all its residuals, that of the whole shop): three prices that happen to agree do not make a
fourth one odd. A price is off where |r| / s > 3.5 (Iglewicz and Hoaglin: How to detect and handle outliers, 1993) and
it is at least `MIN_RATIO` times or below 1 / `MIN_RATIO` of the others'.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    logs = np.log(prices[usable])
    residuals = np.full(len(usable), np.nan)
    starts = np.flatnonzero(np.diff(catalogs[usable], prepend=-2))
    for start, end in zip(starts, np.append(starts[1:], len(usable)), strict=True):
        if end - start > MIN_OTHERS:
            residuals[start:end] = _residuals(logs[start:end], sellers[usable[start:end]])
    off = _off(residuals, np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(usable)))))
    found = PriceFindings(np.full(len(prices), np.nan), np.zeros(len(prices), dtype=bool))
    found.ratios[usable], found.off[usable] = np.exp(residuals), off
    return found


def _residuals(logs: np.ndarray, sellers: np.ndarray) -> np.ndarray:
    """ln(price) [n] of one catalog less the median of the other sellers'; NaN where these are too few."""
    out = np.full(len(logs), np.nan)
    for seller in np.unique(sellers):
        others = logs[sellers != seller]
        if len(others) >= MIN_OTHERS:
            out[sellers == seller] = logs[sellers == seller] - np.median(others)
    return out


def _off(residuals: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Which residuals [n] are far out, given the catalog [n] of each, ascending."""
    known = ~np.isnan(residuals)
    if not known.any():
        return np.zeros(len(residuals), dtype=bool)
    shop = _spread(residuals[known])
    spreads = np.full(len(residuals), shop)
    for group in np.unique(groups[known]):
        members = slice(*np.searchsorted(groups, (group, group + 1)))
        own = residuals[members]
        spreads[members] = max(shop, _spread(own[~np.isnan(own)]))
    far = np.abs(np.nan_to_num(residuals)) > np.maximum(_SCORE * spreads, np.log(MIN_RATIO))
    return far & known


def _spread(residuals: np.ndarray) -> float:
    """Standard deviation [n] told by the median absolute deviation, which a few wild prices do not move."""
    return float(_TO_DEVIATION * np.median(np.abs(residuals - np.median(residuals))))
