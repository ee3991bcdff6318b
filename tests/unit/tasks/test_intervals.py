"""Intervals and p values: the fast ways against working each resample out, and against what is known to be true."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from eclip import metrics
from eclip.tasks import intervals
from eclip.tasks.intervals import cluster_estimates, estimate, group_buckets, paired_p_value
from eclip.tasks.measures import Sums, as_measure, cluster_measures

RANDOM = np.random.default_rng(0)
NUM_ROWS = 240
NAMES = [f"product {row // 2}" for row in range(NUM_ROWS)]
BUCKETS = group_buckets(NAMES)
TRUTH = RANDOM.integers(0, 5, NUM_ROWS)
GUESS = np.where(RANDOM.random(NUM_ROWS) < 0.7, TRUTH, RANDOM.integers(0, 6, NUM_ROWS))
SCORES = RANDOM.random((NUM_ROWS, 5))
RELEVANT = TRUTH < 2
TIED = np.round(RANDOM.random(NUM_ROWS) + 0.3 * RELEVANT, 1)
LABELS, ANSWERS = RANDOM.random((NUM_ROWS, 4)) < 0.3, RANDOM.random((NUM_ROWS, 4)) < 0.3

CASES = [
    (metrics.mean, (TIED,), {}),
    (metrics.accuracy, (TRUTH, GUESS), {}),
    (metrics.top_k_accuracy, (TRUTH, SCORES), {"k": 2}),
    (metrics.recall_at_k, (TRUTH,), {"k": 3}),
    (metrics.f1, (RELEVANT, GUESS < 2), {}),
    (metrics.micro_f1, (LABELS, ANSWERS), {}),
    (metrics.macro_f1, (TRUTH, GUESS), {}),
    (metrics.macro_f1, (TRUTH.astype(str), GUESS.astype(str)), {}),
    (metrics.macro_f1_multilabel, (LABELS, ANSWERS), {}),
    (metrics.average_precision, (RELEVANT, TIED), {}),
    (metrics.recall_at_precision, (RELEVANT, TIED), {"precision": 0.6}),
    (metrics.coverage_at_precision, (RELEVANT, TIED), {"precision": 0.5}),
    (metrics.expected_calibration_error, (RELEVANT, np.clip(TIED, 0, 1)), {"num_bins": 7}),
    (metrics.recall_at_budget, (RELEVANT, TIED), {"budget": 0.13}),
]


@pytest.mark.parametrize(("metric", "arrays", "settings"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_a_fast_measure_is_the_metric_on_each_resample(metric, arrays, settings):
    measure = as_measure(metric, arrays, settings)
    fast = (intervals._sum_draws if isinstance(measure, Sums) else intervals._ranked_draws)(measure, BUCKETS)
    slow = intervals._slow_draws(metric, arrays, settings, BUCKETS)
    assert fast[: len(slow)] == pytest.approx(slow, abs=1e-12)
    assert np.ptp(slow) > 0


def test_bins_of_equally_many_rows_are_worked_out_anew():
    found = estimate(metrics.expected_calibration_error, RELEVANT, np.clip(TIED, 0, 1), buckets=BUCKETS, adaptive=True)
    assert len(found.draws) == intervals.NUM_SLOW_DRAWS
    assert found.low < found.value < found.high


def test_every_known_metric_is_tried():
    from eclip.tasks.measures import _MEASURES

    assert set(_MEASURES) == {metric for metric, _, _ in CASES}


@pytest.mark.parametrize("num_clusters", [1, 4, 200])
def test_cluster_measures_are_the_scores_where_each_item_counts_once(num_clusters):
    predicted = RANDOM.integers(0, num_clusters, NUM_ROWS)
    scores = asdict(metrics.cluster_scores(TRUTH, predicted))
    measures = cluster_measures(TRUTH, predicted)
    assert set(measures) == set(scores)
    for name, measure in measures.items():
        assert measure.finish(measure.rows.sum(axis=0)[None])[0] == pytest.approx(scores[name], abs=1e-12), name


def test_cluster_estimates_know_their_spread():
    found = cluster_estimates(TRUTH, GUESS, buckets=BUCKETS)
    assert found["ari"].low < found["ari"].value < found["ari"].high
    assert found["bcubed_f1"].support == NUM_ROWS
    assert cluster_estimates(TRUTH, GUESS)["ari"].low is None


def test_the_interval_of_a_share_is_the_known_one_and_follows_products_not_rows():
    """Of 400 independent hits at .8 the standard error is .02; four listings a product that agree make it .04."""
    hits = np.random.default_rng(1).random(400) < 0.8
    alone = estimate(metrics.mean, hits, buckets=np.arange(400))
    assert (alone.high - alone.low) / 3.92 == pytest.approx(np.sqrt(hits.mean() * (1 - hits.mean()) / 400), rel=0.1)
    same = np.repeat(hits[:100], 4)
    grouped = estimate(metrics.mean, same, buckets=np.repeat(np.arange(100), 4))
    rows = estimate(metrics.mean, same, buckets=np.arange(400))
    assert (grouped.high - grouped.low) / (rows.high - rows.low) == pytest.approx(2, rel=0.15)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    shuffled = np.random.default_rng(4)
    held = 0
    for _ in range(200):
        chances = np.repeat(shuffled.beta(4, 2, 80), 3)  # products differ, so their listings agree
        found = estimate(metrics.mean, shuffled.random(240) < chances, buckets=np.repeat(shuffled.choice(16384, 80), 3))
        held += found.low <= 4 / 6 <= found.high
    assert 180 <= held <= 198


def test_all_right_is_not_certain():
    """Forty of forty: the exact lower bound is .025 ** (1 / 40)."""
    found = estimate(metrics.accuracy, np.ones(40), np.ones(40), buckets=np.arange(40))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 40))
    none = estimate(metrics.accuracy, np.ones(40), np.zeros(40), buckets=np.arange(40))
    assert (none.low, none.high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 40)))


def test_too_few_products_no_products_and_no_number_have_no_interval():
    assert estimate(metrics.mean, np.arange(8.0), buckets=np.repeat(np.arange(4), 2)).low is None
    assert estimate(metrics.mean, np.arange(8.0)).low is None
    empty = estimate(metrics.mean, np.zeros(0), buckets=np.zeros(0, int))
    assert np.isnan(empty.value)
    assert empty.support == 0


def test_a_rare_class_does_not_push_the_interval_off_the_value():
    truth = np.concatenate([np.zeros(300, int), np.arange(1, 30)])
    found = estimate(metrics.macro_f1, truth, np.where(truth < 15, truth, 0), buckets=np.arange(len(truth)))
    assert found.low < found.value < found.high
    assert np.nanmean(found.draws) == pytest.approx(found.value)


def test_a_metric_of_ones_own_is_worked_out_anew():
    found = estimate(lambda values: float(np.median(values)), TIED, buckets=BUCKETS)
    assert len(found.draws) == intervals.NUM_SLOW_DRAWS
    assert found.low < found.value < found.high


def test_pairs_find_a_difference_that_single_intervals_hide():
    """Two methods that differ on 12 of 300 products, always the same way: overlapping intervals, yet no chance."""
    shuffled = np.random.default_rng(2)
    better = shuffled.random(300) < 0.6
    worse = better.copy()
    worse[np.flatnonzero(better)[:12]] = False
    names = group_buckets([f"p{row}" for row in range(300)])
    first, second = (estimate(metrics.mean, hits, buckets=names) for hits in (better, worse))
    assert second.high > first.low
    assert paired_p_value(first.draws, second.draws) < 0.01
    assert paired_p_value(first.draws, first.draws) == 1.0


def test_rows_that_one_method_lacks_still_pair_the_others():
    hits = RANDOM.random(NUM_ROWS) < 0.7
    most = np.arange(NUM_ROWS) % 10 > 0
    whole, part = (
        estimate(metrics.mean, hits, buckets=BUCKETS),
        estimate(metrics.mean, hits[most], buckets=BUCKETS[most]),
    )
    assert np.corrcoef(whole.draws, part.draws)[0, 1] > 0.9


def test_p_values_are_even_where_nothing_differs():
    """Under no difference, p below .1 comes in about a tenth of the trials: as a sign flip of whole products says."""
    shuffled = np.random.default_rng(7)
    found, flipped = [], []
    for _ in range(150):
        first, second = shuffled.random(80) < 0.7, shuffled.random(80) < 0.7
        buckets = shuffled.choice(intervals.NUM_BUCKETS, 80, replace=False)
        draws = [estimate(metrics.mean, hits, buckets=buckets).draws for hits in (first, second)]
        found.append(paired_p_value(*draws))
        change = first.astype(float) - second
        signs = shuffled.choice([-1.0, 1.0], (500, 80))
        flipped.append((np.abs(signs @ change) >= abs(change.sum()) - 1e-9).mean())
    assert 0.04 <= np.mean(np.array(found) < 0.1) <= 0.18
    assert np.corrcoef(found, flipped)[0, 1] > 0.95


def test_buckets_hang_on_the_name_alone():
    names = ["a", "b", "a", "c"]
    assert group_buckets(names)[[0, 3]].tolist() == group_buckets(["c", "a"])[::-1].tolist()
    assert group_buckets(names)[0] == group_buckets(names)[2]
