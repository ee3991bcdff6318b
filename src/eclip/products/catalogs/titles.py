"""Titles as arrays of word codes: what every rule over a million titles counts on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, kw_only=True)
class TitleWords:
    """The words of N titles, casefolded, as runs of one flat array.

    Attributes:
        words: Every different word, in order of first appearance; a code is a position in it.
        codes: [T] int32, the words of all titles one after the other.
        offsets: [N + 1] int64; row i has codes[offsets[i]:offsets[i + 1]].
        folded: [N] the casefolded titles, "" where there is none.
    """

    words: list[str]
    codes: np.ndarray
    offsets: np.ndarray
    folded: list[str]

    def __len__(self) -> int:
        """N."""
        return len(self.offsets) - 1

    def row(self, index: int) -> list[int]:
        """Word codes of one title, in its order."""
        return self.codes[self.offsets[index] : self.offsets[index + 1]].tolist()

    def row_words(self, index: int) -> list[str]:
        """Words of one title, in its order."""
        return [self.words[code] for code in self.row(index)]

    def row_numbers(self) -> np.ndarray:
        """[T] int64: which row each word of `codes` stands in."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))


def title_words(titles: Sequence[str | None]) -> TitleWords:
    """Split titles into runs of letters and digits: "Sony WH-1000XM4" -> sony, wh, 1000xm4."""
    code_of: dict[str, int] = {}
    codes: list[int] = []
    offsets = np.zeros(len(titles) + 1, dtype=np.int64)
    folded = [title.casefold() if title else "" for title in titles]
    for index, title in enumerate(folded):
        codes += [code_of.setdefault(word, len(code_of)) for word in _WORD.findall(title)]
        offsets[index + 1] = len(codes)
    return TitleWords(words=list(code_of), codes=np.array(codes, dtype=np.int32), offsets=offsets, folded=folded)


def spread(words: TitleWords, groups: np.ndarray) -> np.ndarray:
    """Under how many different groups (titles, brands, categories) each word stands: [W] int64.

    Args:
        words: N titles.
        groups: [N] int64 group of each row; rows below 0 do not count.
    """
    of_word = groups[words.row_numbers()]
    known = of_word >= 0
    num_groups = int(groups.max(initial=0)) + 1
    pairs = np.unique(words.codes[known].astype(np.int64) * num_groups + of_word[known])
    return np.bincount(pairs // num_groups, minlength=len(words.words))
