"""The terms of all rows as numbers: cut once, kept with the index, cut anew only where a text is new."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eclip.search.tokens import Tokenizer


@dataclass(frozen=True)
class TermRows:
    """Terms of [N] rows, one row after another.

    Attributes:
        keys: [N] digest of each row's text.
        lengths: [N] number of its terms.
        codes: [T] the terms, as places in the vocabulary.
        vocabulary: Every term that occurs.
    """

    keys: npt.NDArray[np.uint64]
    lengths: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int32]
    vocabulary: list[str]

    @classmethod
    def of(cls, texts: Iterable[str], tokenize: Tokenizer, known: TermRows | None = None) -> TermRows:
        """Cut texts into terms; those that `known` holds, by the same tokenizer, are not cut again."""
        places = {term: place for place, term in enumerate(known.vocabulary if known else ())}
        seen = known.by_key() if known else {}
        keys, rows = [], []
        for text in texts:
            keys.append(text_key(text))
            found = seen.get(keys[-1])
            if found is None:
                found = np.array([places.setdefault(term, len(places)) for term in tokenize(text)], dtype=np.int32)
            rows.append(found)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        used, codes = np.unique(np.concatenate([np.zeros(0, np.int32), *rows]), return_inverse=True)
        terms = list(places)
        vocabulary = [terms[place] for place in used]  # without the terms of texts that are gone
        return cls(np.array(keys, dtype=np.uint64), lengths, codes.astype(np.int32), vocabulary)

    def by_key(self) -> dict[int, npt.NDArray[np.int32]]:
        """Terms of each text, by its key."""
        ends = np.cumsum(self.lengths)
        spans = zip(self.keys.tolist(), (ends - self.lengths).tolist(), ends.tolist(), strict=True)
        return {key: self.codes[start:end] for key, start, end in spans}

    def to_arrays(self) -> dict[str, np.ndarray]:
        """As arrays of numbers, to be written."""
        joined = "\n".join(self.vocabulary).encode()
        text = np.frombuffer(joined, dtype=np.uint8)
        return {"keys": self.keys, "lengths": self.lengths, "codes": self.codes, "vocabulary": text}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> TermRows:
        """As `to_arrays` gave them."""
        text = arrays["vocabulary"].tobytes().decode()
        return cls(arrays["keys"], arrays["lengths"], arrays["codes"], text.split("\n") if text else [])


def text_key(text: str) -> int:
    """64 bits of a text's blake2b digest."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def searched_text(title: str | None, brand: str | None, category: Sequence[str] | None, attributes: object) -> str:
    """What can be found of a listing by words: its title, brand, category names and attribute values."""
    parts = [title or "", brand or "", *(category or ())]
    parts += [value for _, values in (attributes or ()) for value in values or ()]  # type: ignore[attr-defined]
    return " ".join(parts)
