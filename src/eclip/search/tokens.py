"""Texts as terms: what counts as the same word for the words half of a search."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[0-9a-z]+(?:[-/._][0-9a-z]+)*|[가-힣]+|[^\W\d_a-z가-힣]+")
_PIECES = re.compile(r"[a-z]+|[0-9]+")
MAX_TERMS = 512  # of one text


def terms(text: str) -> list[str]:
    """Terms of a text, in order, repeats and all.

    Latin words and numbers stay whole; a joined code (`AT-5369-RE1`) is itself without its joints, and its
    parts. Korean is cut into pairs of letters.
    """
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).lower()):
        if "가" <= word[0] <= "힣":
            found += [word[place : place + 2] for place in range(max(1, len(word) - 1))]
        else:
            parts = re.split(r"[-/._]", word)
            found += parts if len(parts) == 1 else [*parts, "".join(parts)]
        if len(found) >= MAX_TERMS:
            break
    return found[:MAX_TERMS]
