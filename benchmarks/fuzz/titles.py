"""Any text as a title, and as each cell that is understood: cleaned to a fixed point, soon, and never a fault."""

from __future__ import annotations

import unicodedata

from eclip.products.catalogs.identifiers import normal_gtin
from eclip.products.cells import attribute_values, parse_attributes, parse_category, parse_policy, parse_price
from eclip.products.clean import clean_text, title_language
from eclip.products.titles.learned import LearnedPhrase, LearnedTitles
from eclip.products.titles.rules import MAX_TITLE_CHARS, RULES, clean_title

SECONDS_EACH = 30
_PHRASES = (("official store", "start"), ("new arrival", "end"), ("정품", "brackets"), ("free returns", "brackets"))
_LEARNED = LearnedTitles(
    phrases=tuple(
        LearnedPhrase(text=text, place=place, support=9, sellers=3, categories=3, agreement=None, base=0.1)
        for text, place in _PHRASES
    ),
    capitals=("USB", "LED"),
).rules()
_TITLES = (
    "[Free shipping] Acme X-100 Kettle 1.7 L, 2200W (2 pack)!!!",
    "★정품★ 나이키 에어맥스270 운동화 🎉 무료배송 [당일발송]",
    "&lt;b&gt;Red&amp;nbsp;shirt&lt;/b&gt; \\xc3\\xa9t\\u00e9 100% COTTON COTTON COTTON",
    "PROMO BAJU KAOS POLOS GRATIS ONGKIR *** BEST SELLER *** (READY STOCK)",
    "OFFICIAL STORE Shirt | new arrival | -20% | =1+1 | €9,99 | 1/2\" x 3'",
    "a\u200b\u202eb\ufeff c\U0001f468\u200d\U0001f469 ２ ｋｇ ™®",
    '{"colour": ["red", "blue"], "size": "M"}',
    "Women > Dresses > Mini; size: M | colour=red",
    "1.234,56 EUR",
)


def one(data: bytes) -> None:
    """Clean a title.

    Raises:
        AssertionError: It is not clean, or cleaning it again changes it.
    """
    text = data.decode("utf-8", "replace")
    for rules in (RULES, _LEARNED):
        cleaned = clean_title(text, rules).text
        assert clean_title(cleaned, rules).text == cleaned, "not its own cleaned title"
        assert cleaned is None or 0 < len(cleaned) <= MAX_TITLE_CHARS, "too long"
        assert cleaned is None or not any(unicodedata.category(letter) == "Cc" for letter in cleaned), "control"
    plain = clean_text(text)
    assert clean_text(plain) == plain, "text is not its own cleaned text"
    title_language(text)
    parse_price(text)
    parse_policy(text)
    attribute_values(text)
    parse_attributes(text, column="attributes")
    gtin = normal_gtin(text)
    assert gtin is None or normal_gtin(gtin) == gtin, "not its own barcode"
    for separator in (">", "/"):
        path = parse_category(text, separator)
        assert path is None or all(part.strip() for part in path), "an empty category"


def seeds() -> list[bytes]:
    """Titles of the patterns that rules look for."""
    return [title.encode() for title in _TITLES]
