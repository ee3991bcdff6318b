"""Title rules that look at single characters: escapes, HTML, trademark signs, Unicode forms, invisible, emoji."""

from __future__ import annotations

import html
import re
import unicodedata

from eclip.products.clean import remove_invisible
from eclip.products.markup import TAG

_ESCAPED_BYTES = re.compile(r"(?:\\x[89a-fA-F][0-9a-fA-F]){2,}")
_ESCAPED_BREAK = re.compile(r"(?:\\[nrt])+(?![a-z])")  # a line break written out; not the bar of "black\navy"
_UNKNOWN_LETTER = "ï¿½"  # the replacement character, decoded wrongly: NFKC would make a fraction of its half
_FRAME_SIZE = re.compile(r"(?<=\d)□(?=\d)")  # "52□19": lens and bridge of spectacles
# With its semicolon only: "Bath&copy" and "this&that" of a seller in a hurry are no entities.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_NESTED = re.compile(r"&(?:amp;|#38;|#x26;)+")  # "&amp;amp;amp;" of text escaped again and again, at once
_TRADEMARK = re.compile(r"\s?[®™℠©]")  # NFKC would make "NikeTM" of "Nike™"
_FRACTION_AFTER_DIGIT = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞])")  # NFKC makes "51⁄2" of "5½"
_ORDINAL_AFTER_DIGIT = re.compile(r"(?<=\d)º")
# Characters whose compatibility form misleads ("´" becomes a space and a loose accent), and typographic quotes.
_PLAIN_FORMS = str.maketrans(
    {
        "´": "'", "`": "'", "‘": "'", "’": "'", "‛": "'", "′": "'",
        "“": '"', "”": '"', "„": '"', "″": '"',
        "‐": "-", "‑": "-", "‒": "-", "−": "-",
        "⁄": "/", "✕": "x", "✖": "x", "⨉": "x",
    }
)  # fmt: skip
# Pictures and ornaments. Kept: ♀ ♂ (whom a product is for), ♭ ♯ (notes), ⌀ (a diameter).
_ORNAMENT = (
    "\u2190-\u21ff\u2311-\u23ff\u2580-\u25ff\u2600-\u263f\u2641\u2643-\u266c\u266e\u2670-\u2714\u2717-\u27bf"
    "\u2900-\u297f\u2b00-\u2bff\u203b\u3030\u303d\U0001f000-\U0001faff"
)
_EMOJI = re.compile(f"[{_ORNAMENT}](?:[{_ORNAMENT}\u200d\ufe0e\ufe0f\u20e3])*|[\ufe0e\ufe0f\u20e3]")


def decode_escapes(text: str) -> str:
    r"""Bytes of UTF-8 that a broken export wrote out (`\xc3\xa9`) become their letter, `\n` a space; `b'...'` goes."""
    if text[:2] in ("b'", 'b"') and text[-1] == text[1] and len(text) > 3:
        text = text[2:-1]
    if "\\" not in text:
        return text
    return _ESCAPED_BREAK.sub(" ", _ESCAPED_BYTES.sub(_decode, text))


def _decode(found: re.Match[str]) -> str:
    try:
        return bytes.fromhex(found.group().replace("\\x", "")).decode()
    except UnicodeDecodeError:
        return found.group()


def resolve_html(text: str) -> str:
    """Entities become their characters, tags become spaces."""
    if "&" in text:
        text = _NESTED.sub("&", text)
        text = _ENTITY.sub(lambda found: html.unescape(found.group()), text)
    return fold_spaces(TAG.sub(" ", text)) if "<" in text and TAG.search(text) else text


def remove_trademarks(text: str) -> str:
    """Trademark, registered and copyright signs go."""
    return text if text.isascii() else _TRADEMARK.sub("", text)


def normalize_unicode(text: str) -> str:
    """NFKC; quotes, primes and hyphens in their plain form, fractions apart from the number before them."""
    if text.isascii():
        return text.replace("`", "'") if "`" in text else text
    text = _FRAME_SIZE.sub("-", text.replace(_UNKNOWN_LETTER, "\ufffd"))
    text = _ORDINAL_AFTER_DIGIT.sub("°", _FRACTION_AFTER_DIGIT.sub(" ", text))
    text = unicodedata.normalize("NFKC", text.translate(_PLAIN_FORMS)).translate(_PLAIN_FORMS)
    return text.replace("\u0e4d\u0e32", "\u0e33")  # Thai writes its vowel "am" as one letter


def drop_invisible(text: str) -> str:
    """Control characters become spaces; zero-width, private and half characters go."""
    return text if text.isprintable() and text.isascii() else remove_invisible(text)


def remove_emoji(text: str) -> str:
    """Emoji, stars, hearts, arrows and blocks become spaces."""
    if text.isascii() or not _EMOJI.search(text):
        return text
    return fold_spaces(_EMOJI.sub(" ", text))


def fold_spaces(text: str) -> str:
    """One space between words, none around them."""
    return " ".join(text.split())
