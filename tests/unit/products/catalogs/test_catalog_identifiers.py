"""Barcodes, model numbers and quantities: printed examples and what must be refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclip.products.catalogs.identifiers import (
    check_digit,
    is_isbn10,
    normal_gtin,
    normal_model_number,
    shared_by_unrelated,
)
from eclip.products.catalogs.modelnumbers import looks_like_model_number, title_model_numbers
from eclip.products.catalogs.quantities import is_quantity, title_quantities
from eclip.products.catalogs.titles import title_words


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("4006381333931", "04006381333931"),  # EAN-13: GS1's own example
        ("036000291452", "00036000291452"),  # UPC-A
        ("36000291452", "00036000291452"),  # ... whose zero a spreadsheet lost
        ("0036000291452", "00036000291452"),  # ... as EAN-13
        ("96385074", "00000096385074"),  # EAN-8
        ("10012345678902", "10012345678902"),  # GTIN-14: a case is another item
        ("978-0-306-40615-7", "09780306406157"),  # ISBN-13
        ("0-306-40615-2", "09780306406157"),  # the same book as ISBN-10
        ("0-8044-2957-X", "09780804429573"),
        ("4006381333931.0", "04006381333931"),  # a column read as numbers
        (" 4006381 333931 ", "04006381333931"),
    ],
)
def test_barcodes_that_name_a_product(written: str, normal: str) -> None:
    assert normal_gtin(written) == normal


@pytest.mark.parametrize(
    "written",
    [
        None, "", "N/A", "none", "4006381333932", "12345", "0000000000000", "00000000", "1111111111116",
        "1234567890128", "0123456789012", "9876543210982", "8800000000006", "2012345678909", "0212345678905",
        "9912345678902", "4.00638E+12", "20123451", "４００６３８１３３３９３１x",
    ],
)  # fmt: skip
def test_barcodes_that_prove_nothing(written: str | None) -> None:
    assert normal_gtin(written) is None


@given(st.integers(0, 10**12 - 1))
def test_one_wrong_digit_is_noticed(body: int) -> None:
    digits = f"{body:012d}"
    right = digits + check_digit(digits)
    at = body % 13
    wrong = right[:at] + str((int(right[at]) + 1) % 10) + right[at + 1 :]
    assert normal_gtin(wrong) is None
    assert normal_gtin(right) in (None, f"0{right}")


@given(st.text("0123456789- X.", max_size=18))
def test_a_normal_barcode_is_its_own(text: str) -> None:
    normal = normal_gtin(text)
    assert normal is None or (normal_gtin(normal) == normal and len(normal) == 14)


def test_isbn10_needs_its_check_character() -> None:
    assert is_isbn10("080442957X")
    assert not is_isbn10("0804429570")


def test_a_barcode_under_unrelated_titles_of_several_brands_is_a_stand_in() -> None:
    words = title_words(["red mug", "garden hose", "usb cable", "wool socks", "mug red", "red mug large", "mug", "cup"])
    gtins: list[str | None] = ["a"] * 4 + ["b"] * 4
    assert shared_by_unrelated(gtins, words, np.array([0, 1, 2, -1, 0, 0, 1, -1])) == {"a"}
    assert shared_by_unrelated(gtins, words, np.array([0, 0, 0, -1, 0, 0, 1, -1])) == set()  # one brand, four languages


@pytest.mark.parametrize("written", ["WH-1000XM4", "wh1000xm4", "WH 1000 XM4", "Wh_1000/xm4"])
def test_a_model_number_however_written(written: str) -> None:
    assert normal_model_number(written) == "wh1000xm4"


@pytest.mark.parametrize(
    "written",
    [None, "", "1", "12", "123", "N/A", "see description", "Black", "XL", "500ml", "2x4", "상세설명참조", "0000"],
)
def test_generic_model_numbers(written: str | None) -> None:
    assert normal_model_number(written) is None


@pytest.mark.parametrize("token", ["500ml", "2x4", "128gb", "55in", "1080p", "3인용", "10x20x30cm", "64기가"])
def test_quantities(token: str) -> None:
    assert is_quantity(token)
    assert not looks_like_model_number(token)


@pytest.mark.parametrize("token", ["ue49m5520", "wh1000xm4", "g4203i", "tx43e302b"])
def test_shapes_of_model_numbers(token: str) -> None:
    assert looks_like_model_number(token)
    assert not is_quantity(token)


def test_the_largest_amount_of_each_kind() -> None:
    assert title_quantities("phone 4gb 64gb 2 x 500 ml 0.5kg 55 inch") == {"storage": 64, "volume": 500, "mass": 500}
    assert title_quantities("1tb") == {"storage": 1024}
    assert title_quantities("a plain mug") == {}


def numbers(titles: list[str], sellers: list[int], brands: list[int] | None = None) -> list[str | None]:
    codes = np.array(brands if brands is not None else [-1] * len(titles))
    return title_model_numbers(title_words(titles), sellers=np.array(sellers), brands=codes)


def test_model_numbers_of_titles_however_parted() -> None:
    titles = ["Orvo TX-43E302B 43 inch tv", "orvo tx 43e302b tv 1080p", "tv tx43e302b 500ml", "no number here"]
    assert numbers(titles, [0, 1, 2, 3]) == ["tx43e302b", "tx43e302b", "tx43e302b", None]


def test_a_word_that_one_seller_puts_on_several_items_is_no_model_number() -> None:
    titles = ["Orvo fast45x9 dishwasher black", "Orvo fast45x9 dishwasher slim", "Orvo fast45x9 dishwasher tall"]
    assert numbers(titles, [0, 0, 0]) == [None] * 3
    assert numbers(titles, [0, 1, 2]) == ["fast45x9"] * 3


def test_a_word_of_several_brands_is_no_model_number() -> None:
    titles = ["Orvo phone mtk6750t", "Lumo phone mtk6750t", "Kari phone mtk6750t"]
    assert numbers(titles, [0, 1, 2], [0, 1, 2]) == [None] * 3


def test_a_weak_shape_must_be_proven_by_its_sellers() -> None:
    titles = [f"Orvo tqfa10s fridge {word}" for word in ("white", "tall", "slim")]
    assert numbers(titles, [0, 1, 2], [0, 0, 0]) == ["tqfa10s"] * 3
    assert numbers(titles, [0, 1, 1], [0, 0, 0]) == [None] * 3  # one seller has it on two items
    assert numbers(titles[:2], [0, 1], [0, 0]) == [None] * 2
    assert numbers(titles, [0, 1, 2], [0, 0, 1]) == [None] * 3
    assert numbers(titles, [0, 1, 2]) == [None] * 3  # no brand is known
    short = [title.replace("tqfa10s", "note8") for title in titles]
    assert numbers(short, [0, 1, 2], [0, 0, 0]) == [None] * 3
