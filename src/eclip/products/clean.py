"""Text as a person reads it, for every text of a feed; titles have rules of their own (`products/titles/`). Pure."""

from __future__ import annotations

import html
import re
import unicodedata

from eclip.products.markup import TAG

_MAX_RAW_CHARS = 20_000  # looked at, no more: a text of this length is no name
_JOINER_IN_EMOJI = re.compile(r"(?<=[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2600-\U0001faff])")
_JOINER_KEPT = "\ue000"  # private use, removed from input first: stands for a joiner inside an emoji
_BLANK_LETTERS = str.maketrans(dict.fromkeys("\u115f\u1160\u3164\uffa0\u2800", " "))
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")


def clean_text(text: str | None) -> str | None:
    """Text as a person reads it: NFKC, entities and tags resolved, invisible characters out, spaces folded.

    Emoji (also joined ones) and Hangul survive. Applied until nothing changes, so `clean_text` of a cleaned
    text is that text. None when nothing is left.
    """
    if not text:
        return None
    text = text[:_MAX_RAW_CHARS]
    if text.isascii() and text.isprintable() and "&" not in text and "<" not in text:
        return " ".join(text.split()) or None  # most texts: nothing else could change
    while True:
        cleaned = _clean_once(text)
        if cleaned == text:
            return cleaned or None
        text = cleaned


def _clean_once(text: str) -> str:
    text = html.unescape(text)
    text = unicodedata.normalize("NFKC", TAG.sub(" ", text) if "<" in text else text)
    text = " ".join(remove_invisible(text).split())
    return unicodedata.normalize("NFKC", text)


def remove_invisible(text: str) -> str:
    """Control characters become spaces; zero-width, private and half ones go, but for the joiners inside emoji."""
    if text.isprintable():  # then there are none, but for letters that look blank
        return text.translate(_BLANK_LETTERS)
    text = text.replace(_JOINER_KEPT, "").translate(_BLANK_LETTERS)
    text = _JOINER_IN_EMOJI.sub(_JOINER_KEPT, text)
    letters = (_JOINER_KEPT if letter == _JOINER_KEPT else _visible(letter) for letter in text)
    return "".join(letters).replace(_JOINER_KEPT, "\u200d")


def _visible(letter: str) -> str:
    """The letter; a space for ASCII's control characters, nothing for later, invisible, private and half ones."""
    category = unicodedata.category(letter)
    if category == "Cc":
        return "" if "\x80" <= letter <= "\x9f" and letter != "\x85" else " "  # of a wrong decoding: inside words
    return "" if category in ("Cf", "Co", "Cs") else letter


def title_language(title: str | None) -> str | None:
    """Language by script: "ko" with any Hangul, "en" with Latin letters, None otherwise (not known)."""
    if title and _HANGUL.search(title):
        return "ko"
    return "en" if title and _LATIN.search(title) else None
