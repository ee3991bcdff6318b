"""Titles read as a person reads them; all titles are invented."""

from __future__ import annotations

import pytest

from eclip.tasks.adult.disguises import plain, unmask

WORDS = {"adult", "toy", "sex", "vibrator", "lager", "ipa"}
TERMS = {"adulttoy", "sextoy", "vibrator", "lager", "성인용품"}


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("ADULT Toy", "adult toy"),
        ("ＡＤＵＬＴ toy", "adult toy"),  # full width
        ("аdult tоy", "adult toy"),  # Cyrillic а and о
        ("αdult tοy", "adult toy"),  # Greek α and ο
        ("ad\u200bult\u2060 toy", "adult toy"),
        ("ádùlt töy", "adult toy"),
        ("ㅅㅓㅇㅇㅣㄴㅇㅛㅇㅍㅜㅁ 박스", "성인용품 박스"),
        ("ㅅ ㅓ ㅇ인용품", "성인용품"),
        ("성이\u3134용품", "성인용품"),
    ],
)
def test_plain_shows_what_a_person_reads(title, read):
    assert plain(title) == read


@pytest.mark.parametrize(
    "title",
    ["яблочный пирог", "하하 굿", "がぎぐ", "3 in 1 usb", "여성 티셔츠 블랙", "γάτα жук", "5 x 7 cm", "t-shirt x-l"],
)
def test_plain_leaves_honest_writing(title):
    assert plain(title) == title


def test_loose_korean_letters_that_close_no_syllable_stay_loose():
    assert plain("하ㅋㅋ 굿ㅠ") == "하ᄏᄏ 굿ᅲ"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a d u l t t o y", "adulttoy"),
        ("a.d.u.l.t-toy", "a.d.u.l.t-toy"),  # two kinds of marks: not read
        ("s-e-x t0y", "sex toy"),
        ("s3x t0y", "sex toy"),
        ("v1brat0r", "vibrator"),
        ("v!bra.tor", "vibrator"),
        ("seeeex toy", "sex toy"),
        ("l4ger 6 pack", "lager 6 pack"),
        ("성1인용품 박스", "성인용품 박스"),
        ("성.인.용.품", "성인용품"),
        ("n e w a d u l t t o y s", "new adulttoy s"),
    ],
)
def test_unmask_reads_known_words(text, read):
    assert unmask(text, WORDS, TERMS) == read


@pytest.mark.parametrize(
    "text",
    [
        "iphone 4s 3 in 1 u s b",
        "ip4 camera",
        "h-4b t-shirt",
        "e s s e x",
        "3 x 4 x 5",
        "2단 3인용 텐트",
        "wow!!! so coool",
    ],
)
def test_unmask_leaves_model_numbers_and_sizes(text):
    assert unmask(text, WORDS, TERMS) == text


def test_a_run_of_several_terms_reads_alike_whatever_the_order_of_terms():
    spaced = " ".join("vibratorlageradulttoy")
    orders = [sorted(TERMS), sorted(TERMS, reverse=True)]
    assert {unmask(spaced, WORDS, order) for order in orders} == {"vibratorlager adulttoy"}
