"""Rates of sellers with what chance leaves open, and prices beside those of other sellers, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from eclip.sellers.intervals import exact_low, seller_rates, wilson_interval
from eclip.sellers.prices import compare_prices


def test_wilson_interval_is_that_of_scipy_and_knows_its_ends() -> None:
    bad, counted = np.array([0, 1, 12, 40, 5]), np.array([3, 2, 300, 40, 0])
    low, high = wilson_interval(bad[:4], counted[:4])
    for place in range(4):
        known = binomtest(int(bad[place]), int(counted[place])).proportion_ci(0.95, method="wilson")
        assert (low[place], high[place]) == (pytest.approx(known.low), pytest.approx(known.high))
    assert low[0] == 0
    assert high[3] == 1
    assert [float(end[0]) for end in wilson_interval(np.array([0]), np.array([0]))] == [0, 1]


def test_exact_low_is_the_share_at_which_so_many_are_that_rare() -> None:
    low = float(exact_low(np.array([3]), np.array([6]), chance=0.001)[0])
    assert binom.sf(2, 6, low) == pytest.approx(0.001)


def test_a_seller_of_few_listings_does_not_lead() -> None:
    sizes = {0: (1, 2), 1: (60, 300), 2: (10, 400)}  # bad, listings: one of two, a fifth of 300, a fortieth
    sellers = np.concatenate([np.full(num, seller) for seller, (_, num) in sizes.items()] + [np.full(5, -1)])
    bad = np.concatenate([np.arange(num) < some for some, num in sizes.values()] + [np.ones(5, dtype=bool)])
    rates = seller_rates(sellers, 3, bad, np.ones(len(bad), dtype=bool))
    assert rates.bad.tolist() == [1, 60, 10]
    assert rates.overall == pytest.approx(71 / 702)  # of nobody's listings nothing is counted
    assert rates.rates[0] == 0.5
    assert np.flatnonzero(rates.excess).tolist() == [1]


def test_a_price_is_compared_with_other_sellers_of_the_catalog() -> None:
    prices = np.array([100, 102, 98, 101, 300, 10, 20, 30, 40, np.nan, 0, 100, 99, 101, 100])
    catalogs = np.array([0, 0, 0, 0, 0, 1, 1, 1, -1, 0, 0, 2, 2, 2, 2])
    sellers = np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 5, 6, 7, 7, 7, 7])
    found = compare_prices(prices, catalogs, sellers)
    assert found.ratios[4] == pytest.approx(300 / np.sqrt(100 * 101))  # the median of logs of an even number
    assert np.flatnonzero(found.off).tolist() == [4]
    # Three listings; no catalog; no price; a price of nothing; one seller's own listings: none is compared.
    assert np.isnan(found.ratios[5:]).all()


def test_a_catalog_of_wild_prices_makes_none_of_them_odd() -> None:
    spread = np.exp(np.random.default_rng(0).normal(0, 1, 60)) * 50
    tame = np.full(100, 50.0) * np.exp(np.random.default_rng(1).normal(0, 0.05, 100))
    prices = np.concatenate([spread[:12], tame])
    found = compare_prices(prices, np.repeat([0, 1], [12, 100]), np.arange(112))
    assert found.off[:12].sum() <= 1
    assert not found.off[12:].any()
