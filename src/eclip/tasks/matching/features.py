"""How alike two listings are, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eclip.tasks.catalogue import Catalogue
from eclip.tasks.features import features, present_rows
from eclip.tasks.matching.readings import Readings, read_records

IMAGE_FEATURES = ("pictures cosine",)
TEXT_FEATURES = ("titles cosine", "word overlap", "number agreement", "number conflict")
PAIRS_AT_ONCE = 512  # whose vectors are gathered at once
CROSS_FEATURES = ("picture-title cosine", "product cosine")
FEATURES = {
    "image": IMAGE_FEATURES,
    "text": TEXT_FEATURES,
    "both": IMAGE_FEATURES + TEXT_FEATURES + CROSS_FEATURES,
}


@dataclass(frozen=True, kw_only=True)
class PairSource:
    """Listings that pairs are made of; a pair is two row positions.

    Attributes:
        titles: [N], None where missing.
        image_vectors: [N, D] unit rows, NaN where missing.
        text_vectors: Likewise.
        records: [N] further fields (brand, price, description, ...) as text; None = there are none.
        read: What the listings say, where that is known already; None = it is read when it is asked for.
    """

    titles: Sequence[str | None]
    image_vectors: np.ndarray
    text_vectors: np.ndarray
    records: Sequence[Mapping[str, str]] | None = None
    read: Readings | None = None

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
        """These listings, then those: rows of `other` start at the number of these. What is read stays read."""
        records = [each.records or [{}] * len(each.titles) for each in (self, other)]
        is_read = self.is_read or other.is_read
        return PairSource(
            titles=[*self.titles, *other.titles],
            image_vectors=np.concatenate([self.image_vectors, other.image_vectors]),
            text_vectors=np.concatenate([self.text_vectors, other.text_vectors]),
            records=[*records[0], *records[1]] if self.records or other.records else None,
            read=self.readings.followed_by(other.readings) if is_read else None,
        )

    def take(self, rows: np.ndarray) -> PairSource:
        """The listings at these positions, in this order."""
        return PairSource(
            titles=[self.titles[row] for row in rows],
            image_vectors=self.image_vectors[rows],
            text_vectors=self.text_vectors[rows],
            records=[self.records[row] for row in rows] if self.records else None,
            read=self.readings.take(rows) if self.is_read else None,
        )

    @property
    def is_read(self) -> bool:
        """Whether asking for `readings` costs nothing any more."""
        return self.read is not None or "readings" in self.__dict__

    @cached_property
    def readings(self) -> Readings:
        """What the listings say: words, numbers, codes, fields."""
        return read_records(self.titles, self.records) if self.read is None else self.read

    @cached_property
    def has(self) -> dict[str, np.ndarray]:
        """Mask [N] of the listings with a picture ("image"), a title ("text"), both of them ("both")."""
        image, text = present_rows(self.image_vectors), present_rows(self.text_vectors)
        return {"image": image, "text": text, "both": image & text}

    @cached_property
    def filled(self) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of pictures and of titles, zeros where missing."""
        image, _ = features(self.image_vectors, self.text_vectors, "image")
        text, _ = features(self.image_vectors, self.text_vectors, "text")
        return image, text

    @property
    def common_space(self) -> bool:
        """Whether pictures and titles can be compared with each other."""
        return self.image_vectors.shape[1] == self.text_vectors.shape[1]


def pair_features(source: PairSource, left: np.ndarray, right: np.ndarray, modality: str) -> np.ndarray:
    """Features [P, F] float32 of pairs (left [P], right [P]); names in `FEATURES[modality]`.

    A missing vector counts as zeros, so give only pairs whose listings have the modality.
    """
    cosines = _all_cosines(source, left, right, modality)
    columns = []
    if modality in ("image", "both"):
        columns.append(cosines["image"])
    if modality in ("text", "both"):
        columns += [cosines["text"], *_word_features(source.readings, left, right)]
    if modality == "both":
        columns += [cosines["crossed"], cosines["product"]]
    return np.stack(columns, axis=1).astype(np.float32)


def _word_features(readings: Readings, left: np.ndarray, right: np.ndarray) -> list[np.ndarray]:
    """Overlap of the titles' words, agreement of their numbers, and whether these have none in common."""
    from eclip.tasks.matching.pair_loops import compare_sets

    even = np.ones(len(readings.vocabulary), dtype=np.float32)
    overlap = []
    for view in ("words", "numbers"):
        table = readings.tables[view]
        shared, one, other, *_ = compare_sets(table.indptr, table.indices, even, left, right)
        overlap.append((shared, one + other - shared))
    (shared, either), (shared_numbers, either_numbers) = overlap
    conflict = ((either_numbers > 0) & (shared_numbers == 0)).astype(np.float32)
    return [shared / np.maximum(either, 1), shared_numbers / np.maximum(either_numbers, 1), conflict]


def _all_cosines(source: PairSource, left: np.ndarray, right: np.ndarray, modality: str) -> dict[str, np.ndarray]:
    """Cosines [P] of pictures, titles, crosswise (mean of both ways) and of products, those that a modality needs.

    A few pairs at a time, whose vectors stay in the processor's cache.
    """
    image, text = source.filled
    names = {"image": ("image",), "text": ("text",), "both": ("image", "text", "crossed", "product")}[modality]
    out = {name: np.zeros(len(left), dtype=np.float32) for name in names}
    for start in range(0, len(left), PAIRS_AT_ONCE):
        some = slice(start, start + PAIRS_AT_ONCE)
        one, other = left[some], right[some]
        if modality != "text":
            pictures, other_pictures = image[one], image[other]
            out["image"][some] = _cosines(pictures, other_pictures)
        if modality != "image":
            titles, other_titles = text[one], text[other]
            out["text"][some] = _cosines(titles, other_titles)
        if modality == "both" and source.common_space:
            crossed = _cosines(pictures, other_titles) + _cosines(titles, other_pictures)
            out["crossed"][some] = crossed / 2
            out["product"][some] = _unit_cosines(pictures + titles, other_pictures + other_titles)
    return out


def _cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.einsum("pd,pd->p", left, right)


def _unit_cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return _cosines(left, right) / np.maximum(lengths, 1e-12)
