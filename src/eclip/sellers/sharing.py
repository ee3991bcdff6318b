"""Which sellers show the same pictures and titles, and how far that is beyond what the shop makes one expect.

A shown thing is a picture (the same shot, perhaps cropped by a hair or encoded again) or a title (the same words, but
for slips). One that k sellers show gives 1 / (k - 1) to each pair of them, so that what all resellers have from their
common supplier binds no two of them (Newman: Scientific collaboration networks II, 2001).

Expected is what sellers of such sizes would share at the shop's own rate: of the M_c things shown in a category c,
T_c are shown by another seller too, and with whom is drawn in proportion to what each seller shows there. So a pair is
expected to share E = sum over c of (T_c / M_c) * M_c * d_ac * d_bc / (M_c^2 - sum over s of d_sc^2), d_sc being what
seller s shows in c. Few things in a category: T_c / M_c is drawn towards the whole shop's. The surprise of O shared
ones is O ln(O / E) - (O - E) nats: with terms between 0 and 1, exp(-surprise) bounds the chance of it from above
(Chernoff). As rings raise the shop's own rate and so hide behind it, all E are scaled down to what the pairs share that
are not surprising, until no more pairs are (`_background`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

MOST_SELLERS = 50  # things that more sellers show are everybody's, and count for nobody
SIGNIFICANCE = 0.01  # of pairs beyond chance: one such pair in a hundred shops in which nobody copies
_ROUNDS = 8  # of scaling; it settles in two or three
_PRIOR_THINGS = 20.0  # that the whole shop's rate counts for, within a category


@dataclass(frozen=True, kw_only=True)
class SharedThings:
    """Pairs of sellers that share something of one kind; each pair once, one < two.

    Attributes:
        one: [P] int64 sellers.
        two: [P] int64 sellers.
        shared: [P] int64 things that both show.
        weight: [P] float64 the same, each thing divided among all who show it.
        expected: [P] float64 what `weight` would be in a shop where nobody copies anybody in particular.
        surprise: [P] float64 nats; 0 where no more is shared than expected.
    """

    one: np.ndarray
    two: np.ndarray
    shared: np.ndarray
    weight: np.ndarray
    expected: np.ndarray
    surprise: np.ndarray


def shared_things(things: np.ndarray, sellers: np.ndarray, categories: np.ndarray, num_sellers: int) -> SharedThings:
    """How much each pair of sellers shares.

    Args:
        things: [N] int64 what each listing shows, -1 = nothing that tells.
        sellers: [N] int64, -1 = not named.
        categories: [N] int64 from 0.
        num_sellers: S.
    """
    rows = np.flatnonzero((things >= 0) & (sellers >= 0))
    shown, first = np.unique(np.stack([things[rows], sellers[rows]], axis=1), axis=0, return_index=True)
    thing, seller, category = _codes(shown[:, 0]), shown[:, 1], categories[rows[first]]
    num_showing = np.bincount(thing, minlength=1)[thing]
    kept = num_showing <= MOST_SELLERS
    thing, seller, category, num_showing = thing[kept], seller[kept], category[kept], num_showing[kept]
    one, two, shared, weight = _observed(thing, seller, num_showing, num_sellers)
    expected, total = _expected(one, two, seller, category, num_showing > 1, num_sellers)
    expected *= _background(weight, expected, total, least_surprise(num_sellers))
    return SharedThings(
        one=one, two=two, shared=shared, weight=weight, expected=expected, surprise=surprise(weight, expected)
    )


def surprise(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Nats [P] against chance: -ln of Chernoff's bound for a sum of independent terms in [0, 1] of this mean."""
    above = observed > expected
    ratio = np.where(above, observed / np.maximum(expected, 1e-300), 1.0)
    return np.where(above, observed * np.log(ratio) - (observed - expected), 0.0)


def least_surprise(num_sellers: int) -> float:
    """Nats that no pair of so many sellers reaches by chance, but in one shop of a hundred (Bonferroni)."""
    return float(np.log(max(1, num_sellers * (num_sellers - 1) // 2) / SIGNIFICANCE))


def _background(weight: np.ndarray, expected: np.ndarray, total: float, least: float) -> float:
    """How much of the expected [P] the pairs share that are not surprising, at most 1.

    Args:
        weight: [P] what pairs share.
        expected: [P] of it, by the shop's own rates.
        total: Expected of all pairs, also of those that share nothing.
        least: Surprise from which a pair is left out.
    """
    scale = 1.0
    for _ in range(_ROUNDS):
        usual = surprise(weight, scale * expected) < least
        left = float(weight[usual].sum()), total - float(expected[~usual].sum())
        lower = min(scale, (left[0] + 0.5) / (max(left[1], 0.0) + 0.5))
        if lower == scale:
            break
        scale = lower
    return scale


def _codes(values: np.ndarray) -> np.ndarray:
    """[N] from 0, without gaps."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _observed(
    thing: np.ndarray, seller: np.ndarray, num_showing: np.ndarray, num_sellers: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of sellers, how many things both show, and their weight; from incidences [I] of things and sellers."""
    several = num_showing > 1
    places = (seller[several], thing[several])
    shape = (num_sellers, int(thing.max(initial=-1)) + 1)
    ones = sparse.csr_array((np.ones(int(several.sum())), places), shape=shape)
    parts = sparse.csr_array((1 / np.maximum(num_showing[several] - 1, 1), places), shape=shape)
    counts = sparse.triu(ones @ ones.T, k=1).tocsr()
    weights = sparse.triu(parts @ ones.T, k=1).tocsr()
    counts.sort_indices()
    weights.sort_indices()
    pairs = counts.tocoo()
    return (
        pairs.row.astype(np.int64),
        pairs.col.astype(np.int64),
        pairs.data.round().astype(np.int64),
        weights.data.astype(np.float64),
    )


def _expected(
    one: np.ndarray,
    two: np.ndarray,
    seller: np.ndarray,
    category: np.ndarray,
    is_shared: np.ndarray,
    num_sellers: int,
) -> tuple[np.ndarray, float]:
    """E [P] of the module's formula, unscaled, from incidences [I]; and its sum over all pairs of sellers."""
    if not len(one):
        return np.zeros(0), 0.0
    category = _codes(category)
    num_categories = int(category.max()) + 1
    sizes = sparse.csr_array((np.ones(len(seller)), (seller, category)), shape=(num_sellers, num_categories))
    shown = np.bincount(category, minlength=num_categories).astype(np.float64)
    shared = np.bincount(category[is_shared], minlength=num_categories).astype(np.float64)
    rate = (shared + _PRIOR_THINGS * shared.sum() / shown.sum()) / (shown + _PRIOR_THINGS)
    others = shown**2 - np.asarray(sizes.multiply(sizes).sum(axis=0)).ravel()
    factor = np.divide(rate * shown, others, out=np.zeros(num_categories), where=others > 0)
    scaled = sparse.csr_array(sizes * factor[None, :])
    pairs = np.asarray(scaled[one].multiply(sizes[two]).sum(axis=1)).ravel()
    return pairs, float((factor * others).sum() / 2)
