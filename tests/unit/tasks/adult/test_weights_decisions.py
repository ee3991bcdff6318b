"""Weights against a slow twin and finite differences; thresholds and figures by hand."""

from __future__ import annotations

import numpy as np
import pytest

from eclip.tasks.adult.decisions import (
    LEAST_SUSPICION,
    MIN_CHANCE,
    NEVER,
    SUSPICION,
    act,
    choose_thresholds,
    decided_codes,
)
from eclip.tasks.adult.results import false_positives_per_10k
from eclip.tasks.adult.weights import (
    BIAS_SPREAD,
    CENTRES,
    SPREADS,
    PolicyWeights,
    fit_weights,
    penalised_loss,
    softmax_with_zero,
)


@pytest.fixture
def rows():
    shuffled = np.random.default_rng(1)
    codes = shuffled.integers(0, 3, 50)
    evidence = shuffled.normal(size=(50, 2, 5))
    evidence[np.arange(50)[codes > 0], codes[codes > 0] - 1, 0] += 3
    return evidence, codes


def slow_loss(values, evidence, codes, centre):
    total = 0.0
    for row, code in zip(evidence, codes, strict=True):
        logits = [0.0] + [
            sum(values[w] * said[w] for w in range(5)) + bias for said, bias in zip(row, values[5:], strict=True)
        ]
        total -= logits[code] - np.log(sum(np.exp(logits)))
    spreads = [*SPREADS, BIAS_SPREAD, BIAS_SPREAD]
    return total + sum(((v - c) / s) ** 2 / 2 for v, c, s in zip(values, centre, spreads, strict=True))


def test_loss_and_gradient_are_those_of_the_slow_twin(rows):
    evidence, codes = rows
    centre = np.array([*CENTRES, -1.0, -2.0])
    values = centre + np.random.default_rng(2).normal(size=7)
    loss, slope = penalised_loss(values, evidence, codes, centre)
    assert loss == pytest.approx(slow_loss(values, evidence, codes, centre), rel=1e-12)
    for place in range(7):
        step = np.zeros(7)
        step[place] = 1e-6
        ends = [penalised_loss(values + sign * step, evidence, codes, centre)[0] for sign in (1, -1)]
        assert slope[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-6)


def test_few_rows_leave_the_prior_and_many_decide(rows):
    evidence, codes = rows
    weights, bias = fit_weights(evidence[:0], codes[:0])
    np.testing.assert_allclose(weights, CENTRES, atol=1e-6)
    np.testing.assert_allclose(bias, 0, atol=1e-6)
    many = np.tile(evidence, (40, 1, 1)), np.tile(codes, 40)
    weights, bias = fit_weights(*many)
    assert (weights >= 0).all()
    chances = softmax_with_zero(many[0] @ weights + bias)
    # At the mode of enough data, mean chances are the shares of the classes: they are calibrated.
    np.testing.assert_allclose(chances.mean(axis=0), np.bincount(codes) / 50, atol=0.01)


def test_a_rare_level_is_not_held_for_rare_twice():
    """Heads whose chances are true: few validation rows leave them as they are, the rare level found as often."""
    shuffled = np.random.default_rng(0)
    codes = (np.arange(20_000) % 200 == 0).astype(np.int64)
    seen = shuffled.normal(size=len(codes)) + 4 * codes  # of unit variance, 4 apart: log-odds 4 x - 8, and the prior
    evidence = np.zeros((len(codes), 1, 5))
    evidence[:, 0, 0] = 4 * seen - 8 + np.log(1 / 199)
    weights, bias = fit_weights(evidence[:400], codes[:400])
    chances = softmax_with_zero(evidence @ weights + bias)[:, 1]
    assert chances.mean() == pytest.approx(1 / 200, rel=0.25)
    assert (chances[codes == 1] > 0.5).mean() > 0.65


def test_rules_decide_on_a_sure_term_and_ask_on_an_unsure_one():
    evidence = np.zeros((3, 3, 5))
    evidence[1, 0, 1] = evidence[2, 2, 2] = 1
    chances = PolicyWeights.rules(3).chances(evidence)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert chances[0, 0] > 0.99
    assert chances[1, 1] > 0.8
    assert 0.1 < chances[2, 3] < 0.5


def test_thresholds_by_hand():
    adult = np.array([0.99, 0.98, 0.9, 0.8, 0.7, 0.6, 0.3, 0.2, 0.1, 0.05])
    chances = np.stack([1 - adult, adult], axis=1)
    codes = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0, 0])
    found = choose_thresholds(chances, codes, budget=0.2)
    # Above .75 four of four are right, below it never 95 in 100; two looks show .7 and .6, so .3 is the bar.
    assert found.decide == (pytest.approx(0.75),)
    assert found.review == pytest.approx(0.3)
    decided = decided_codes(chances, found.decide)
    assert decided.tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    codes, shown = act(chances, found)
    assert codes.tolist() == decided.tolist()
    assert np.flatnonzero(shown).tolist() == [4, 5]
    plenty = choose_thresholds(chances, codes, budget=1.0)
    assert plenty.review == LEAST_SUSPICION  # a budget is no quota


def test_thresholds_without_rows_or_without_one_that_is_right():
    empty = choose_thresholds(np.zeros((0, 4)), np.zeros(0, dtype=int))
    assert (empty.decide, empty.review) == ((MIN_CHANCE,) * 3, SUSPICION)
    wrong = choose_thresholds(np.array([[0.1, 0.9], [0.2, 0.8]]), np.array([0, 0]), budget=0.5)
    assert wrong.decide == (NEVER,)
    assert decided_codes(np.array([[0.0, 1.0], [np.nan, np.nan]]), wrong.decide).tolist() == [0, 0]


def test_false_positives_per_10k_by_hand():
    truth = np.array([True, False, False, False, False])
    assert false_positives_per_10k(truth, np.array([True, True, False, False, False])) == 2500
    assert np.isnan(false_positives_per_10k(truth[:1], truth[:1]))
