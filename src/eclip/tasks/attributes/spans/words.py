"""Titles as words, and values found in them.

A word is a run of letters and digits of one kind of script (so that a Korean brand parts from the Latin model
code behind it) or one sign; an apostrophe stays inside its word ("Men's" has no size S). Words keep their places
in the title, so that an answer is the title's own text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
WORD = re.compile(rf"[{HANGUL}]+|[^\W_{HANGUL}]+(?:['’][^\W_{HANGUL}]+)?|[^\s]")
MAX_WORDS = 64  # of a title; what comes later is not read


@dataclass(frozen=True)
class Words:
    """The words of one title."""

    texts: tuple[str, ...]  # as they stand
    keys: tuple[str, ...]  # normalised for comparing; "" for a sign
    starts: tuple[int, ...]  # places of their first letters in the title
    ends: tuple[int, ...]  # and after their last ones

    def __len__(self) -> int:
        return len(self.texts)


def split_words(title: str) -> Words:
    """The words of a title, the first `MAX_WORDS`."""
    found = list(WORD.finditer(title))[:MAX_WORDS]
    texts = tuple(match.group() for match in found)
    return Words(
        texts=texts,
        keys=tuple(word_key(text) for text in texts),
        starts=tuple(match.start() for match in found),
        ends=tuple(match.end() for match in found),
    )


def word_key(text: str) -> str:
    """A word as it is compared: compatibility forms (NFKC) and case folded; "" for a sign."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded if any(letter.isalnum() for letter in folded) else ""


def value_keys(value: str) -> tuple[str, ...]:
    """The words of a value as they are compared, signs left out."""
    return tuple(key for key in split_words(value).keys if key)


def find_value(words: Words, keys: Sequence[str]) -> list[tuple[int, int]]:
    """Where a value stands among the words: (first, last + 1) of each place, from left to right, without overlap.

    Signs between words do not count: "EV-6634" stands in "EV 6634".

    Args:
        words: Of the title.
        keys: Of the value, by `value_keys`; none are found nowhere.
    """
    if not keys:
        return []
    places = [place for place, key in enumerate(words.keys) if key]
    spoken = [words.keys[place] for place in places]
    found, start = [], 0
    while start + len(keys) <= len(spoken):
        if tuple(spoken[start : start + len(keys)]) == tuple(keys):
            found.append((places[start], places[start + len(keys) - 1] + 1))
            start += len(keys)
        else:
            start += 1
    return found
