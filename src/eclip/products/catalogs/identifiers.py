"""Barcodes and model numbers as sellers write them: normalised, checked, and refused where they prove nothing.

Check digits: GS1 General Specifications, section 7.9 (GTIN, also ISBN-13); ISO 2108 (ISBN-10).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import numpy as np

from eclip.products.catalogs.lexicon import COLOUR_OF, GENERIC_MODEL_WORDS, SIZE_OF
from eclip.products.catalogs.quantities import is_quantity
from eclip.products.catalogs.titles import TitleWords

GTIN_LENGTHS = (8, 12, 13, 14)
# A barcode under so many titles with not one word in common is a stand-in that a seller's form asked for.
UNRELATED_TITLES = 4

_MIN_MODEL_CHARS = 3
_SEPARATORS = re.compile(r"[\s\-_.·]+")
_NOT_ALNUM = re.compile(r"[\W_]+")
_ISBN10 = re.compile(r"\d{9}[\dXx]")
_EXPONENT = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+")


def check_digit(body: str) -> str:
    """The last digit of a GTIN from all others: weights 3 and 1 from the right."""
    total = sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(body)))
    return str(-total % 10)


def has_check_digit(digits: str) -> bool:
    """Whether a number of 8, 12, 13 or 14 digits ends in its check digit."""
    return len(digits) in GTIN_LENGTHS and check_digit(digits[:-1]) == digits[-1]


def normal_gtin(text: str | None) -> str | None:
    """One form for GTIN-8, -12 (UPC), -13 (EAN, ISBN-13), -14 and ISBN-10: 14 digits with leading zeros.

    None for anything that does not name one product all over the world: wrong length or check digit,
    placeholders, in-store and coupon prefixes, cases (indicator 1 to 9 of GTIN-14 is another package: it
    stays another number). A spreadsheet's lost leading zeros are put back where the check digit then fits;
    its exponents ("8.80E+12") have lost the number itself.
    """
    digits = _digits(text)
    if digits is None:
        return None
    if len(digits) in (10, 11) and has_check_digit(digits.zfill(12)):
        digits = digits.zfill(12)
    if not has_check_digit(digits) or is_placeholder_gtin(digits) or is_restricted_gtin(digits):
        return None
    return digits.zfill(14)


def _digits(text: str | None) -> str | None:
    """The digits of a barcode as written ("978-0-306-40615-7", "8801234567893.0"); ISBN-10 as its ISBN-13."""
    if not text or _EXPONENT.fullmatch(text.strip()):
        return None
    text = text.strip().removesuffix(".0")
    joined = _SEPARATORS.sub("", text)
    if _ISBN10.fullmatch(joined) and is_isbn10(joined):
        body = f"978{joined[:9]}"
        return body + check_digit(body)
    return joined if joined.isascii() and joined.isdigit() else None


def is_isbn10(text: str) -> bool:
    """Whether ten characters are an ISBN-10: weights 10 to 1, sum divisible by 11, X = 10 at the end."""
    if not _ISBN10.fullmatch(text):
        return False
    values = [10 if sign in "xX" else int(sign) for sign in text]
    return sum(value * weight for value, weight in zip(values, range(10, 0, -1), strict=True)) % 11 == 0


def is_placeholder_gtin(digits: str) -> bool:
    """Numbers that people type to get past a form, though their check digit may fit.

    All one digit, counting up or down ("1234567890128", "0123456789012"), or a company's prefix with
    nothing behind it ("8800000000006").
    """
    body = digits[:-1].lstrip("0")
    if len(body) < 3 or len(set(body)) == 1 or not body[3:].strip("0"):
        return True
    steps = {(int(b) - int(a)) % 10 for a, b in itertools.pairwise(body)}
    return steps in ({1}, {9})


def is_restricted_gtin(digits: str) -> bool:
    """In-store and coupon numbers, which every shop gives as it likes.

    GS1 prefixes 02, 04, 05 and 20 to 29 of GTIN-13 (a UPC's first digit 2, 4 or 5 behind one zero), 98 and
    99 (coupons), and GTIN-8 that begins with 0 or 2.
    """
    if len(digits) == 8:
        return digits[0] in "02"
    prefix = digits.zfill(14)[1:3]
    return prefix in ("02", "04", "05", "98", "99") or prefix[0] == "2"


def shared_by_unrelated(gtins: Sequence[str | None], words: TitleWords, brands: np.ndarray) -> set[str]:
    """Barcodes whose listings have nothing to do with each other: stand-ins with a right check digit.

    Args:
        gtins: [N] normalised, None = none.
        words: N titles.
        brands: [N] int64 brand codes, -1 = not known.

    Returns:
        Barcodes under at least `UNRELATED_TITLES` titles, no two of which share a word, of several brands.
    """
    rows_of: dict[str, list[int]] = {}
    for row, gtin in enumerate(gtins):
        if gtin is not None:
            rows_of.setdefault(gtin, []).append(row)
    out = set()
    for gtin, rows in rows_of.items():
        if len(rows) < UNRELATED_TITLES or len(set(brands[rows].tolist()) - {-1}) < 2:
            continue
        titles = {frozenset(words.row(row)) for row in rows} - {frozenset()}
        if len(titles) >= UNRELATED_TITLES and sum(map(len, titles)) == len(frozenset().union(*titles)):
            out.add(gtin)
    return out


def normal_model_number(text: str | None) -> str | None:
    """A model number as it is compared: "WH-1000XM4" = "wh 1000xm4" = "wh1000xm4"; None for generic ones.

    Generic are short ones ("1"), words without a digit ("N/A", "see description", "Black"), colours, sizes
    and quantities ("XL", "500ml"), and one digit repeated.
    """
    if not text:
        return None
    joined = _NOT_ALNUM.sub("", text.casefold())
    if len(joined) < _MIN_MODEL_CHARS or len(joined) > 40 or joined in GENERIC_MODEL_WORDS:
        return None
    if not any(sign.isdigit() for sign in joined) or len(set(joined)) == 1:
        return None
    if joined.isdigit() and len(joined) < 4:
        return None
    return None if joined in COLOUR_OF or joined in SIZE_OF or is_quantity(joined) else joined
