"""The rule expert's terms, senses and disguises; all titles are invented."""

from __future__ import annotations

import re
import time

import pytest

from eclip.schema import POLICIES
from eclip.tasks.adult.lexicon import read_title, undisguised
from eclip.tasks.adult.lexicon_terms import SENSES, TERM_GROUPS


def levels(title, **options):
    return {(each.level, each.sure) for each in read_title(title, **options).found}


@pytest.mark.parametrize(
    ("title", "level"),
    [
        ("Silicone Adult Toy Set", "adult"),
        ("sextoys for couples", "adult"),
        ("성인용품 세트 무료배송", "adult"),
        ("성인 용품 선물", "adult"),
        ("Latex Condoms 12 pack", "sensitive"),
        ("Personal Lubricant 100ml", "sensitive"),
        ("초박형 콘돔 10개입", "sensitive"),
        ("Red Wine 750 ml", "age-restricted"),
        ("Riesling 2007", "age-restricted"),
        ("참나무 소주 360ml", "age-restricted"),
        ("전자담배 기기", "age-restricted"),
    ],
)
def test_terms_that_decide(title, level):
    assert (level, True) in levels(title)


@pytest.mark.parametrize(
    "title",
    [
        "Lubricant Eye Drops 15 ml",
        "Contact Lens Lubricant",
        "윤활제 점안액 인공눈물",
        "Bicycle Chain Lubricant",
        "Engine Lubricant Oil 5W30",
        "Smart Straw Lubricant Spray",
        "자전거 체인 윤활제",
        "Concrete Vibrator Poker",
        "USB Condom Data Blocker",
        "마이크 콘돔 커버",
        "Adult Dog Food Chicken",
        "Adult Toothbrush Soft",
        "Adult T-Shirt Size L",
        "Adults Multivitamin Gummies",
        "Unisex Adult Cap",
        "Adult Diapers Medium",
        "Wine Red Dress",
        "Wine Glass Set of 6",
        "Red Wine Vinegar",
        "Beer Batter Fish Fillets",
        "Root Beer Soda",
        "Non-Alcoholic Beer 6 pack",
        "와인잔 세트",
        "와인 컬러 니트",
        "맥주효모 샴푸",
        "최소주문 10개 수건",
        "Cigarette Pants Women",
        "Lace Babydoll Nightdress",
        "Women Thong Panty Pack",
        "Push-up Bra Black",
        "Sheer Hosiery Tights Nude",
        "Nipple Cream for Nursing Mothers",
        "Moth Trap Pheromone Refill",
        "Essex Map", "Sussex Tea Towel",
        "",
        None,
    ],
)  # fmt: skip
def test_other_senses_accuse_nobody(title):
    assert levels(title) == set()


@pytest.mark.parametrize(
    "title",
    [
        "A D U L T T O Y boxed",
        "S3X T0Y boxed",
        "аdult tоy boxed",
        "ad\u200bult t\u200boy boxed",
        "ádult tóy boxed",
        "ㅅㅓㅇㅇㅣㄴㅇㅛㅇㅍㅜㅁ 박스",
        "성.인.용.품 박스",
        "성1인용품 박스",
    ],
)
def test_disguised_terms_are_found_and_told_as_such(title):
    reading = read_title(title)
    assert reading.disguised
    assert reading.found[0].level == "adult"
    assert reading.found[0].sure
    assert levels(title, undo_disguises=False) == set()


def test_a_term_in_the_open_is_no_disguise():
    assert not read_title("Adult Toy 2 in 1").disguised
    assert read_title("Adult Toy, a.d.u.l.t t0y").found[0].disguised is False


def test_who_hides_an_unsure_word_means_it():
    assert ("sensitive", False) in levels("Lubricant 100 ml")
    assert ("sensitive", True) in levels("Lubr1cant 100 ml")


def test_every_term_finds_itself_and_every_guard_exists():
    for group in TERM_GROUPS:
        assert group.level in POLICIES
        assert set(group.unless) <= set(SENSES)
        for term in group.terms:
            assert term == term.casefold()
            if not any(re.search(p, term) for name in group.unless for p in SENSES[name]):
                assert (group.level, group.sure) in levels(term), term


def test_ordinary_titles_cost_little():
    titles = [f"Women Floral Print Cotton Dress {n} Navy Blue" for n in range(3000)]
    read_title("warm up")
    started = time.process_time()
    for title in titles:
        read_title(title)
    assert (time.process_time() - started) / len(titles) < 1e-3


def test_only_titles_that_hide_a_term_are_rewritten():
    honest = ["Adult Toy", "Café Crème 3 in 1 U S B", None, "X-L T-Shirt"]
    assert undisguised([*honest, "Big 4dult T0y"]) == [*honest, "big adult toy"]
