from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclip.errors import ConfigError
from eclip.products.titles.cleaner import TitleCleaner
from eclip.products.titles.english import ENGLISH
from eclip.products.titles.indonesian import INDONESIAN
from eclip.products.titles.korean import KOREAN
from eclip.products.titles.phrases import PhraseList, PhraseMatcher, joined
from eclip.products.titles.rules import RULE_NAMES, RULES, choose_rules, clean_title

# Product meanings that a careless rule would spoil; the titles are invented, the patterns were seen.
KEPT = [
    "NA", "007", "C++ primer", "AT&T phone case", "M&M's 1 kg", "Cable 12V 1/2 inch", "WH-1000XM4 headphones",
    "Rice 2.5 kg", "Shampoo 500ml", "55\" screen", "Sugar Free Gum", "SIM free phone", "Frost free fridge",
    "New Balance 574", "New York map", "New potatoes 1 kg", "Forever New jacket", "Hot Wheels car", "Hot sauce",
    "Hot! Chili chips", "Hot pink lipstick", "Off white scarf", "Peel off mask", "Sale marino 500 g", "Sale fino 1 kg",
    "Yard sale sign", "For sale sign", "Free shipping labels 100 pcs", "Sale stickers red", "Cod fillets (cod)",
    "Smoked fish [cod]", "Promo code book", "Gift set", "Limited Edition perfume", "Original crackers", "Best Buy card",
    "Cha Cha Cha muffins", "Peri Peri sauce", "Ting Ting Ting bell", "Pan 8 x 8 x 2", "Camera 16 mp 16 mp",
    "Reading lens (+) and (-)", "The A.B., black tea", "Coin bag / key bag / key ring", "Shirt men ♀", "1+1+1 cable",
    "Case S9 11 Pro S9 11 Pro Max", "국가검정품 소화기", "무료재단 방충망", "패딩 베스트", "무료배송 스티커",
    "세일러문 인형",
    "Lens cleaner - zero clearance", "Buku matematika revisi terbaru", "Kamus edisi terbaru", "Bag black\\navy",
    "น้ำหอม 50ml", "COD FILLETS 1KG", "Original 100% grape juice",
    "A-line skirt", "Display clearance fridge", "Wet n Wild!", "Pre-sale ticket holder", "[Brandname] Shampoo",
]  # fmt: skip


@pytest.mark.parametrize("title", KEPT)
def test_product_meanings_are_kept(title: str) -> None:
    assert clean_title(title).text == title


@pytest.mark.parametrize(
    ("raw", "expected", "rule"),
    [
        (r"\xe3\x80\x90Lamp\xe3\x80\x91 red", "【Lamp】 red", "escapes"),
        ('b"Girls\' hat"', "Girls' hat", "escapes"),
        (r"Lamp red \nWeight 180g\r\n", "Lamp red Weight 180g", "escapes"),
        ("Glasses [SIZE 52□19-142]", "Glasses [SIZE 52-19-142]", "unicode"),
        ("Tr\u00ef\u00bf\u00bdpied 3 kg", "Tr\ufffdpied 3 kg", "unicode"),
        ("Cr\x8feme pie", "Creme pie", "invisible"),
        ("<b>Red</b> &amp;amp; blue", "Red & blue", "html"),
        ("Nike™ Air® shoes", "Nike Air shoes", "trademarks"),
        ("ＡＢＣ　１２ ㎖", "ABC 12 ml", "unicode"),
        ("Pipe 5½ inch", "Pipe 5 1/2 inch", "unicode"),
        ("Women´s ‘best’ bag", "Women's 'best' bag", "unicode"),
        ("zero\u200bwidth\ufeff hat", "zerowidth hat", "invisible"),
        ("nul\x00l", "nul l", "invisible"),
        ("  Blue\t\n shirt ", "Blue shirt", "spaces"),
        ("❤️ Lamp ⭐⭐ red", "Lamp red", "emoji"),
        ("shoes shoes SHOES red", "shoes red", "repeats"),
        ("tv kx55a7005 kx55a7005", "tv kx55a7005", "repeats"),
        ("Blue Kettle Blue Kettle large", "Blue Kettle large", "repeats"),
        ("Shirt!!! -- blue...", "Shirt! - blue", "punctuation"),
        ("Shirt ~", "Shirt", "punctuation"),
        ("Shirt ( ) blue []", "Shirt blue", "punctuation"),
        ("LEATHER SHOULDER BAG AB-1200 500ml HDMI", "Leather Shoulder Bag AB-1200 500ml HDMI", "capitals"),
        ("ADAPTER CARD PCIE 3.0", "Adapter Card PCIE 3.0", "capitals"),
        ("[FREE SHIPPING] Kettle", "Kettle", "promotions"),
        ("★SALE★ Kettle", "Kettle", "promotions"),
        ("HOT DEAL Kettle", "Kettle", "promotions"),
        ("Kettle 50% OFF", "Kettle", "promotions"),
        ("Kettle - bestseller", "Kettle", "promotions"),
        ("[11.11Big Sale] Kettle", "Kettle", "promotions"),
        ("{NEW} Kettle (Ready Stock)", "Kettle", "promotions"),
        ("🔥HOT🔥 Kettle", "Kettle", "promotions"),
        ("NEW!! Kettle", "Kettle", "promotions"),
        ("Perfume Buy 1 Get 1 free", "Perfume", "promotions"),
        ("[PROMO KETTLE] red", "[PROMO KETTLE] red", None),
        ("[무료배송] 주전자", "주전자", "promotions"),
        ("무료 배송!! 주전자", "주전자", "promotions"),
        ("★특가★ 주전자", "주전자", "promotions"),
        ("1+1 주전자", "주전자", "promotions"),
        ("2026신상 주전자 정품", "주전자", "promotions"),
        ("[여름패드 증정] 주전자", "주전자", "promotions"),
        ("[해외당일출고]주전자", "주전자", "promotions"),
        ("(BISA COD) Tas merah termurah", "Tas merah", "promotions"),
        ("[GROSIR / ECER] Tas merah harga grosir", "Tas merah", "promotions"),
        ("PROMO KHUSUS HARI INI Tas merah", "Tas merah", "promotions"),
        ("(Promo bulan ini) Tas merah paling murah", "Tas merah", "promotions"),
        ("Bisa bayar di tempat Tas merah original 100%", "Tas merah", "promotions"),
        ("[READY STOK] Tas merah", "Tas merah", "promotions"),
        ("11.11 SUPER PROMO!!! Tas merah", "Tas merah", "promotions"),
        ("Sun cream SPF 50+ original 100%", "Sun cream SPF 50+", "promotions"),
        ('"Paling murah" Sabun #bisa cod', "Sabun", "punctuation"),
        ("Bag 9.9 kg Big Sale", "Bag 9.9 kg", "promotions"),
        ("hk stock phone 4gb 64gb", "phone 4gb 64gb", "promotions"),
    ],
)
def test_each_rule_does_its_part(raw: str, expected: str, rule: str | None) -> None:
    cleaned = clean_title(raw)
    assert cleaned.text == expected
    assert rule is None or rule in cleaned.applied


@pytest.mark.parametrize("raw", ["SALE", "[무료배송]", "[SALE] 123", "❤️❤️", "!!!", "무료배송 특가", "★NEW★"])
def test_a_title_is_never_emptied(raw: str) -> None:
    cleaned = clean_title(raw).text
    assert cleaned
    assert bool(re.search(r"[^\W_]", cleaned)) == bool(re.search(r"[^\W_]", raw))


@pytest.mark.parametrize("raw", ["", None, "<p></p>", "\u3164", "\u200b"])
def test_nothing_to_see_is_none(raw: str | None) -> None:
    assert clean_title(raw).text is None


PIECES = [
    "<b>", "&amp;", "&lt;", "lt;", "&#x1f600;", "＆", "ｌｔ；", "가", " ", "\u200d", "\u200b", "\ufe0f", "❤",
    "\x00", "½",
    "5", "ﷺ",
    "[", "]", "(", ")", "★", "!", "!!",
    "-", "--", "/", "|", "...", ",", "+", "SALE", "sale", "NEW", "free ",
    "shipping", "무료", "배송", "1+1", "정품", "HOT",
    "LEATHER", "Bag", "bag ", "x", "50% off", "shoes ", "\\xc3\\xa9", "b'",
    "'", "COD", "~", "for ", "sign", "증정", "11.11",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=25).map("".join))
def test_cleaning_is_idempotent(raw: str) -> None:
    once = clean_title(raw).text
    assert clean_title(once).text == once
    assert once is None or (once == once.strip() and clean_title(once).applied == ())


def test_a_long_title_is_cut_and_stays_so() -> None:
    once = clean_title("word &amp; " * 5000).text
    assert once is not None
    assert len(once) <= 1000
    assert clean_title(once).text == once


def test_rules_are_switched_off_by_name() -> None:
    raw = "[SALE] LEATHER KETTLE!!"
    assert clean_title(raw).text == "Leather Kettle!"
    assert clean_title(raw, choose_rules("promotions, capitals")).text == "[SALE] LEATHER KETTLE!"
    assert clean_title(raw, choose_rules(",".join(RULE_NAMES))).text == raw
    with pytest.raises(ConfigError, match="did you mean 'promotions'"):
        choose_rules("promotion")


def test_every_rule_has_its_own_name_and_a_reason() -> None:
    assert len(set(RULE_NAMES)) == len(RULE_NAMES)
    assert all(rule.reason for rule in RULES)


def test_what_rules_did_is_counted_with_examples() -> None:
    cleaner = TitleCleaner()
    for raw in ("[SALE] Kettle", "Kettle", None, "Kettle!!"):
        cleaner.clean(raw)
    told = cleaner.to_json()["counts"]
    assert told["titles"] == 3
    assert told["changed"]["promotions"] == 1
    assert told["changed"]["punctuation"] == 1
    assert told["changed"]["capitals"] == 0
    assert told["examples"]["promotions"] == [["[SALE] Kettle", "Kettle"]]


WORDS = [
    "Kettle",
    "free",
    "shipping",
    "Free Shipping",
    "sale",
    "SALE!",
    "[sale]",
    "(hot)",
    "hot",
    "무료배송",
    "특가",
    "for",
    "-",
]


class _Everything(frozenset):
    """Triggers that let every title through to the patterns."""

    def isdisjoint(self, other: object) -> bool:
        return False


FAST, SLOW = (PhraseMatcher(joined((ENGLISH, KOREAN, INDONESIAN))) for _ in range(2))
SLOW._triggers = _Everything()


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join))
def test_the_word_filter_misses_nothing_that_the_patterns_find(title: str) -> None:
    assert FAST.remove(title) == SLOW.remove(title)


def test_a_phrase_in_capitals_is_matched_in_capitals_only() -> None:
    matcher = PhraseMatcher(PhraseList(marked=("COD",)))
    assert matcher.remove("[COD] hat") == "hat"
    assert matcher.remove("[cod] hat") == "[cod] hat"
