"""Titles as a person reads them, however their letters were hidden from a filter. Pure.

Sellers who list what they may not write "a d u l t", "s3x", Latin words with Cyrillic letters in them, letters that
can't be seen, or Korean syllables taken apart. `plain` undoes what needs no vocabulary; `unmask` reads single
words that are odd in themselves (digits for letters, marks inside) and keeps a reading only where it is a word of a
given vocabulary, so that "iPhone 4S" and "H-4B" stay what they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator

from eclip.products.clean import remove_invisible

# Lower-case letters of other scripts that look like a Latin one, Cyrillic, Greek, Armenian, phonetic.
_LOOK_ALIKES = str.maketrans(
    "авеёіїјкмнорстухѕԁԛԝһӏ" + "αβγεικνορτυχωσ" + "օսոցհ" + "ɑɡʟᴀᴅᴛᴜıłøđ",
    "abeeiijkmhopctyxsdqwhl" + "abyeikvoptuxwo" + "ounqh" + "agladtuilod",
)
_LATIN = re.compile(r"[a-z]")
_OTHER_ALPHABET = re.compile(r"[ɐ-ʯͰ-ϿЀ-ԯ԰-֏ᴀ-ᴿıłøđ]")
_WORD = re.compile(r"\S+")
_ACCENT = re.compile(r"(?<=[a-z])[\u0300-\u036f]+")

# Korean: after NFKC a letter that stands alone is of the conjoining block, a consonant in its leading form.
_STRAY = re.compile(r"[\u1100-\u11ff]")
_BETWEEN_STRAYS = re.compile(r"(?<=[\u1100-\u11ff])[ .\-_*·~]+(?=[\u1100-\u11ff])")
_OPEN_SYLLABLE = re.compile(r"([\uac00-\ud7a3])([\u1100-\u1112])(?![\u1161-\u1175])")
_FIRST_SYLLABLE, _NUM_FINALS = 0xAC00, 28
_FINALS = {
    lead: final for final, lead in enumerate("ᄀᄁ ᄂ  ᄃᄅ       ᄆᄇ ᄉᄊᄋᄌᄎᄏᄐᄑᄒ", start=1) if lead != " "
}

# Single letters, three or more in a row, with one and the same kind of mark between them.
_SPACED = re.compile(r"(?<![^\W_])[^\W\d_](?:([ .\-_*·~|/])[^\W_])(?:\1[^\W_])+(?![^\W_])")
_MARKS = re.compile(r"[^\w\s]|_")
_EDGES = ".,;:()[]{}\"'"
_LEET = (
    str.maketrans("01345789@$!|+€", "oieastbgasiite"),
    str.maketrans("01345789@$!|+€", "oleastbgasllte"),  # "1" and "|" may be either letter
)
_LEET_CHARACTER = re.compile(r"[01345789@$!|+€]")
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")
# A digit or mark inside a word, or a letter three times: most titles have none.
_ODD = re.compile(r"[^\W\d_][^\s\w]*[\d@$!|+€]|[\d@$!|+€][^\W\d_]|[^\W\d_](?:[^\w\s]|_)+[^\W\d_]|([^\W\d_])\1\1")
_NO_LETTER = re.compile(r"[^가-힣]+")
MIN_MASKED_LETTERS = 4  # of a word that is read from digits: "ip4" is no "ipa"
SHORT_MASKED = frozenset({"sex", "toy"})  # worth the risk


def plain(title: str) -> str:
    """A title in lower case without accents, look-alike letters, invisible ones, and letters spaced apart."""
    if title.isascii():
        return _SPACED.sub(_joined, title.lower())
    text = unicodedata.normalize("NFKC", remove_invisible(title)).casefold()
    text = _without_accents(text)
    if _OTHER_ALPHABET.search(text):
        text = _WORD.sub(_in_latin, text)
    if _STRAY.search(text):
        text = _WORD.sub(_with_finals, unicodedata.normalize("NFC", _BETWEEN_STRAYS.sub("", text)))
    return _SPACED.sub(_joined, text)


def unmask(text: str, vocabulary: Collection[str], phrases: Collection[str] = ()) -> str:
    """Words of a `plain` title read through digits and marks, where that gives a known word.

    Args:
        text: As `plain` gives it.
        vocabulary: Words, lower case; a masked one becomes exactly one of them.
        phrases: Korean terms of three or more syllables: looked for inside a word, as compounds are written.

    Returns:
        The title itself where no word was masked.
    """
    if not _ODD.search(text):
        return text

    def read(found: re.Match[str]) -> str:
        word = found.group()
        if word.isalpha() and not _DRAWN_OUT.search(word):
            return word
        for reading in _readings(word):
            long_enough = len(reading) >= MIN_MASKED_LETTERS or reading in SHORT_MASKED
            if long_enough and reading in vocabulary:
                return reading
        letters = _NO_LETTER.sub("", word)
        hidden = letters != word and any(phrase in letters and phrase not in word for phrase in phrases)
        return letters if hidden else word

    return _WORD.sub(read, text)


def _readings(word: str) -> Iterator[str]:
    """What a word may stand for: marks out, digits for letters, drawn-out letters once."""
    core = word.strip(_EDGES)
    if not any(letter.isalpha() for letter in core):
        return
    bare = _MARKS.sub("", core)
    yield bare
    if _LEET_CHARACTER.search(core):
        for table in _LEET:
            yield _MARKS.sub("", core.translate(table))
    for candidate in (bare, *(_MARKS.sub("", core.translate(table)) for table in _LEET)):
        yield _DRAWN_OUT.sub(r"\1", candidate)


def _without_accents(text: str) -> str:
    """Accents over Latin letters go; Hangul, kana and others keep their marks."""
    return unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", text)))


def _in_latin(found: re.Match[str]) -> str:
    """A word of mixed alphabets, or one whose every letter looks Latin, in Latin letters; others as they are."""
    word = found.group()
    latin = word.translate(_LOOK_ALIKES)
    mixed = _LATIN.search(word) and _OTHER_ALPHABET.search(word)
    return latin if mixed or not _OTHER_ALPHABET.search(latin) else word


def _with_finals(found: re.Match[str]) -> str:
    """A Korean word whose loose consonants close the syllables before them; as it was where some are left over."""
    word = found.group()
    closed = _OPEN_SYLLABLE.sub(_closed, word)
    return word if _STRAY.search(closed) else closed


def _closed(found: re.Match[str]) -> str:
    syllable, consonant = found.groups()
    code = ord(syllable) - _FIRST_SYLLABLE
    if code % _NUM_FINALS or consonant not in _FINALS:
        return found.group()
    return chr(_FIRST_SYLLABLE + code + _FINALS[consonant])


def _joined(found: re.Match[str]) -> str:
    """Letters spaced apart as one word; mere digits ("1 2 3") stay."""
    text = found.group()
    joined = text.replace(found.group(1), "")
    return joined if sum(letter.isalpha() for letter in joined) >= 2 else text
