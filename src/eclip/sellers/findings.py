"""The five kinds of trouble that a listing can be in, each with the listings of which it can be told at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eclip.sellers.listings import SellerListings
from eclip.sellers.prices import PriceFindings, compare_prices

WRONG_BELOW = 0.5  # pair score: likelier wrong than right
CONFLICT = "catalog conflict"
ADULT = "adult"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One kind of trouble over N listings."""

    name: str
    words: str
    """As a heading says it."""
    bad: np.ndarray  # [N] bool
    counted: np.ndarray  # [N] bool, of which it can be told
    notes: Mapping[int, str]  # row -> what was found there, of the bad ones
    missing: str | None = None
    """Why nothing was counted, and what to do about it."""


@dataclass(frozen=True, kw_only=True)
class Suspects:
    """Listings that look like adult goods, as a model, the terms of titles or other sellers' labels say.

    Attributes:
        rows: [R] int64.
        reasons: [R] why.
    """

    rows: np.ndarray
    reasons: Sequence[str]


def find_troubles(
    listings: SellerListings, suspects: Suspects, conflicts: Mapping[str, str]
) -> tuple[list[Finding], PriceFindings]:
    """All kinds of trouble, and what prices were compared with.

    Args:
        listings: Of the store.
        suspects: By the adult task, among all listings.
        conflicts: Product id -> what contradicts a link of it.
    """
    prices = compare_prices(listings.prices, listings.catalogs, listings.sellers)
    findings = [
        _mismatched(listings),
        _duplicates(listings),
        _conflicts(listings, conflicts),
        _adult_elsewhere(listings, suspects),
        _prices(listings, prices),
    ]
    return findings, prices


def _mismatched(listings: SellerListings) -> Finding:
    """Pictures that are likelier of something else than what the title names, as a check of the pairs found."""
    counted = ~np.isnan(listings.pair_scores) & listings.telling
    bad = counted & (listings.pair_scores < WRONG_BELOW)
    notes = {
        row: f"picture and title belong together with probability {listings.pair_scores[row]:.3f}"
        for row in np.flatnonzero(bad).tolist()
    }
    lacking = "no model has looked at the pairs: eclip prepare ... --check-with MODEL, or --model MODEL here"
    return Finding(
        name="mismatched",
        words="picture of something else",
        bad=bad,
        counted=counted,
        notes=notes,
        missing=None if counted.any() else lacking,
    )


def _duplicates(listings: SellerListings) -> Finding:
    """Listings that repeat another one of the same seller."""
    bad = listings.repeats
    notes = {
        row: f"repeats {listings.duplicate_of[row]}: {listings.duplicate_reasons[row]}"
        for row in np.flatnonzero(bad).tolist()
    }
    everything = np.ones(len(bad), dtype=bool)
    return Finding(name="duplicates", words="repeats another", bad=bad, counted=everything, notes=notes)


def _conflicts(listings: SellerListings, conflicts: Mapping[str, str]) -> Finding:
    """Listings in a given catalog that contradicts itself, or that a contradiction kept out of one."""
    notes = {}
    for row, (product_id, flags) in enumerate(zip(listings.product_ids, listings.review_flags, strict=True)):
        told = [flag for flag in flags or () if flag.startswith(CONFLICT)]
        told += [conflicts[product_id]] if product_id in conflicts else []
        if told:
            notes[row] = "; ".join(dict.fromkeys(told))
    bad = np.zeros(len(listings.product_ids), dtype=bool)
    bad[list(notes)] = True
    counted = bad | (listings.catalogs >= 0)
    missing = None if counted.any() else "no listing stands in a catalog"
    return Finding(name="conflicts", words="catalog conflict", bad=bad, counted=counted, notes=notes, missing=missing)


def _adult_elsewhere(listings: SellerListings, suspects: Suspects) -> Finding:
    """Listings without a policy that look like adult goods, or whose like another seller calls adult."""
    given = np.array([policy is not None for policy in listings.policies], dtype=bool)
    adult = np.array([policy == ADULT for policy in listings.policies], dtype=bool)
    notes = {
        int(row): reason for row, reason in zip(suspects.rows, suspects.reasons, strict=True) if not given[int(row)]
    }
    called = {int(group): row for row, group in zip(np.flatnonzero(adult), listings.groups[adult], strict=True)}
    for row in np.flatnonzero(~given).tolist():
        mate = called.get(int(listings.groups[row]))
        if mate is not None:
            notes[row] = "; ".join(
                [each for each in (notes.get(row), f"like {listings.product_ids[mate]}, which is called adult") if each]
            )
    bad = np.zeros(len(given), dtype=bool)
    bad[list(notes)] = True
    for row in notes:
        notes[row] += f" (listed under {listings.categories[row] or 'no category'})"
    return Finding(name="adult", words="adult goods listed elsewhere?", bad=bad, counted=~given, notes=notes)


def _prices(listings: SellerListings, prices: PriceFindings) -> Finding:
    """Prices far off those of the catalog's other sellers."""
    counted = ~np.isnan(prices.ratios)
    notes = {
        row: f"{listings.prices[row]:,.2f} is {prices.ratios[row]:.2f} times the median of the catalog's other sellers"
        for row in np.flatnonzero(prices.off).tolist()
    }
    missing = None if counted.any() else "no catalog has prices of enough sellers to compare"
    return Finding(name="prices", words="price far off", bad=prices.off, counted=counted, notes=notes, missing=missing)
