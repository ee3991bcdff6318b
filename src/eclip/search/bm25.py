"""Ranking by words: BM25 over an inverted list of terms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eclip.search.codes import Mask
from eclip.search.termrows import TermRows
from eclip.search.tokens import Tokenizer

K1, B = 1.2, 0.75


class WordIndex:
    """BM25 (Robertson and Zaragoza, "The probabilistic relevance framework", 2009, with Lucene's positive idf).

    Args:
        rows: Terms of each row, [N].
        tokenize: What cut them; queries are cut alike.
    """

    def __init__(self, rows: TermRows, tokenize: Tokenizer) -> None:
        self._tokenize = tokenize
        self._places = {term: place for place, term in enumerate(rows.vocabulary)}
        self._num_rows = num_rows = len(rows.lengths)
        row_of_code = np.repeat(np.arange(num_rows), rows.lengths)
        pairs, counts = np.unique(rows.codes.astype(np.int64) * max(num_rows, 1) + row_of_code, return_counts=True)
        terms, holders = np.divmod(pairs, max(num_rows, 1))
        self._rows = holders.astype(np.int32)
        self._starts = np.searchsorted(terms, np.arange(len(self._places) + 1))
        num_holding = np.diff(self._starts)
        idf = np.log1p((num_rows - num_holding + 0.5) / (num_holding + 0.5))
        relative = rows.lengths / max(rows.lengths.mean(), 1e-9) if num_rows else rows.lengths
        norm = K1 * (1 - B + B * relative[self._rows])
        self._adds = (np.repeat(idf, num_holding) * counts * (K1 + 1) / (counts + norm)).astype(np.float32)

    def scores(self, text: str) -> npt.NDArray[np.float32]:
        """BM25 of each row [N] with a text; 0 where they share no term."""
        scores = np.zeros(self._num_rows, dtype=np.float32)
        for term in dict.fromkeys(self._tokenize(text)):
            place = self._places.get(term)
            if place is not None:
                start, end = self._starts[place], self._starts[place + 1]
                scores[self._rows[start:end]] += self._adds[start:end]
        return scores

    def knows(self, text: str) -> bool:
        """Whether any row has a word of a text."""
        return any(term in self._places for term in self._tokenize(text))


def allowed_scores(scores: npt.NDArray[np.float32], mask: Mask | None) -> npt.NDArray[np.float32]:
    """Scores with minus infinity where nothing was found, or where the row may not be."""
    return np.where(scores > 0 if mask is None else (scores > 0) & mask, scores, np.float32(-np.inf))
