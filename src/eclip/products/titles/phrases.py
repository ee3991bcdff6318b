"""Promotion and delivery phrases as data, and the matcher that takes them out of titles.

A title with none of the phrases' words costs one set look-up; patterns run only where such a word stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[^\W\d_]+|\d+")
_OPEN, _CLOSE = "[({【〔《<「『", "])}】〕》>」』"
_STARS = "★☆♥♡❤✨⭐🔥⚡💥■●◆▶◀♣※*~\ufe0f"
_GROUP = re.compile(rf"[{re.escape(_OPEN)}]\s*([^{re.escape(_OPEN + _CLOSE)}]{{1,60}}?)\s*[{re.escape(_CLOSE)}]")
_STARRED = re.compile(rf"[{_STARS}]+\s*([^{_STARS}{re.escape(_OPEN + _CLOSE)}]{{1,60}}?)\s*[{_STARS}]+")
# A phrase is no part of a longer word, code or compound: not "pre-sale", "sale's", "1+1+1".
_BEFORE = r"(?<![\w&'+%-])(?<!\d[.,])"
_AFTER = r"(?![\w&'+%]|-\w|[.,]\d)"
_BETWEEN = r"[\s,.!&+/|:*~_-]*"
_LOOSE = "!?~*:|,./+_–—-"  # marks that may stand before a phrase at the start
_NUMBER = r"\d+(?:[.,]\d+)*"
_DATE = r"\d{1,2}\.\d{1,2}[\s-]*"  # "11.11 SALE", "PROMO 12.12"
_SALE_DAY = r"(?:(?<!\S)(?P<day>\d{1,2})\.(?P=day)[\s-]+)?"  # outside brackets "10.5" before a phrase is a size
_ANYTHING = "…"
_LETTER = re.compile(r"[^\W\d_]")
_CASE = re.IGNORECASE


@dataclass(frozen=True, kw_only=True)
class PhraseList:
    """Phrases of one language, by where they prove to be promotion.

    Notation: `#` is a number, `…` anything within the same brackets, a space any or no white space or hyphen
    (so "best seller" is also "bestseller" and "best-seller"). A phrase with capitals is matched in capitals
    only ("COD" is cash on delivery, "cod" a fish); all others in any case.
    """

    anywhere: tuple[str, ...] = ()
    """Mean nothing else: taken out wherever they stand."""
    edges: tuple[str, ...] = ()
    """Taken out as the first or the last words of a title."""
    starts: tuple[str, ...] = ()
    """Taken out as the first words only."""
    ends: tuple[str, ...] = ()
    """Taken out as the last words only."""
    marked: tuple[str, ...] = ()
    """Words of products too: taken out in brackets or between stars, or with "!" at an edge: "[NEW]", "HOT!!"."""
    not_before: tuple[str, ...] = ()
    """Words that make the phrase before them a product's: "Sale sign", "무료배송 스티커"."""
    meanings: tuple[str, ...] = ()
    """Expressions in which a phrase's words mean something else: "sale marino" is salt, a "yard sale" none."""


def joined(lists: Sequence[PhraseList]) -> PhraseList:
    """All phrases of several lists as one."""
    parts = {
        name: tuple(dict.fromkeys(phrase for each in lists for phrase in getattr(each, name)))
        for name in PhraseList.__dataclass_fields__
    }
    return PhraseList(**parts)


class PhraseMatcher:
    """Takes the phrases of a list out of titles."""

    def __init__(self, phrases: PhraseList) -> None:
        starts, ends = phrases.edges + phrases.starts, phrases.edges + phrases.ends
        everything = phrases.anywhere + starts + ends + phrases.marked
        self._triggers = frozenset(word for phrase in everything for word in _triggers(phrase))
        endings = [phrase.removeprefix(_ANYTHING).strip() for phrase in everything if phrase.startswith(_ANYTHING)]
        self._endings = re.compile(_any_of(endings)) if endings else None
        later = rf"(?!\s+(?:{_any_of(phrases.not_before)})(?!\w))" if phrases.not_before else ""
        any_phrase = _any_pattern(everything, ())
        self._whole = re.compile(rf"{_BETWEEN}(?:(?:{_DATE})?{any_phrase}{_AFTER}{_BETWEEN}(?:{_DATE})?)+", _CASE)

        def at(names: Sequence[str], before: str, after: str) -> re.Pattern[str] | None:
            plain = [name for name in names if not name.startswith(_ANYTHING)]
            pattern = f"{before}{_BEFORE}{_any_pattern(plain, phrases.meanings)}{_AFTER}{after}"
            return re.compile(pattern, _CASE) if plain else None

        patterns = (
            at(phrases.anywhere, _SALE_DAY, rf"{later}\s*[!~*]*"),
            at(phrases.marked, rf"^[\s{_LOOSE}]*", rf"\s?[!{_STARS}]+{later}\s*"),
            at(phrases.marked, rf"(?<!\S)[{_STARS}!]*", rf"\s?[!{_STARS}]+\s*$"),
            at(starts, rf"^[\s{_LOOSE}]*", rf"{later}\s*[!~*:|,]*\s*[-/]*\s*"),
            at(ends, r"(?:(?<=\s)[\s/|:,~+&#-]*|[/|:,~&]\s*)", r"[\s!~*.:|,-]*$"),
        )
        self._patterns = [pattern for pattern in patterns if pattern is not None]

    def remove(self, text: str) -> str:
        """The title without the phrases; one that would leave no word of the title stays."""
        if self._triggers.isdisjoint(_WORD.findall(text.casefold())) and not self._has_ending(text):
            return text
        for pattern in (_GROUP, _STARRED):
            text = _if_words_stay(pattern.sub(self._without_group, text), text)
        for pattern in self._patterns:
            text = _if_words_stay(pattern.sub(" ", text), text)
        return " ".join(text.split())

    def _has_ending(self, text: str) -> bool:
        return self._endings is not None and not text.isascii() and self._endings.search(text) is not None

    def _without_group(self, found: re.Match[str]) -> str:
        return " " if self._whole.fullmatch(found.group(1)) else found.group()


def _if_words_stay(changed: str, text: str) -> str:
    return changed if changed == text or _LETTER.search(changed) else text


def _any_of(words: Sequence[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _any_pattern(phrases: Sequence[str], meanings: Sequence[str]) -> str:
    longest_first = sorted(dict.fromkeys(phrases), key=len, reverse=True)
    return "(?:" + "|".join(_pattern(phrase, meanings) for phrase in longest_first) + ")"


def _pattern(phrase: str, meanings: Sequence[str]) -> str:
    """A phrase of `PhraseList`'s notation as a regular expression, guarded against its other meanings."""
    pieces = []
    for word in phrase.split(" "):
        piece = re.escape(word).replace(r"\#", _NUMBER).replace(_ANYTHING, rf"[^{re.escape(_OPEN + _CLOSE)}]{{1,20}}?")
        pieces.append(piece.replace("%", r"\s?%").replace(r"\+", r"\s?\+\s?"))
    pattern = r"[\s_-]{0,2}".join(pieces)
    for meaning in meanings:
        if meaning.startswith(f"{phrase} "):
            pattern += rf"(?!\s+{re.escape(meaning.removeprefix(phrase).strip())}(?!\w))"
        if meaning.endswith(f" {phrase}"):
            pattern = rf"(?<!\b{re.escape(meaning.removesuffix(phrase))})" + pattern
    return f"(?-i:{pattern})" if phrase != phrase.lower() else pattern


def _triggers(phrase: str) -> list[str]:
    """Words of which one stands in every title with the phrase: its longest, alone and joined to its neighbours."""
    words = _WORD.findall(phrase.casefold())
    if not words or phrase.startswith(_ANYTHING):
        return []
    longest = max(range(len(words)), key=lambda index: len(words[index]))
    return ["".join(words[start:end]) for start in range(longest + 1) for end in range(longest + 1, len(words) + 1)]
