from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclip.products.cells import (
    as_text,
    attribute_values,
    parse_attributes,
    parse_category,
    parse_policy,
    parse_price,
)
from eclip.products.clean import clean_text, title_language

FAMILY = "👨\u200d👩\u200d👧"
PIECES = ["<b>", "</b>", "<", ">", "&", "&amp;", "&lt;", "lt;", "&#x1f600;", "＆", "ｌｔ；", "가", "ㄱ", " "]
PIECES += [
    "\u200d",
    "\u200b",
    "\ufe0f",
    "❤",
    "\x00",
    "\u3164",
    "é",
    "e\u0301",
    "ﷺ",
    "\ue000",
    FAMILY,
    "&#xfdfa",
]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("NA", "NA"),
        ("007", "007"),
        ("  Blue\t\n shirt ", "Blue shirt"),
        ("<b>Red</b> &amp; blue", "Red & blue"),
        ("a &amp;amp;lt;i&amp;amp;gt; b", "a b"),
        ("size < 5 and <3", "size < 5 and <3"),
        ("ＡＢＣ　１２", "ABC 12"),
        ("\u1112\u1161\u11ab글", "한글"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("nul\x00l", "nul l"),
        (f"gift {FAMILY} ❤️", f"gift {FAMILY} ❤️"),
        ("half \ud83d", "half"),
        ("\u3164", None),
        ("<p></p>", None),
        ("", None),
        (None, None),
    ],
)
def test_texts(raw: str | None, expected: str | None) -> None:
    assert clean_text(raw) == expected


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=30).map("".join))
def test_cleaning_text_is_idempotent(raw: str) -> None:
    once = clean_text(raw)
    assert clean_text(once) == once
    assert once is None or (once == once.strip() and once)


@pytest.mark.parametrize(
    ("title", "language"),
    [("반팔 T-shirt", "ko"), ("Shirt", "en"), ("123 !", None), ("Рубашка", None), (None, None)],
)
def test_language_by_script(title: str | None, language: str | None) -> None:
    assert title_language(title) == language


@pytest.mark.parametrize(
    ("value", "separator", "expected"),
    [
        ("생활/건강 > 생활용품", ">", ["생활/건강", "생활용품"]),
        ("A &gt; B", ">", ["A", "B"]),
        ("Men/Tops//", "/", ["Men", "Tops"]),
        (["Socks & Tights", " Leggings/Tights "], ">", ["Socks & Tights", "Leggings/Tights"]),
        ('["A > B", "C"]', ">", ["A > B", "C"]),
        (" > ", ">", None),
        (None, ">", None),
    ],
)
def test_category_paths(value: object, separator: str, expected: list[str] | None) -> None:
    assert parse_category(value, separator) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"Color": "Red", "size": ["S", "M"], "none": null}', [("color", ["Red"]), ("size", ["S", "M"])]),
        ('[["Color", "Red"], ["color", "Blue"]]', [("color", ["Red", "Blue"])]),
        (
            '[{"name": "Color", "value": 7}, {"key": "fit", "value": "a|b"}]',
            [("color", ["7"]), ("fit", ["a", "b"])],
        ),
        ("Size=XS; Color = Black|White;", [("size", ["XS"]), ("color", ["Black", "White"])]),
        (
            "material=CoolTech&trade;|Wool;pattern=Solid",
            [("material", ["CoolTechTM", "Wool"]), ("pattern", ["Solid"])],
        ),
        ([("Color", ["Red"])], [("color", ["Red"])]),
        ({"Color": "NA"}, [("color", ["NA"])]),
        ("Navy Blue", [("basecolour", ["Navy Blue"])]),
        ("a=1;b", [("basecolour", ["a=1;b"])]),
        ('{"broken', [("basecolour", ['{"broken'])]),
        (7.0, [("basecolour", ["7"])]),
        ("", []),
        (None, []),
    ],
)
def test_attributes(value: object, expected: list[tuple[str, list[str]]]) -> None:
    assert parse_attributes(value, column="baseColour") == expected


def test_attribute_values_are_texts_and_each_once() -> None:
    assert attribute_values("a | b|a|") == ["a", "b"]
    assert attribute_values([1, None, " x "]) == ["1", "x"]


@pytest.mark.parametrize(
    ("value", "price"),
    [
        ("₩9,900", 9900.0),
        ("1.234,50 EUR", 1234.5),
        ("1,234.50", 1234.5),
        ("12,5", 12.5),
        (52, 52.0),
        ("free", None),
        (float("nan"), None),
        ("-3", None),
        (None, None),
    ],
)
def test_prices(value: object, price: float | None) -> None:
    assert parse_price(value) == price


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("19+", "adult"),
        ("1", "adult"),
        (True, "adult"),
        ("Yes", "adult"),
        (1.0, "adult"),
        ("Sensitive", "sensitive"),
        ("age-restricted", "age-restricted"),
        ("0", None),
        (False, None),
        ("", None),
    ],
)
def test_policies(value: object, expected: str | None) -> None:
    assert parse_policy(value) == (expected, True)
    assert parse_policy("perhaps") == (None, False)


def test_numbers_become_ids() -> None:
    assert [as_text(value) for value in (7.0, 7.5, 7, float("nan"), True, b"x")] == [
        "7",
        "7.5",
        "7",
        None,
        "true",
        "x",
    ]


@pytest.mark.parametrize(
    ("value", "price"),
    [
        ("1'299.00", 1299.0),
        ("CHF 1’299", 1299.0),
        ("9.900", 9900.0),
        ("1.234.567", 1234567.0),
        ("1e6", 1e6),
        ("9.90", 9.9),
    ],
)
def test_prices_of_other_countries(value: str, price: float) -> None:
    assert parse_price(value) == price


@pytest.mark.parametrize("brand", ["<LG전자>", "<Nike>", "<Abc Def>"])
def test_names_in_angle_brackets_are_no_tags(brand: str) -> None:
    assert clean_text(f"{brand} <b>TV</b><br/>55 <!-- x --> in") == f"{brand} TV 55 in"
