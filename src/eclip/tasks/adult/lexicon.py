"""The rule expert: which policy terms a title holds, in which sense, and how they were written. Pure.

It needs no label and no model, so that a shop has an answer on its first day; beside fitted heads it is one more
witness. A word that another word of the title excuses ("lubricant eye drops") is no term.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from eclip.schema import POLICIES
from eclip.tasks.adult.disguises import plain, unmask
from eclip.tasks.adult.lexicon_terms import FALSE_COMPOUNDS, SENSES, TERM_GROUPS, TermGroup

_ENGLISH_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A policy term in a title."""

    term: str  # as the lexicon has it
    level: str  # one of POLICIES
    sure: bool  # decides by itself; else it only asks for a look
    disguised: bool  # it was there only for a reader, not for a filter


@dataclass(frozen=True)
class TitleReading:
    """A title as the lexicon reads it."""

    text: str  # lower case, disguises undone
    found: tuple[Found, ...]  # the strictest first: sure before unsure, in the order of POLICIES

    @property
    def disguised(self) -> bool:
        """Whether a term was written so that a filter should miss it."""
        return any(each.disguised for each in self.found)


def read_title(title: str | None, *, undo_disguises: bool = True) -> TitleReading:
    """The policy terms of a title; none for no title.

    Args:
        title: Cleaned or raw.
        undo_disguises: Also read what is spelled so that a filter should miss it.
    """
    if not title:
        return TitleReading("", ())
    simple = " ".join(title.casefold().split())
    as_written = _terms_in(simple)
    if not undo_disguises:
        return TitleReading(simple, _ordered(_found(term, group, disguised=False) for term, group in as_written))
    text = unmask(" ".join(plain(title).split()), _words(), _one_word_terms())
    read = as_written if text == simple else _terms_in(text)
    found = {
        (term, group.level): _found(term, group, disguised=(term, group) not in as_written)
        for term, group in (*read, *as_written)
    }
    return TitleReading(text, _ordered(found.values()))


def undisguised(titles: Sequence[str | None]) -> list[str | None]:
    """Titles as a text tower should see them: those that hide a term as they read, all others untouched."""
    readings = (read_title(title) for title in titles)
    return [reading.text if reading.disguised else title for title, reading in zip(titles, readings, strict=True)]


def _found(term: str, group: TermGroup, *, disguised: bool) -> Found:
    # Who hides a word means it.
    return Found(term=term, level=group.level, sure=group.sure or disguised, disguised=disguised)


def _ordered(found: Iterable[Found]) -> tuple[Found, ...]:
    return tuple(sorted(found, key=lambda each: (not each.sure, POLICIES.index(each.level), each.term)))


def _terms_in(text: str) -> list[tuple[str, TermGroup]]:
    """Terms of a lower-case text that no other word of it excuses, each once."""
    if not _may_hold_term(text):
        return []
    kept = text
    for compound in FALSE_COMPOUNDS:
        kept = kept.replace(compound, " ")
    found = []
    for group in TERM_GROUPS:
        match = _pattern(group.terms).search(kept)
        if match and not _excused(group.unless, kept):
            found.append((_name(group, match.group()), group))
    return found


def _excused(senses: tuple[str, ...], text: str) -> bool:
    return any(_sense(name).search(text) for name in senses)


def _name(group: TermGroup, written: str) -> str:
    """The term that a match stands for."""
    return next(term for term in group.terms if re.fullmatch(_expression(term), written))


def _expression(term: str) -> str:
    """A term as a pattern: English by whole words, also plural; Korean anywhere in a word, also parted by spaces."""
    if term.isascii():
        return r"\b" + r"[\W_]*".join(map(re.escape, term.split())) + r"(?:e?s)?\b"
    return r" ?".join(map(re.escape, term))


@lru_cache(maxsize=64)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the terms; the longest that fits at a place."""
    return re.compile("|".join(map(_expression, sorted(terms, key=len, reverse=True))))


def _may_hold_term(text: str) -> bool:
    """Whether a term may be there: most titles are told apart by a look at their words."""
    if not _key_words().isdisjoint(_ENGLISH_WORD.findall(text)):
        return True
    return not text.isascii() and bool(_korean_terms().search(text))


@lru_cache(maxsize=1)
def _key_words() -> frozenset[str]:
    """A word that each English term ends in, and the term written as one word."""
    keys = set()
    for term in (term for group in TERM_GROUPS for term in group.terms if term.isascii()):
        for key in (term.split()[-1], term.replace(" ", "")):
            keys |= {key, key + "s", key + "es"}
    return frozenset(keys)


@lru_cache(maxsize=1)
def _korean_terms() -> re.Pattern[str]:
    return _pattern(tuple(term for group in TERM_GROUPS for term in group.terms if not term.isascii()))


@lru_cache(maxsize=64)
def _sense(name: str) -> re.Pattern[str]:
    """A word sense; English words from their start, Korean anywhere."""
    options = SENSES[name]
    english = [option for option in options if option.isascii()]
    other = [option for option in options if not option.isascii()]
    parts = ([r"\b(?:" + "|".join(english) + ")"] if english else []) + other
    return re.compile("|".join(parts))


@lru_cache(maxsize=1)
def _words() -> frozenset[str]:
    """Every single word of an English term, also plural."""
    words = {word for group in TERM_GROUPS for term in group.terms if term.isascii() for word in term.split()}
    return frozenset(words | {word + "s" for word in words})


@lru_cache(maxsize=1)
def _one_word_terms() -> frozenset[str]:
    """Every term without its spaces."""
    return frozenset(term.replace(" ", "") for group in TERM_GROUPS for term in group.terms)
