"""Texts as terms: what counts as the same word for the words half of a search."""

from __future__ import annotations

import re
import threading
import unicodedata
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

_WORD = re.compile(r"[0-9a-z]+(?:[-/._][0-9a-z]+)*|[가-힣]+|[^\W_0-9a-z가-힣]+")
_JOINTS = re.compile(r"[-/._]")
_KOREAN = re.compile(r"[가-힣]+")
_CONTENT_TAGS = ("N", "V", "M", "XR")  # nouns, verbs and adjectives, modifiers, roots; no particles and endings
_MARK = "\x02"  # before a morpheme, so that one of two letters does not count twice for a pair of letters
MAX_TERMS = 512  # of one text


class Tokenizer:
    """Cuts texts into terms; threads may share it.

    Latin words and numbers stay whole; a joined code (AT-5369-RE1) is its parts, and itself without joints. Korean is
    cut into pairs of letters, so that 에어 is found in 에어맥스270, and on request into morphemes (kiwi) too: what
    shares whole words then stands before what shares letters. Morphemes alone do not do: kiwi takes names such as
    에어맥스 for one word.

    Args:
        with_morphemes: Whether Korean is cut into morphemes too; the analyser is loaded when it is first needed.
    """

    def __init__(self, *, with_morphemes: bool) -> None:
        self._with_morphemes = with_morphemes
        self._kiwi: Any = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Equal names, equal terms."""
        return f"letter pairs and morphemes (kiwi {_kiwi_version()})" if self._with_morphemes else "letter pairs"

    def __call__(self, text: str) -> list[str]:
        """Terms of a text, repeats and all."""
        normal = unicodedata.normalize("NFKC", text).lower()
        found: list[str] = []
        for word in _WORD.findall(normal):
            found += _letter_pairs(word) if "가" <= word[0] <= "힣" else _with_parts(word)
            if len(found) >= MAX_TERMS:
                break
        korean = _KOREAN.findall(normal) if self._with_morphemes else []
        if korean:
            found += self._morphemes(" ".join(korean)[: 4 * MAX_TERMS])
        return found[: 2 * MAX_TERMS]

    def _morphemes(self, korean: str) -> list[str]:
        with self._lock:
            if self._kiwi is None:
                self._kiwi = _kiwi()
            tokens = self._kiwi.tokenize(korean)
        return [_MARK + token.form for token in tokens if token.tag.startswith(_CONTENT_TAGS)]


def _letter_pairs(word: str) -> list[str]:
    return [word[place : place + 2] for place in range(max(1, len(word) - 1))]


def _with_parts(word: str) -> list[str]:
    parts = _JOINTS.split(word)
    return parts if len(parts) == 1 else [*parts, "".join(parts)]


def knows_morphemes() -> bool:
    """Whether the analyser is installed."""
    return find_spec("kiwipiepy") is not None


def _kiwi() -> Any:
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=1)  # its model is a package as well: nothing is fetched


def _kiwi_version() -> str:
    return version("kiwipiepy") if knows_morphemes() else "not installed"
