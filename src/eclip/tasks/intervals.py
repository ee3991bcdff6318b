"""How sure a figure is: 95 % intervals and p values by resampling whole products.

Listings of one product stand or fall together, so groups of rows (a catalog, a model) are drawn, not rows. Each group
counts a Poisson(1) number of times (the Poisson bootstrap: Chamandy et al., 2012), and that number hangs on the
group's name alone: two methods, modalities or reports that judge the same products are resampled alike, whatever rows
each of them has, which is what makes the test of a difference a paired one.

A task's results call `estimate(metric, *arrays, buckets=buckets)` where they called `metric(*arrays)`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from eclip.metrics import cluster_scores, score_blocks
from eclip.tasks.measures import Measure, Ranked, Sums, as_measure, cluster_measures

NUM_DRAWS = 1_000
NUM_SLOW_DRAWS = 200  # of a metric that has to be worked out anew on each resample
NUM_BUCKETS = 2**14  # groups that share one are drawn together: with many, the spread is the same
LEVEL = 0.95
MIN_GROUPS = 5  # fewer say nothing about others
SEED = 0  # one for all reports, or two of them could not be compared pair by pair
MAX_WEIGHTS = 250_000  # rows times draws at once: what stays in the processor's cache


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure and what it is worth."""

    value: float
    support: int  # rows that it is over
    low: float | None = None  # of the 95 % interval; None where there are too few groups, or none were named
    high: float | None = None
    draws: np.ndarray | None = None  # [B] its values on the resamples, moved so that `value` is their mean


def estimate(
    metric: Callable[..., float | tuple[float, float]],
    *arrays: np.ndarray,
    buckets: np.ndarray | None = None,
    **settings: Any,
) -> Estimate:
    """A metric with its interval.

    Args:
        metric: Of `eclip.metrics`, or any function of arrays that returns a number, or a number and something else;
            those known to `eclip.tasks.measures` are fast, others are worked out anew on 200 resamples.
        *arrays: Its arguments, each [n] or [n, ...].
        buckets: [n] the bucket of each row's group, from `group_buckets`; None = no interval.
        **settings: Its other arguments.
    """
    value, support = _first(metric(*arrays, **settings)), len(arrays[0])
    if buckets is None or not np.isfinite(value):
        return Estimate(value=value, support=support)
    measure = as_measure(metric, arrays, settings)
    if measure is not None:
        return estimate_measure(measure, value, buckets)
    return _estimate_of(value, buckets, _slow_draws(metric, arrays, settings, buckets))


def estimate_measure(measure: Measure, value: float, buckets: np.ndarray) -> Estimate:
    """As `estimate`, for a measure at hand whose value on the rows as they are is known."""
    draws = _sum_draws(measure, buckets) if isinstance(measure, Sums) else _ranked_draws(measure, buckets)
    return _estimate_of(value, buckets, draws)


def cluster_estimates(
    truth: np.ndarray, predicted: np.ndarray, *, buckets: np.ndarray | None = None
) -> dict[str, Estimate]:
    """Every field of `eclip.metrics.cluster_scores` with its interval, by name.

    Args:
        truth: [n] true cluster of each item.
        predicted: [n] the one it was put into.
        buckets: As of `estimate`.
    """
    values = asdict(cluster_scores(truth, predicted))
    if buckets is None:
        return {name: Estimate(value=value, support=len(truth)) for name, value in values.items()}
    measures = cluster_measures(truth, predicted)
    return {name: estimate_measure(measures[name], value, buckets) for name, value in values.items()}


def group_buckets(names: Sequence[str]) -> np.ndarray:
    """The bucket [n] of each row's group, by the group's name."""
    buckets = {
        name: int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") % NUM_BUCKETS
        for name in set(names)
    }
    return np.array([buckets[name] for name in names], dtype=np.int64)


def paired_p_value(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p value of the difference of two figures from their draws on the same resamples.

    Twice the share of resamples on which the difference lies beyond 0 (Efron and Tibshirani, 1993, chapter 15),
    each counted with one resample more than there are, so that it is never 0.
    """
    num = min(len(first), len(second))
    differences = first[:num] - second[:num]
    differences = differences[np.isfinite(differences)]
    below, above = int((differences <= 0).sum()), int((differences >= 0).sum())
    return min(1.0, 2 * (min(below, above) + 1) / (len(differences) + 1))


def draw_interval(draws: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of draws [B], those that are no number left out."""
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(draws, [tail, 1 - tail])
    return float(low), float(high)


@lru_cache(maxsize=1)
def _bucket_counts() -> np.ndarray:
    """How often each bucket counts in each draw [B, NUM_BUCKETS]."""
    shares = np.cumsum([math.exp(-1) / math.factorial(count) for count in range(12)])
    # By table: numpy's own Poisson numbers would take seconds.
    table = np.searchsorted(shares, (np.arange(2**16) + 0.5) / 2**16).astype(np.uint8)
    return table[np.random.default_rng(SEED).integers(0, 2**16, (NUM_DRAWS, NUM_BUCKETS), dtype=np.uint16)]


def _sum_draws(measure: Sums, buckets: np.ndarray) -> np.ndarray:
    used, places = np.unique(buckets, return_inverse=True)
    members = sparse.csr_matrix((np.ones(len(buckets)), (places, np.arange(len(buckets)))), (len(used), len(buckets)))
    counts = _bucket_counts()[:, used].astype(np.float64)
    by_group = members @ measure.rows
    return measure.finish(np.asarray((by_group.T @ counts.T).T))


def _ranked_draws(measure: Ranked, buckets: np.ndarray) -> np.ndarray:
    order, last = score_blocks(measure.scores)
    relevant, ordered = measure.relevant[order], buckets[order]
    step = max(1, MAX_WEIGHTS // len(order))
    draws = []
    for start in range(0, NUM_DRAWS, step):
        weights = _bucket_counts()[start : start + step][:, ordered].astype(np.float64)
        hits = np.cumsum(weights * relevant, axis=1)[:, last]
        draws.append(measure.finish(np.cumsum(weights, axis=1)[:, last], hits))
    return np.concatenate(draws)


def _first(found: float | tuple[float, float]) -> float:
    return found[0] if isinstance(found, tuple) else found


def _slow_draws(
    metric: Callable[..., float | tuple[float, float]],
    arrays: tuple[np.ndarray, ...],
    settings: dict[str, Any],
    buckets: np.ndarray,
) -> np.ndarray:
    draws = np.full(NUM_SLOW_DRAWS, np.nan)
    for draw, counts in enumerate(_bucket_counts()[:NUM_SLOW_DRAWS]):
        rows = np.repeat(np.arange(len(buckets)), counts[buckets])
        if len(rows):
            draws[draw] = _first(metric(*(array[rows] for array in arrays), **settings))
    return draws


def _estimate_of(value: float, buckets: np.ndarray, draws: np.ndarray) -> Estimate:
    """The middle of the draws, moved so that their mean is the value.

    A resample lacks some rare classes and repeats others, so that the draws of a macro-F1 lie above it on average; what
    is asked of them is how far they spread.
    """
    num_groups, known = len(np.unique(buckets)), draws[np.isfinite(draws)]
    if num_groups < MIN_GROUPS or len(known) < len(draws) / 2:
        return Estimate(value=value, support=len(buckets))
    moved = draws - known.mean() + value
    if np.ptp(known) == 0 and value in (0.0, 1.0):
        # All right or all wrong: the exact bound for so many groups (Clopper and Pearson, 1934), not certainty.
        width = 1 - ((1 - LEVEL) / 2) ** (1 / num_groups)
        low, high = (0.0, width) if value == 0 else (1 - width, 1.0)
    else:
        low, high = draw_interval(moved)
        low = max(low, 0.0) if known.min() >= 0 else low
        high = min(high, 1.0) if known.max() <= 1 else high
    return Estimate(value=value, support=len(buckets), low=min(low, value), high=max(high, value), draws=moved)
