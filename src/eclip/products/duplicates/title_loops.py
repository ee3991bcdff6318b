"""The inner loops over titles: words, numbers and colours of each, as 64-bit and 32-bit hashes."""

from __future__ import annotations

from typing import Any

import numpy as np

from eclip.products.duplicates.compiled import compiled

SEPARATOR, LETTER, DIGIT, JOINER, POINT, COMMA = 0, 1, 2, 3, 4, 5

_PRIME = np.uint64(0x100000001B3)
_BASIS = np.uint64(0xCBF29CE484222325)


@compiled
def mixed(word: np.uint64) -> np.uint64:
    """Every bit of the result depends on every bit given (the finaliser of MurmurHash3)."""
    word ^= word >> np.uint64(33)
    word *= np.uint64(0xFF51AFD7ED558CCD)
    word ^= word >> np.uint64(33)
    word *= np.uint64(0xC4CEB9FE1A85EC53)
    return word ^ (word >> np.uint64(33))


@compiled
def hash_texts(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[N] uint64 of N texts' bytes: FNV-1a, mixed. Never 0, which stands for a missing text."""
    out = np.empty(len(offsets) - 1, dtype=np.uint64)
    for row in range(len(out)):
        word = _BASIS
        for i in range(offsets[row], offsets[row + 1]):
            word = (word ^ np.uint64(data[i])) * _PRIME
        word = mixed(word)
        out[row] = word if word else np.uint64(1)
    return out


@compiled
def decode_letter(data: np.ndarray, i: int) -> tuple[Any, int]:
    """The code point that starts at byte i of valid UTF-8, and where the next one starts."""
    byte = np.int64(data[i])
    if byte < 0x80:
        return byte, i + 1
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | (np.int64(data[i + 1]) & 0x3F), i + 2
    tail = (np.int64(data[i + 1]) & 0x3F) << 6 | (np.int64(data[i + 2]) & 0x3F)
    if byte < 0xF0:
        return (byte & 0x0F) << 12 | tail, i + 3
    return (byte & 0x07) << 18 | tail << 6 | (np.int64(data[i + 3]) & 0x3F), i + 4


@compiled
def find_words(data: np.ndarray, offsets: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Words of N texts: [W] uint64 hashes in order, and [N + 1] where each text's start.

    A word is a run of letters or one of digits, so that "500ml" and "500 ml" agree; a joiner (apostrophe) within
    it is passed over.

    Args:
        data: UTF-8 bytes of all texts.
        offsets: [N + 1] where each text starts.
        kinds: [0x20000] kind of each code point; higher ones are letters.
    """
    out = np.empty(len(data) + 1, dtype=np.uint64)
    starts = np.zeros(len(offsets), dtype=np.int64)
    found = 0
    for row in range(len(offsets) - 1):
        word, i = _BASIS, offsets[row]
        inside: Any = SEPARATOR
        while i < offsets[row + 1]:
            point, after = decode_letter(data, i)
            kind = np.int64(kinds[point]) if point < len(kinds) else LETTER
            if inside and kind != inside and kind != JOINER:
                out[found] = mixed(word)
                found += 1
                word, inside = _BASIS, SEPARATOR
            if kind in (LETTER, DIGIT):
                inside = kind
                for k in range(i, after):
                    word = (word ^ np.uint64(data[k])) * _PRIME
            i = after
        if inside:
            out[found] = mixed(word)
            found += 1
        starts[row + 1] = found
    return out[:found].copy(), starts


@compiled
def _read_number(data: np.ndarray, i: int, end: int, kinds: np.ndarray) -> tuple[np.uint64, int]:
    """Hash of the number that starts at byte i, and where it ends."""
    word = _BASIS
    while i < end:
        point, after = decode_letter(data, i)
        kind = np.int64(kinds[point]) if point < len(kinds) else LETTER
        if kind == DIGIT:
            for k in range(i, after):
                word = (word ^ np.uint64(data[k])) * _PRIME
        elif kind in (POINT, COMMA) and after < end and 0x30 <= data[after] <= 0x39:
            word = (word ^ np.uint64(0x2E)) * _PRIME
        else:
            break
        i = after
    return word, i


@compiled
def _read_letters(data: np.ndarray, i: int, end: int, kinds: np.ndarray) -> tuple[np.uint64, int]:
    """Hash of the run of letters that starts at byte i, as `hash_texts` gives it, and where it ends."""
    word = _BASIS
    while i < end:
        point, after = decode_letter(data, i)
        if point < len(kinds) and kinds[point] != LETTER:
            break
        for k in range(i, after):
            word = (word ^ np.uint64(data[k])) * _PRIME
        i = after
    return mixed(word), i


@compiled
def find_numbers(
    data: np.ndarray, offsets: np.ndarray, kinds: np.ndarray, units: np.ndarray, pieces: np.ndarray
) -> np.ndarray:
    """[N] uint64: the numbers of each text with their units, in any order; 0 = none.

    A number is digits, with points or commas between them. The letters after it, at most one space
    away, count where they are one of the units; "one piece" is no number.

    Args:
        data: UTF-8 bytes of all texts.
        offsets: [N + 1] where each text starts.
        kinds: As in `find_words`.
        units: Sorted uint64 hashes of units.
        pieces: Sorted uint64 hashes of the units that mean a piece.
    """
    out = np.zeros(len(offsets) - 1, dtype=np.uint64)
    for row in range(len(out)):
        i, end = offsets[row], offsets[row + 1]
        total = np.uint64(0)
        while i < end:
            point, after = decode_letter(data, i)
            if point >= len(kinds) or kinds[point] != DIGIT:
                i = after
                continue
            word, after = _read_number(data, i, end, kinds)
            one = data[i] == 0x31 and after == i + 1
            unit, i = _read_letters(data, after + (after < end and data[after] == 0x20), end, kinds)
            if one and _contains(pieces, unit):
                continue
            if _contains(units, unit):
                word ^= mixed(unit + np.uint64(1))
            else:
                i = after
            total += mixed(word)
        out[row] = total
    return out


@compiled
def _contains(sorted_words: np.ndarray, word: np.uint64) -> Any:
    place = np.searchsorted(sorted_words, word)
    return place < len(sorted_words) and sorted_words[place] == word


@compiled
def word_sets(
    words: np.ndarray, starts: np.ndarray, known: np.ndarray, colours: np.ndarray, strict: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of each text: its different words, sorted; their sum; its colours; its strict words.

    Args:
        words: [W] uint64 of `find_words`.
        starts: [N + 1].
        known: [V] sorted uint64 hashes of words that mean something here.
        colours: [V] uint32 one bit for the colour it names; 0 = none.
        strict: [V] uint64 what two titles must have in common if either has it (a size); 0 = nothing.

    Returns:
        Words [W'] uint32, starts [N + 1], sums [N] uint64 (0 = no word), colours [N] uint32, strict [N] uint64.
    """
    num = len(starts) - 1
    out, places = np.empty(len(words), dtype=np.uint32), np.zeros(num + 1, dtype=np.int64)
    sums, paints, needs = np.zeros(num, np.uint64), np.zeros(num, np.uint32), np.zeros(num, np.uint64)
    found = 0
    for row in range(num):
        last = np.uint64(0)
        for word in np.sort(words[starts[row] : starts[row + 1]]):
            if word == last:
                continue
            last = word
            out[found] = np.uint32(word >> np.uint64(32))  # the high half: still in order
            found += 1
            sums[row] += mixed(word)
            place = np.searchsorted(known, word)
            if place < len(known) and known[place] == word:
                paints[row] |= colours[place]
                needs[row] += strict[place]
        places[row + 1] = found
    return out[:found].copy(), places, sums, paints, needs


@compiled
def mix(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """[N] uint64 of two columns together; the order of the two counts."""
    out = np.empty(len(one), dtype=np.uint64)
    for row in range(len(one)):
        out[row] = mixed(mixed(one[row] + np.uint64(0x9E3779B97F4A7C15)) ^ two[row])
    return out
