"""Titles as numbers: what comparing millions of them needs, the same in every process and for ever."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from eclip.products.duplicates.words import COLOURS, PIECES, STRICT, UNITS

_POINTS = 0x20000  # code points beyond are rare letters


@dataclass(frozen=True)
class TitleWords:
    """N titles by their words; a missing title has none.

    Attributes:
        words: [W] uint32 hashes of the different words of each title, sorted within it.
        starts: [N + 1] int64 where the words of each title start.
        bag: [N] uint64 of the words in any order; 0 = no word.
        numbers: [N] uint64 of its numbers with units and of its size and pack words; titles that differ in
            these never mean one offer.
        colours: [N] uint32 a bit for each colour that is named.
    """

    words: np.ndarray
    starts: np.ndarray
    bag: np.ndarray
    numbers: np.ndarray
    colours: np.ndarray

    @classmethod
    def of(cls, folded: Sequence[str | None]) -> TitleWords:
        """Read titles that were folded to lower case."""
        from eclip.products.duplicates.title_loops import find_numbers, find_words, word_sets

        data, offsets = utf8_bytes(folded)
        kinds, (known, colours, strict) = letter_kinds(), _known_words()
        words, starts = find_words(data, offsets, kinds)
        numbers = find_numbers(data, offsets, kinds, _hashes(UNITS), _hashes(PIECES))
        words, starts, bag, paints, needs = word_sets(words, starts, known, colours, strict)
        return cls(words, starts, bag, numbers + needs, paints)

    @classmethod
    def joined(cls, parts: Sequence[TitleWords]) -> TitleWords:
        """Titles of several, one after the other."""
        shifts = np.cumsum([0] + [len(part.words) for part in parts])
        starts = [part.starts[:-1] + shift for part, shift in zip(parts, shifts, strict=False)]
        columns = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)}
        return cls(**{**columns, "starts": np.concatenate([*starts, shifts[-1:]])})


def utf8_bytes(texts: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """UTF-8 bytes of N texts, and [N + 1] int64 where each starts; a missing text has none."""
    array = pa.array(texts, pa.large_string())
    if not len(array):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    _, offsets, data = array.buffers()
    places = np.frombuffer(offsets, dtype=np.int64, count=len(array) + 1)
    return np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, np.uint8), places


def text_hashes(texts: Sequence[str | None]) -> np.ndarray:
    """[N] uint64 stable hashes; 0 where the text is missing or empty."""
    from eclip.products.duplicates.title_loops import hash_texts

    data, offsets = utf8_bytes(texts)
    return np.where(np.diff(offsets) > 0, hash_texts(data, offsets), np.uint64(0))


@cache
def letter_kinds() -> np.ndarray:
    """[0x20000] uint8: what each code point is to the loops over titles."""
    from eclip.products.duplicates import title_loops as kinds

    categories = [unicodedata.category(chr(point)) for point in range(_POINTS)]
    out = np.array([kinds.LETTER if c[0] in "LMN" else kinds.SEPARATOR for c in categories], dtype=np.uint8)
    out[[i for i, c in enumerate(categories) if c == "Nd"]] = kinds.DIGIT
    out[[ord(c) for c in "'\u2019\u02bc"]] = kinds.JOINER
    out[ord(".")], out[ord(",")] = kinds.POINT, kinds.COMMA
    return out


def _known_words() -> tuple[Any, Any, Any]:
    """Sorted hashes of the words that mean something, the colour bit and the strict value of each."""
    meanings: dict[int, tuple[int, int]] = {int(h): (0, int(h)) for h in _hashes(STRICT)}
    for bit, names in enumerate(COLOURS):
        meanings |= {int(h): (1 << bit, 0) for h in _hashes(names)}
    known = sorted(meanings)
    return (
        np.array(known, dtype=np.uint64),
        np.array([meanings[h][0] for h in known], dtype=np.uint32),
        np.array([meanings[h][1] for h in known], dtype=np.uint64),
    )


def _hashes(words: Iterable[str]) -> np.ndarray:
    return np.sort(text_hashes(list(words)))
