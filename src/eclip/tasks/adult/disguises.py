"""Titles as a person reads them, however their letters were hidden from a filter. Pure.

Sellers who list what they may not write "a d u l t", "s3x", Latin words with Cyrillic letters in them, letters that
can't be seen, or Korean syllables taken apart. `plain` undoes what needs no vocabulary; `unmask` reads letters
spaced apart and words that are odd in themselves (digits for letters, marks inside), and keeps a reading only where it
is one of the given terms, so that "iPhone 4S", "H-4B" and "U S B" stay what they are.
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
_NO_HANGUL = re.compile(r"[^가-힣]+")
MIN_MASKED_LETTERS = 4  # of a word that is read from digits: "ip4" is no "ipa"
SHORT_MASKED = frozenset({"sex", "toy"})
MIN_HIDDEN_LETTERS, MIN_HIDDEN_SYLLABLES = 5, 3  # of a term inside a longer run or word


def plain(title: str) -> str:
    """A title in lower case without accents, invisible and look-alike letters; Korean letters in syllables."""
    if title.isascii():
        return title.lower()
    text = unicodedata.normalize("NFKC", remove_invisible(title)).casefold()
    text = _without_accents(text)
    if _OTHER_ALPHABET.search(text):
        text = _WORD.sub(_in_latin, text)
    if _STRAY.search(text):
        text = _WORD.sub(_with_finals, unicodedata.normalize("NFC", _BETWEEN_STRAYS.sub("", text)))
    return text


def unmask(text: str, words: Collection[str], terms: Collection[str]) -> str:
    """Masked words of a `plain` title as they read, where that gives a known word; everything else as it is.

    Args:
        text: As `plain` gives it.
        words: Lower case; a word with digits or marks in it becomes exactly one of them.
        terms: Written as one word; looked for in letters spaced apart, and Korean ones inside masked words, as
            compounds are written.
    """
    text = _SPACED.sub(lambda found: _joined(found, terms), text)
    return _WORD.sub(lambda found: _read(found.group(), words, terms), text) if _ODD.search(text) else text


def _joined(found: re.Match[str], terms: Collection[str]) -> str:
    """Letters spaced apart as one word, where a term is in it."""
    run = found.group()
    joined = run.replace(found.group(1), "")
    if joined in terms or joined.removesuffix("s") in terms:
        return joined
    hidden = [term for term in terms if term in joined and _is_long(term)]
    # Sets have another order in each process: the longest term is parted off, of equals the first by name.
    longest = min(hidden, key=lambda term: (-len(term), term), default=None)
    return " ".join(joined.replace(longest, f" {longest} ").split()) if longest else run


def _is_long(term: str) -> bool:
    """Whether a term is so long that a longer run does not hold it by chance: "essex" hides none."""
    return len(term) >= (MIN_HIDDEN_LETTERS if term.isascii() else MIN_HIDDEN_SYLLABLES)


def _read(word: str, words: Collection[str], terms: Collection[str]) -> str:
    """One word as it reads."""
    if word.isalpha() and not _DRAWN_OUT.search(word):
        return word
    for reading in _readings(word):
        if reading in words and (len(reading) >= MIN_MASKED_LETTERS or reading in SHORT_MASKED):
            return reading
    hangul = _NO_HANGUL.sub("", word)
    if hangul == word or len(hangul) < MIN_HIDDEN_SYLLABLES:
        return word
    hidden = (term for term in terms if len(term) >= MIN_HIDDEN_SYLLABLES and term in hangul and term not in word)
    return hangul if any(hidden) else word


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
