"""Ways in which sellers hide a word from a filter, done to words of a title. Invented; for measuring only."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Collection

_LEET = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7", "b": "8", "l": "1"}
_CYRILLIC = dict(zip("aeopcxyi", "аеорсхуі", strict=True))
_JAMO = {  # leading and closing letters of a decomposed syllable, as they stand alone
    **dict(zip("ᄀᄁᄂᄃᄄᄅᄆᄇᄈᄉᄊᄋᄌᄍᄎᄏᄐᄑᄒ", "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ", strict=True)),
    **dict(zip("ᅡᅢᅣᅤᅥᅦᅧᅨᅩᅪᅫᅬᅭᅮᅯᅰᅱᅲᅳᅴᅵ", "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ", strict=True)),
    **dict(zip("ᆨᆫᆮᆯᆷᆸᆺᆼ", "ㄱㄴㄷㄹㅁㅂㅅㅇ", strict=True)),
}


def spaced(word: str, _: random.Random) -> str:
    """Letters apart: "a d u l t"."""
    return " ".join(word)


def dotted(word: str, rng: random.Random) -> str:
    """Marks between letters: "a.d.u.l.t"."""
    return rng.choice(".-_*").join(word)


def leet(word: str, rng: random.Random) -> str:
    """Digits for letters: "4dul7"; in Korean a digit between syllables."""
    if word.isascii():
        places = [place for place, letter in enumerate(word.lower()) if letter in _LEET]
        chosen = set(rng.sample(places, min(len(places), 2)))
        return "".join(_LEET[c.lower()] if place in chosen else c for place, c in enumerate(word))
    middle = max(1, len(word) // 2)
    return f"{word[:middle]}{rng.choice('12')}{word[middle:]}"


def mixed(word: str, _: random.Random) -> str:
    """Cyrillic letters in a Latin word; in Korean invisible ones between syllables."""
    if word.isascii():
        return "".join(_CYRILLIC.get(letter, letter) for letter in word)
    return "\u200b".join(word)


def unseen(word: str, rng: random.Random) -> str:
    """Zero-width characters between letters."""
    return "".join(letter + rng.choice(("\u200b", "\u200c", "\u2060", "")) for letter in word)


def taken_apart(word: str, _: random.Random) -> str:
    """Korean syllables as single letters; Latin ones with an accent."""
    if word.isascii():
        return "".join(letter + ("\u0301" if letter in "aeiou" else "") for letter in word)
    return "".join(_JAMO.get(letter, letter) for letter in unicodedata.normalize("NFD", word))


ATTACKS: dict[str, Callable[[str, random.Random], str]] = {
    "spaced letters": spaced,
    "marks between": dotted,
    "digits for letters": leet,
    "mixed scripts": mixed,
    "zero-width": unseen,
    "jamo or accents": taken_apart,
}


def attacked(title: str, attack: str, telling: Collection[str], seed: int) -> str:
    """A title with those of its words in disguise that tell what it is (lower case, in `telling`)."""
    rng = random.Random(f"{seed}:{attack}:{title}")
    words = (ATTACKS[attack](word, rng) if word.lower() in telling else word for word in title.split(" "))
    return " ".join(words)
