"""Who shares what with whom: against the formula written plainly, and on sellers that copy or do not."""

from __future__ import annotations

import numpy as np
import pytest

from eclip.sellers.rings import Ring, find_rings
from eclip.sellers.sharing import SharedThings, _expected, shared_things
from eclip.sellers.things import title_things


def study(things: np.ndarray, sellers: np.ndarray, num_sellers: int) -> tuple[SharedThings, list[Ring]]:
    shared = shared_things(things, sellers, np.zeros(len(things), dtype=np.int64), num_sellers)
    return shared, find_rings({"pictures": things}, {"pictures": shared}, sellers, num_sellers)


def own_things(rng: np.random.Generator, num_sellers: int) -> tuple[np.ndarray, np.ndarray]:
    """Sellers of 20 to 120 listings, each listing with a picture of its own."""
    sellers = np.repeat(np.arange(num_sellers), rng.integers(20, 120, num_sellers))
    return np.arange(len(sellers)), sellers


def copied(
    rng: np.random.Generator, things: np.ndarray, sellers: np.ndarray, members: list[int], share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Listings more: each member shows a share of what each other one shows."""
    more = [
        (int(thing), other)
        for member in members
        for other in members
        for thing in things[sellers == member]
        if other != member and rng.random() < share
    ]
    new = np.array(more, dtype=np.int64).reshape(-1, 2)
    return np.concatenate([things, new[:, 0]]), np.concatenate([sellers, new[:, 1]])


def test_weights_and_expectations_are_those_of_the_formula() -> None:
    rng = np.random.default_rng(5)
    num_sellers, num = 6, 400
    things, sellers = rng.integers(0, 150, num), rng.integers(0, num_sellers, num)
    categories = things % 3
    found = shared_things(things, sellers, categories, num_sellers)
    shown = [set(things[sellers == seller].tolist()) for seller in range(num_sellers)]
    showing = {thing: sum(thing in each for each in shown) for thing in range(150)}
    for one, two, shared, weight in zip(found.one, found.two, found.shared, found.weight, strict=True):
        both = shown[one] & shown[two]
        assert shared == len(both)
        assert weight == pytest.approx(sum(1 / (showing[thing] - 1) for thing in both))
    pairs = sorted({*zip(sellers.tolist(), things.tolist(), strict=True)})
    seller, thing = (np.array(part) for part in zip(*pairs, strict=True))
    shared_too = np.array([showing[each] > 1 for each in thing])
    expected, total = _expected(found.one, found.two, seller, thing % 3, shared_too, num_sellers)
    plain = np.zeros((num_sellers, num_sellers))
    for category in range(3):
        here = thing % 3 == category
        sizes = np.bincount(seller[here], minlength=num_sellers)
        rate = (shared_too[here].sum() + 20 * shared_too.mean()) / (here.sum() + 20)
        plain += rate * here.sum() * np.outer(sizes, sizes) / (here.sum() ** 2 - (sizes**2).sum())
    assert expected == pytest.approx(plain[found.one, found.two])
    assert total == pytest.approx(np.triu(plain, 1).sum())


@pytest.mark.parametrize("seed", range(5))
def test_planted_rings_are_found_apart_and_nobody_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    things, sellers = own_things(rng, 40)
    for members in ([0, 1, 2], [10, 11, 12, 13], [20, 21]):
        things, sellers = copied(rng, things, sellers, members, 0.15)
    noise = rng.choice(len(things), 150)  # what any two sellers may share by chance
    things, sellers = np.append(things, things[noise]), np.append(sellers, rng.integers(0, 40, 150))
    _, rings = study(things, sellers, 40)
    assert {ring.members for ring in rings} == {(0, 1, 2), (10, 11, 12, 13), (20, 21)}


@pytest.mark.parametrize("seed", range(5))
def test_a_common_suppliers_pictures_bind_nobody(seed: int) -> None:
    rng = np.random.default_rng(seed)
    things, sellers = own_things(rng, 30)
    from_supplier = np.concatenate([rng.choice(200, 40, replace=False) for _ in range(30)])
    things = np.append(things, len(things) + from_supplier)
    _, rings = study(things, np.append(sellers, np.repeat(np.arange(30), 40)), 30)
    assert rings == []


def test_listings_that_show_nothing_or_name_nobody_count_for_none() -> None:
    things, sellers = np.array([-1, -1, 3, 3, 3]), np.array([0, 1, 0, -1, -1])
    shared, rings = study(things, sellers, 2)
    assert len(shared.one) == 0
    assert rings == []


def test_titles_are_one_thing_but_for_slips_and_not_but_for_numbers() -> None:
    titles = [
        "Wool scarf crimson hand woven 180 cm",
        "wool scarf CRIMSON hand woven 180 cm",
        "Wool scarf crimson hand wovven 180 cm",
        "Wool scarf crimson hand woven 200 cm",
        None,
        "!!",
    ]
    things = title_things(titles)
    assert things[0] == things[1] == things[2] != things[3]
    assert things[4:].tolist() == [-1, -1]
