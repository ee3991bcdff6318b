from __future__ import annotations

import pytest

from eclip.products.duplicates.titlewords import TitleWords, text_hashes


def words_of(*titles: str | None) -> TitleWords:
    return TitleWords.of([title.casefold() if title else None for title in titles])


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Shampoo 500ml", "shampoo, 500 ML!!"),
        ("Men's shirt XL", "shirt XL (Men’s)"),
        ("셔츠 2개 블랙 남성", "남성 블랙 셔츠 ★ 2 개"),
        ("Oil 1,5 l", "oil 1.5l"),
    ],
)
def test_the_same_words_in_any_order_and_dress(one: str, two: str) -> None:
    words = words_of(one, two)
    assert words.bag[0] == words.bag[1] != 0
    assert words.numbers[0] == words.numbers[1] != 0


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Shampoo 500ml", "Shampoo 1l"),
        ("Shampoo 500ml", "Shampoo 500g"),
        ("Shampoo 1.5 l", "Shampoo 15 l"),
        ("Shampoo 1,5 l", "Shampoo 15 l"),
        ("Shampoo", "Shampoo 2-pack"),
        ("Shirt M", "Shirt L"),
        ("Mug", "Mug Set"),
        ("WH-1000XM4", "WH-1000XM5"),
        ("셔츠 2개", "셔츠 3개"),
        ("iPhone 12", "iPhone 12 Pro"),
        ("Flour 500 g", "Flour 500 g 500 g"),
    ],
)
def test_numbers_units_sizes_and_packs_tell_titles_apart(one: str, two: str) -> None:
    words = words_of(one, two)
    assert words.numbers[0] != words.numbers[1]


def test_one_piece_is_no_number() -> None:
    assert words_of("Mug 1pc", "Mug", "머그컵 1개", "머그컵 10개").numbers[:3].tolist() == [0, 0, 0]
    assert words_of("머그컵 10개").numbers[0] != 0


def test_colours_are_the_same_in_both_languages() -> None:
    colours = words_of("Black cap", "블랙 모자", "Red cap", "cap", None).colours
    assert colours[0] == colours[1] != colours[2]
    assert colours[3] == colours[4] == 0


def test_a_title_without_words_has_none() -> None:
    assert words_of(None, "", "!!", "a").bag.tolist()[:3] == [0, 0, 0]
    assert words_of(None, "", "!!", "a b").starts.tolist() == [0, 0, 0, 0, 2]


def test_hashes_are_pinned() -> None:
    """Indexes on disk hold them: they may never change."""
    assert text_hashes([None, "", "a", "셔츠"]).tolist() == PINNED
    assert text_hashes([]).tolist() == []


PINNED = [0, 0, 9413272369427828315, 9707430561434094909]
