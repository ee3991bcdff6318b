"""The expert that only looks whether a value's own name stands in the title.

A linear head must have seen a value often to trust its name; this one needs no example, and rare values are where
macro-F1 is lost. Of names within each other ("Blue", "Navy Blue") the longest counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.tasks.attributes.spans.words import Words, value_keys

SLIP = 0.01  # chance that another value is meant than the one whose name stands there


class StatedValues:
    """The names of the values of one attribute, ready to be looked up in titles."""

    def __init__(self, values: Sequence[str]) -> None:
        self.num_values = len(values)
        self.codes: dict[tuple[str, ...], int] = {}
        for code, value in enumerate(values):
            self.codes.setdefault(value_keys(value), code)
        self.codes.pop((), None)
        self.longest = max(map(len, self.codes), default=0)

    def marks(self, titles: Sequence[Words]) -> np.ndarray:
        """[n, C] bool, which values stand in each title."""
        found = np.zeros((len(titles), self.num_values), dtype=bool)
        for row, words in enumerate(titles):
            spoken = [key for key in words.keys if key]
            place = 0
            while place < len(spoken):
                for length in range(min(self.longest, len(spoken) - place), 0, -1):
                    code = self.codes.get(tuple(spoken[place : place + length]))
                    if code is not None:
                        found[row, code] = True
                        place += length - 1
                        break
                place += 1
        return found

    def logs(self, titles: Sequence[Words]) -> np.ndarray:
        """Log-probabilities [n, C]: those that stand there share all but `SLIP`; all are alike where none does."""
        marks = self.marks(titles)
        standing = marks.sum(axis=1, keepdims=True)
        others = np.maximum(self.num_values - standing, 1)
        chances = np.where(marks, (1 - SLIP) / np.maximum(standing, 1), SLIP / others)
        return np.log(np.where((standing > 0) & (standing < self.num_values), chances, 1 / self.num_values))
