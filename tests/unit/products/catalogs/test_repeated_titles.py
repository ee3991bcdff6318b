"""Titles that one seller repeats for several items: told by pictures and prices, in whatever order rows stand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from eclip.products.catalogs.links import Offers, repeated_rows

NAN, NONE = np.nan, -1


@pytest.mark.parametrize(
    ("rows", "several"),
    [
        ([(1, 10.0), (1, 10.0)], False),
        ([(1, 10.0), (2, 10.0)], True),
        ([(1, 10.0), (1, 11.0)], True),
        ([(NONE, NAN), (NONE, NAN)], True),  # nothing says that they are one
        ([(1, 10.0), (NONE, NAN)], True),
        ([(1, NAN), (NONE, 10.0)], True),
        ([(1, NAN), (1, 10.0), (NONE, 10.0)], False),  # the second has what either of the others has
        ([(NONE, 10.0), (1, 10.0), (2, 10.0)], True),
        ([(1, NAN), (1, 10.0), (1, 12.0)], True),
        ([(1, 10.0)], False),
    ],
)
def test_an_answer_for_any_order(rows: list[tuple[int, float]], several: bool) -> None:
    for some in permutations(rows):
        pictures, prices = (np.array(each) for each in zip(*some, strict=True))
        offers = Offers(sellers=np.zeros(len(some), np.int64), prices=prices.astype(float), pictures=pictures)
        assert repeated_rows(["mug"] * len(some), offers).tolist() == [several] * len(some)
