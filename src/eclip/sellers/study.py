"""The study of a store's sellers: troubles with what chance leaves open, and groups that show the same things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from eclip.products.store import Store
from eclip.products.wholefeed import last_look
from eclip.sellers.findings import Finding, Suspects, find_troubles
from eclip.sellers.intervals import Rates, seller_rates
from eclip.sellers.listings import SellerListings, read_listings
from eclip.sellers.prices import PriceFindings
from eclip.sellers.rings import Ring, find_rings
from eclip.sellers.sharing import MOST_SELLERS, shared_things
from eclip.sellers.things import picture_things, title_things

PICTURES, TITLES = "pictures", "titles"

FindSuspects = Callable[[SellerListings], Suspects]
ScorePairs = Callable[[SellerListings], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class SellerStudy:
    """All that was found."""

    listings: SellerListings
    findings: list[Finding]
    rates: dict[str, Rates]
    """By `Finding.name`."""
    prices: PriceFindings
    rings: list[Ring]
    things: dict[str, np.ndarray]
    """Kind -> [N] int64 what each listing shows; -1 = nothing that tells."""

    @property
    def num_listings(self) -> np.ndarray:
        """[S] listings of each seller."""
        sellers = self.listings.sellers
        return np.bincount(sellers[sellers >= 0], minlength=len(self.listings.seller_names))

    @property
    def excess(self) -> np.ndarray:
        """[S] by how much a seller's rates surely lie above those of all sellers, summed over troubles."""
        return np.sum([self.rates[finding.name].excess for finding in self.findings], axis=0)

    @property
    def ranking(self) -> np.ndarray:
        """[S] sellers, the most troubled first: by excess, by what each for itself would have of it, then by size."""
        rates = [self.rates[finding.name] for finding in self.findings]
        alone = np.sum([np.maximum(each.lone_low - each.overall, 0) for each in rates], axis=0)
        return np.lexsort((-self.num_listings, -alone, -self.excess))


def study_sellers(store: Store, find_suspects: FindSuspects, score_pairs: ScorePairs | None = None) -> SellerStudy:
    """Study the sellers of a finished store.

    Args:
        store: Read, never changed.
        find_suspects: Which of its listings look like adult goods.
        score_pairs: Probability [N] that picture and title belong together, NaN where it can't be told; None = as
            the last check of the store's pairs left it.

    Raises:
        StoreError: No listing names its seller, or the store can't be read.
    """
    listings = read_listings(store)
    if score_pairs is not None:
        listings = replace(listings, pair_scores=score_pairs(listings))
    conflicts = {
        product_id: f"{each['action']}: {each['evidence']}, but {each['clash']} differ"
        for each in store.conflicts().to_pylist()
        for product_id in each["product_ids"]
    }
    findings, prices = find_troubles(listings, find_suspects(listings), conflicts)
    num_sellers = len(listings.seller_names)
    rates = {
        finding.name: seller_rates(listings.sellers, num_sellers, finding.bad, finding.counted) for finding in findings
    }
    things = shown_things(store, listings)
    own = np.where(listings.repeats, -1, listings.sellers)  # who lists a thing again copies himself
    categories = np.unique([path or "" for path in listings.categories], return_inverse=True)[1]
    shared = {kind: shared_things(shown, own, categories, num_sellers) for kind, shown in things.items()}
    rings = find_rings(things, shared, own, num_sellers)
    return SellerStudy(listings=listings, findings=findings, rates=rates, prices=prices, rings=rings, things=things)


def shown_things(store: Store, listings: SellerListings) -> dict[str, np.ndarray]:
    """Kind -> [N] what each listing shows; what more than `MOST_SELLERS` show tells nothing of any."""
    sellers = listings.sellers
    look = last_look(store.images, listings.image_codes)

    def same_shot(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        others = np.flatnonzero(sellers[one] != sellers[two])  # only what several sellers show counts
        same = np.zeros(len(one), dtype=bool)
        same[others] = look(one[others], two[others])
        return same

    kinds = {
        PICTURES: picture_things(listings.perceptual_hashes, listings.telling, same_shot),
        TITLES: title_things(listings.titles),
    }
    return {kind: _without_everybodys(shown, sellers) for kind, shown in kinds.items()}


def _without_everybodys(shown: np.ndarray, sellers: np.ndarray) -> np.ndarray:
    """What is shown [N], -1 where more than `MOST_SELLERS` show it."""
    told = np.flatnonzero((shown >= 0) & (sellers >= 0))
    pairs = np.unique(np.stack([shown[told], sellers[told]], axis=1), axis=0)
    names, showing = np.unique(pairs[:, 0], return_counts=True)
    return np.where(np.isin(shown, names[showing > MOST_SELLERS]), -1, shown)
