"""A seller's history: shrinkage, leave-one-out, and when sellers tell nothing."""

from __future__ import annotations

import numpy as np
import pytest

from eclip.tasks.adult.sellers import SMOOTHING, SellerHistory

SELLERS = ["a"] * 30 + ["b"] * 60 + [None] * 10
CODES = np.array([1] * 24 + [0] * 6 + [0] * 60 + [0] * 9 + [-1])


@pytest.fixture
def history() -> SellerHistory:
    return SellerHistory.of(SELLERS, CODES, 3)


def test_counts_leave_out_unknown_rows(history):
    assert history.totals.tolist() == [75, 24, 0]
    assert {s: c.tolist() for s, c in history.counts.items()} == {"a": [6, 24, 0], "b": [60, 0, 0]}


def test_log_odds_are_the_shrunk_shares_against_the_shops(history):
    m = history.strength
    base = (np.array([75, 24, 0]) + SMOOTHING) / (99 + 3 * SMOOTHING)
    shrunk = (np.array([6, 24, 0]) + m * base) / (30 + m)
    expected = np.log(shrunk[1:] / shrunk[0]) - np.log(base[1:] / base[0])
    np.testing.assert_allclose(history.log_odds(["a"])[0], expected, rtol=1e-12)
    assert history.log_odds(["a"])[0, 0] > 1 > 0 > history.log_odds(["b"])[0, 0]


def test_unknown_sellers_shift_nothing(history):
    np.testing.assert_allclose(history.log_odds([None, "new", ""]), 0, atol=1e-12)
    assert history.log_odds([]).shape == (0, 2)


def test_leaving_a_listing_out_is_counting_without_it(history):
    rows = [0, 24, 40]
    own = CODES[rows]
    found = history.log_odds([SELLERS[row] for row in rows], own)
    for place, row in enumerate(rows):
        kept = [n for n in range(len(SELLERS)) if n != row]
        without = SellerHistory.of([SELLERS[n] for n in kept], CODES[kept], 3)
        same = SellerHistory(without.totals, without.counts, history.strength)
        np.testing.assert_allclose(found[place], same.log_odds([SELLERS[row]])[0], rtol=1e-12)


def test_a_seller_of_one_listing_is_not_judged_by_its_own_label():
    sellers = ["x", *["big"] * 50]
    codes = np.array([1, *[0] * 50])
    history = SellerHistory(*_counted(sellers, codes), 1.0)
    assert history.log_odds(["x"])[0, 0] > 0
    np.testing.assert_allclose(history.log_odds(["x"], codes[:1]), 0, atol=1e-12)


def test_sellers_that_foretell_nothing_get_no_say():
    shuffled = np.random.default_rng(0)
    sellers = [f"s{n}" for n in shuffled.integers(0, 40, 800)]
    codes = (shuffled.random(800) < 0.1).astype(np.int64)
    history = SellerHistory.of(sellers, codes, 2)
    assert np.abs(history.log_odds(sorted(set(sellers)))).max() < 0.6
    # Every seller of the same mix: leave-one-out shares foretell worse than the shop's own.
    even = SellerHistory.of(
        [f"s{n % 10}" for n in range(400)], np.array([int(n // 10 % 10 == 0) for n in range(400)]), 2
    )
    assert even.strength is None
    np.testing.assert_array_equal(even.log_odds(["s1"]), 0)


def test_json_keeps_all_of_it(history):
    again = SellerHistory.from_json(history.as_json())
    np.testing.assert_array_equal(again.log_odds(["a", "b", None]), history.log_odds(["a", "b", None]))


def _counted(sellers, codes):
    history = SellerHistory.of(sellers, codes, 2)
    return history.totals, history.counts
