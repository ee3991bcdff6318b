"""Ranking by words: BM25 over an inverted list of terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from eclip.search.codes import Mask

K1, B = 1.2, 0.75

Tokenize = Callable[[str], list[str]]


class WordIndex:
    """BM25 (Robertson and Zaragoza, "The probabilistic relevance framework", 2009, with Lucene's positive idf).

    Args:
        texts: What stands to be found of each row, [N].
        tokenize: Text -> terms, the same for rows and queries.
    """

    def __init__(self, texts: Iterable[str], tokenize: Tokenize) -> None:
        self._tokenize = tokenize
        self._places: dict[str, int] = {}
        lengths, codes = [], []
        for text in texts:
            found = [self._places.setdefault(term, len(self._places)) for term in tokenize(text)]
            lengths.append(len(found))
            codes.append(np.array(found, dtype=np.int32))
        self._invert(np.array(lengths, dtype=np.int64), np.concatenate([np.zeros(0, np.int32), *codes]))

    @property
    def num_rows(self) -> int:
        """Rows that can be found."""
        return self._num_rows

    def _invert(self, lengths: npt.NDArray[np.int64], codes: npt.NDArray[np.int32]) -> None:
        """Terms of all rows, one after another -> for each term its rows and what it adds to their scores."""
        self._num_rows, num_terms = len(lengths), len(self._places)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        pairs, counts = np.unique(codes.astype(np.int64) * max(len(lengths), 1) + rows, return_counts=True)
        terms, self._rows = np.divmod(pairs, max(len(lengths), 1))
        self._starts = np.searchsorted(terms, np.arange(num_terms + 1))
        num_holding = np.diff(self._starts)
        idf = np.log1p((len(lengths) - num_holding + 0.5) / (num_holding + 0.5))
        relative = lengths / max(lengths.mean(), 1e-9) if len(lengths) else lengths
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


def searched_text(title: str | None, brand: str | None, category: Sequence[str] | None, attributes: object) -> str:
    """What can be found of a listing by words: its title, brand, category names and attribute values."""
    parts = [title or "", brand or "", *(category or ())]
    parts += [value for _, values in (attributes or ()) for value in values or ()]  # type: ignore[attr-defined]
    return " ".join(parts)


def allowed_scores(scores: npt.NDArray[np.float32], mask: Mask | None) -> npt.NDArray[np.float32]:
    """Scores with minus infinity where nothing was found, or where the row may not be."""
    return np.where(scores > 0 if mask is None else (scores > 0) & mask, scores, np.float32(-np.inf))
