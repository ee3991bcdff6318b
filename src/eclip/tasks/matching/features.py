"""How alike two listings are, in numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from eclip.tasks.catalogue import Catalogue
from eclip.tasks.features import features, present_rows
from eclip.tasks.matching.readings import Readings, read_records

WORD = re.compile(r"\w+")
DIGIT = re.compile(r"\d")
IMAGE_FEATURES = ("pictures cosine",)
TEXT_FEATURES = ("titles cosine", "token overlap", "number agreement", "number conflict")
CROSS_FEATURES = ("picture-title cosine", "product cosine")
FEATURES = {
    "image": IMAGE_FEATURES,
    "text": TEXT_FEATURES,
    "both": IMAGE_FEATURES + TEXT_FEATURES + CROSS_FEATURES,
}


@dataclass(frozen=True, kw_only=True)
class PairSource:
    """Listings that pairs are made of; a pair is two row positions."""

    titles: Sequence[str | None]
    image_vectors: np.ndarray  # [N, D] unit rows, NaN where missing
    text_vectors: np.ndarray
    records: Sequence[Mapping[str, str]] | None = None  # [N] further fields (brand, price, description, ...) as text

    @classmethod
    def of(cls, catalogue: Catalogue) -> PairSource:
        """All listings of a catalogue."""
        return cls(
            titles=catalogue.titles,
            image_vectors=catalogue.image_vectors,
            text_vectors=catalogue.text_vectors,
            records=catalogue.records or None,
        )

    def followed_by(self, other: PairSource) -> PairSource:
        """These listings, then those: rows of `other` start at the number of these."""
        records = [each.records or [{}] * len(each.titles) for each in (self, other)]
        return PairSource(
            titles=[*self.titles, *other.titles],
            image_vectors=np.concatenate([self.image_vectors, other.image_vectors]),
            text_vectors=np.concatenate([self.text_vectors, other.text_vectors]),
            records=[*records[0], *records[1]] if self.records or other.records else None,
        )

    def take(self, rows: np.ndarray) -> PairSource:
        """The listings at these positions, in this order."""
        return PairSource(
            titles=[self.titles[row] for row in rows],
            image_vectors=self.image_vectors[rows],
            text_vectors=self.text_vectors[rows],
            records=[self.records[row] for row in rows] if self.records else None,
        )

    @cached_property
    def readings(self) -> Readings:
        """What the listings say: words, numbers, codes, fields."""
        return read_records(self.titles, self.records)

    @cached_property
    def tokens(self) -> sparse.csr_matrix:
        """Which tokens each title holds: [N, V] of 0 and 1."""
        return token_table([set(WORD.findall((title or "").casefold())) for title in self.titles])

    @cached_property
    def numbers(self) -> sparse.csr_matrix:
        """Which tokens with a digit (sizes, model numbers) each title holds: [N, V] of 0 and 1."""
        return token_table(
            [{t for t in WORD.findall((title or "").casefold()) if DIGIT.search(t)} for title in self.titles]
        )

    @cached_property
    def has(self) -> dict[str, np.ndarray]:
        """Mask [N] of the listings with a picture ("image"), a title ("text"), both of them ("both")."""
        image, text = present_rows(self.image_vectors), present_rows(self.text_vectors)
        return {"image": image, "text": text, "both": image & text}

    @cached_property
    def common_space(self) -> bool:
        """Whether pictures and titles can be compared with each other."""
        return self.image_vectors.shape[1] == self.text_vectors.shape[1]


def token_table(token_sets: Sequence[set[str]]) -> sparse.csr_matrix:
    """Incidence matrix [N, V] float32 of sets of tokens."""
    vocabulary: dict[str, int] = {}
    columns: list[int] = []
    ends = [0]
    for tokens in token_sets:
        columns.extend(vocabulary.setdefault(token, len(vocabulary)) for token in sorted(tokens))
        ends.append(len(columns))
    ones = np.ones(len(columns), dtype=np.float32)
    return sparse.csr_matrix((ones, columns, ends), shape=(len(token_sets), max(1, len(vocabulary))))


def pair_features(source: PairSource, left: np.ndarray, right: np.ndarray, modality: str) -> np.ndarray:
    """Features [P, F] of pairs (left [P], right [P]); names in `FEATURES[modality]`.

    A missing vector counts as zeros, so give only pairs whose listings have the modality.
    """
    columns: list[np.ndarray] = []
    image, _ = features(source.image_vectors[left], source.text_vectors[left], "image")
    other_image, _ = features(source.image_vectors[right], source.text_vectors[right], "image")
    text, _ = features(source.image_vectors[left], source.text_vectors[left], "text")
    other_text, _ = features(source.image_vectors[right], source.text_vectors[right], "text")
    if modality in ("image", "both"):
        columns.append(_cosines(image, other_image))
    if modality in ("text", "both"):
        shared, either = _overlap(source.tokens, left, right)
        shared_numbers, either_numbers = _overlap(source.numbers, left, right)
        agreement = shared_numbers / np.maximum(either_numbers, 1)
        conflict = ((either_numbers > 0) & (shared_numbers == 0)).astype(np.float32)
        columns += [_cosines(text, other_text), shared / np.maximum(either, 1), agreement, conflict]
    if modality == "both":
        none = np.zeros(len(left), dtype=np.float32)
        columns += (
            [
                (_cosines(image, other_text) + _cosines(text, other_image)) / 2,
                _unit_cosines(image + text, other_image + other_text),
            ]
            if source.common_space
            else [none, none]
        )
    return np.stack(columns, axis=1).astype(np.float32)


def _cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.einsum("pd,pd->p", left, right)


def _unit_cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return _cosines(left, right) / np.maximum(lengths, 1e-12)


def _overlap(table: sparse.csr_matrix, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sizes [P] of intersection and union of two rows' tokens."""
    sizes = np.asarray(table.sum(axis=1)).reshape(-1)
    shared = np.asarray(table[left].multiply(table[right]).sum(axis=1)).reshape(-1)
    return shared, sizes[left] + sizes[right] - shared
