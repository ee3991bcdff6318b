"""Model numbers with a market's letters: what is taken off, and what proves too little."""

from __future__ import annotations

import numpy as np

from eclip.products.catalogs.regions import region_stems

STEMS = ["vx49m5520", "vx55m5520", "vx65m5520"]
OFFERS = 6  # sellers of each form


def stems_of(*listed: tuple[str, list[int]]) -> dict[str, str]:
    """Region stems of numbers with the sellers that list each."""
    numbers = [number for number, sellers in listed for _ in sellers]
    return region_stems(numbers, np.array([seller for _, sellers in listed for seller in sellers]))


def both_forms(*affixed: str) -> list[tuple[str, list[int]]]:
    """Sellers 0 to 5 list the plain numbers, 6 to 11 the others."""
    plain = [(stem, list(range(OFFERS))) for stem in STEMS]
    return plain + [(number, list(range(OFFERS, 2 * OFFERS))) for number in affixed]


def test_a_tail_is_taken_off_unless_a_seller_has_both() -> None:
    tailed = [f"{stem}xxu" for stem in STEMS]
    listed = both_forms(*tailed)
    assert stems_of(*listed) == dict(zip(tailed, STEMS, strict=True))
    assert stems_of(*listed[::-1]) == dict(zip(tailed, STEMS, strict=True))
    assert stems_of(*listed, (tailed[0], [0])) == {}  # seller 0 has both: two items, a colour's code
    assert stems_of(*listed[:-1]) == {}  # seen on two numbers only
    assert region_stems([number for number, _ in listed], np.full(len(listed), -1)) == {}


def test_a_tail_of_few_offers_proves_nothing() -> None:
    """Were they two items, it would be chance enough that no seller has both."""
    few = [(stem, [0, 1]) for stem in STEMS] + [(f"{stem}wh", [2, 3]) for stem in STEMS]
    assert stems_of(*few) == {}  # the habit of two sellers
    spread = [(stem, [i]) for i, stem in enumerate(STEMS)] + [(f"{stem}wh", [3 + i]) for i, stem in enumerate(STEMS)]
    assert stems_of(*spread) == {}  # three a side, who hardly meet on one number
    enough = [(stem, [0, 1, 2]) for stem in STEMS] + [(f"{stem}wh", [3, 4, 5]) for stem in STEMS]
    assert stems_of(*enough) == {f"{stem}wh": stem for stem in STEMS}


def test_a_head_of_letters_is_taken_off_and_one_with_digits_is_not() -> None:
    headed = [f"qu{stem}" for stem in STEMS]
    assert stems_of(*both_forms(*headed)) == dict(zip(headed, STEMS, strict=True))
    assert stems_of(*both_forms(*(f"q8{stem}" for stem in STEMS))) == {}


def test_a_tail_that_is_cut_off_goes_too_unless_a_seller_has_both() -> None:
    tailed = [f"{stem}akxu" for stem in STEMS]
    listed = both_forms(*tailed)
    found = stems_of(*listed, (f"{STEMS[0]}a", [20]), (f"{STEMS[1]}ak", [21]), (f"{STEMS[2]}b", [22]))
    assert {**dict(zip(tailed, STEMS, strict=True)), f"{STEMS[0]}a": STEMS[0], f"{STEMS[1]}ak": STEMS[1]} == found
    assert f"{STEMS[0]}a" not in stems_of(*listed, (f"{STEMS[0]}a", [0]))


def test_head_and_tail_go_one_after_the_other() -> None:
    listed = both_forms(*(f"qu{stem}" for stem in STEMS))
    listed += [(f"qu{stem}xxu", list(range(12, 18))) for stem in STEMS]
    assert {number: stem for number, stem in stems_of(*listed).items() if number.endswith("xxu")} == {
        f"qu{stem}xxu": stem for stem in STEMS
    }
