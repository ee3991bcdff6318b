"""Title rules that look at words: repeated words, repeated punctuation, capitals."""

from __future__ import annotations

import re
from collections.abc import Sequence

_REPEATED_MARK = re.compile(r"([!?~*=_|;:^])\1+")
_DOTS = re.compile(r"\.{2,}|,{2,}")
_DASHES = re.compile(r"(?<!\S)-{2,}(?!\S)|(?<=\w)-{2,}(?=\w)")
_EMPTY_BRACKETS = re.compile(r"[(\[{【<][\s!?.,:;~*_|/•]*[)\]}】>]")  # not "(+)" and "(-)"
_EMPTY_QUOTES = re.compile(r'(?<!\S)"\s*"(?!\S)')
_DOUBLED_SEPARATOR = re.compile(r"(?<!\S)([-/|~,&+])(?:\s+\1)+(?!\S)")
# Words of nothing but such marks at either end, and marks that hang on the first or the last word.
_LEADING_MARKS = re.compile(r"^(?:[-!?~*=_|;:.,/^•·<>\\]+\s+)+|^[!~=_|;:,]+")
_TRAILING_MARKS = re.compile(r"(?:\s+[-#!?~*=_|;:.,/^•·<>\\]+)+$|[~=_|;:,]+$")

_MAX_REPEATED_WORDS = 6
_REPEATED_LETTERS = 5  # "Cha Cha Cha" and "Ting Ting Ting" are names
_PLAIN_WORD = re.compile(r"[^\W_](?:[\w.&'+-]*[^\W_])?")
_LETTER = re.compile(r"[^\W\d_]")
_MODEL_NUMBER = re.compile(r"(?=.*[^\W\d_])(?=.*\d)[\w./-]{5,}")
_MEASURE = re.compile(r"\d[\d.,]*[^\W\d_]{1,3}[.,]?")

_FOLDED_WORDS = 2  # a title is folded if it has so many ordinary words: "LEGO 3-IN-1 SET" stays
# Four letters and more: shorter ones are sizes, codes and acronyms as often as words. No part of a code ("AB-1200").
_LONG_WORD = re.compile(r"(?<![\w&+.])(?<!\d-)[^\W\d_]{4,}(?:'S)?(?![\w&+]|\.\w|-\w*\d)")
_FIRST_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_WITH_DIGIT = re.compile(r"\S*\d\S*|(?<!\S)x(?!\S)")
_VOWEL = re.compile(r"[AEIOUYÀ-ÿ]")
_SMALL = (
    "AND FIT FOR THE WITH OF IN ON TO BY OR AT BAG BOX BRA CAP CUP GEL HAT KIT LIP MAT MEN MUG NEW OIL OLD PAD PEN "
    "PET POT RED RUG SET SKY SOY TEA TIE TIN TOP TOY DAN DARI ISI TAS ANAK"
)
_KEPT = (
    "HDMI WIFI HEPA SATA NVME OLED QLED AMOLED RGBW XXXL XXXXL SODIMM BPOM ISBN ANSI ASTM IEEE NASA FIFA UEFA NCAA "
    "NAACP KPOP UTBK EVOO VIII XIII XVII ASMR PCIE RAID WLAN UEFI VESA BNIB"
)
_SMALL_WORDS, _ACRONYMS = frozenset(_SMALL.split()), frozenset(_KEPT.split())


def drop_repeated_words(text: str) -> str:
    """Repetitions in a row are said once: three or more of a word, two of a model number or of a longer phrase.

    Two of an ordinary word stay ("Peri Peri", "Ylang Ylang", "Cara Cara" are names), and so do short words
    ("Cha Cha Cha") and measures ("8 x 8 x", "16 mp 16 mp").
    """
    words = text.split()
    folded = [word.casefold() for word in words]
    if len(set(folded)) == len(folded):
        return text
    start, changed = 0, False
    while start < len(folded):
        for size in range(min(_MAX_REPEATED_WORDS, (len(folded) - start) // 2), 0, -1):
            times = _times_repeated(folded, start, size)
            if times > 1 and _says_nothing_new(folded[start : start + size], times):
                del words[start + size : start + size * times], folded[start + size : start + size * times]
                changed = True
                break
        else:
            start += 1
    return " ".join(words) if changed else text


def _times_repeated(words: Sequence[str], start: int, size: int) -> int:
    """How often the `size` words from `start` stand there in a row."""
    phrase, times = words[start : start + size], 1
    while words[start + size * times : start + size * (times + 1)] == phrase:
        times += 1
    return times


def _says_nothing_new(phrase: Sequence[str], times: int) -> bool:
    """Whether a repetition is noise; lists ("Coin Bag / Key Bag / Key Ring", "S9 11 Pro S9 11 Pro Max") are none."""
    if len(phrase) == 1:
        word = phrase[0]
        if _MODEL_NUMBER.fullmatch(word) and not _MEASURE.fullmatch(word):
            return True
        return times > 2 and len(_LETTER.findall(word)) >= _REPEATED_LETTERS
    telling = any(len(word) >= 4 and _LETTER.search(word) for word in phrase)
    plain = all(_PLAIN_WORD.fullmatch(word) and not word.isdigit() for word in phrase)
    return plain and telling and len(set(phrase)) > 1 and sum(map(len, phrase)) >= 9


def tidy_punctuation(text: str) -> str:
    """Repeated marks once, no dots in a row, no empty brackets, no loose marks at the ends ("!!! Shirt ~")."""
    text = _REPEATED_MARK.sub(r"\1", text)
    if ".." in text or ",," in text:
        text = _DOTS.sub(" ", text)
    if "--" in text:
        text = _DASHES.sub(" - ", text)
    if "(" in text or "[" in text or "{" in text or "【" in text or "<" in text:
        text = _EMPTY_BRACKETS.sub(" ", text)
    if '"' in text:
        text = _EMPTY_QUOTES.sub(" ", text)
    text = _DOUBLED_SEPARATOR.sub(r"\1", text)
    return _TRAILING_MARKS.sub("", _LEADING_MARKS.sub("", text.strip())).strip()


def fold_capitals(text: str, *, kept: frozenset[str] = frozenset()) -> str:
    """A title wholly in capitals gets words like "Leather"; codes, acronyms and words up to three letters stay.

    Only Latin titles, and only with two ordinary words or more: "NIKE 에어맥스" and "LEGO 76240" stay.

    Args:
        text: The title.
        kept: Words in capitals that the feed writes so in titles of mixed case too (brands, acronyms).
    """
    first = _FIRST_LONG_WORD.search(text)
    if first is None or not first.group().isupper() or not _is_wholly_capital(text):
        return text
    words = [found.group() for found in _LONG_WORD.finditer(text)]
    if sum(_is_ordinary(word, kept) for word in words) < _FOLDED_WORDS:
        return text
    text = _LONG_WORD.sub(lambda found: _capitalized(found.group(), kept), text)
    return " ".join(word.capitalize() if word in _SMALL_WORDS else word for word in text.split(" "))


def _is_wholly_capital(text: str) -> bool:
    """Whether all letters are capitals; measures and codes ("500ml") aside. False with a script that has none."""
    letters = [letter for letter in _WITH_DIGIT.sub("", text) if letter.isalpha()]
    return bool(letters) and all(letter.isupper() for letter in letters)


def _is_ordinary(word: str, kept: frozenset[str]) -> bool:
    return word not in kept and word not in _ACRONYMS and _VOWEL.search(word) is not None


def _capitalized(word: str, kept: frozenset[str]) -> str:
    return word.capitalize() if _is_ordinary(word, kept) else word
