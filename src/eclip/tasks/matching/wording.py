"""Words, numbers and codes of a text, as pairs of listings are compared by them."""

from __future__ import annotations

import re
import unicodedata

from eclip.products.catalogs.modelnumbers import looks_like_model_number
from eclip.products.catalogs.quantities import is_quantity

_ACCENTS = {
    code: base
    for code in range(0xC0, 0x250)
    if (base := "".join(c for c in unicodedata.normalize("NFKD", chr(code)) if c.isascii())) and base.isalpha()
}
_LANGUAGE = re.compile(r'(?<=["”])@[a-z]{2,3}(?:-[a-z]{2,4})?\b')  # "..."@en of crawled pages
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))")
_THOUSANDS_COMMA = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_WORD = re.compile(r"(?<![^\W_])\d+\.\d+(?![^\W_])|[^\W_]+")
_PIECE = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
_TRAILING_ZEROS = re.compile(r"\.0+$")
_DIGIT = re.compile(r"\d")
_CODE_PARTS = re.compile(r"[a-z0-9]+(?:[-./][a-z0-9]+)*")
_MIN_CODE_CHARS = 4


def normal_text(text: str | None) -> str:
    """A text as it is compared: casefolded, Latin letters without accents, decimal points, no language marks."""
    if not text:
        return ""
    folded = _LANGUAGE.sub(" ", text.casefold().translate(_ACCENTS))
    return _DECIMAL_COMMA.sub(".", _THOUSANDS_COMMA.sub("", folded))


def words_of(text: str) -> list[str]:
    """Words and decimal numbers of a normal text: "lamp 4.5in 660" = lamp, 4, 5in, 660."""
    return _WORD.findall(text)


def pieces_of(text: str) -> list[str]:
    """Runs of letters and numbers, so that "8gb" and "8 gb" are the same: 8, gb."""
    return [_TRAILING_ZEROS.sub("", piece) for piece in _PIECE.findall(text)]


def has_digit(word: str) -> bool:
    """Whether a word holds a digit."""
    return bool(_DIGIT.search(word))


def is_code(word: str) -> bool:
    """Whether a word of letters and digits may be a model number or part number; quantities are none."""
    if len(word) < _MIN_CODE_CHARS or not has_digit(word) or is_quantity(word):
        return False
    return looks_like_model_number(word) or len(word) > _MIN_CODE_CHARS or not word.isdigit()


def codes_of(text: str) -> set[str]:
    """Codes of a normal text, with hyphens, points and slashes inside taken out ("ux-29f" = ux29f)."""
    found = set()
    for token in _CODE_PARTS.findall(text):
        joined = token.replace("-", "").replace(".", "").replace("/", "")
        found |= {word for word in (joined, *re.split(r"[-./]", token)) if is_code(word)}
    return found
