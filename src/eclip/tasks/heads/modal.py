"""Heads for pictures, for titles and for both, with the lexical expert beside those that see a title."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from scipy import sparse

from eclip.errors import ModelError
from eclip.tasks.features import features, present_rows
from eclip.tasks.heads.calibration import Temperatures, at_temperature, read_temperatures, write_temperatures
from eclip.tasks.heads.lexical import LexicalHeads, combine
from eclip.tasks.heads.linear import LinearHeads
from eclip.tasks.results import MODALITIES

LEXICAL = "lexical"  # folder of the lexical heads, beside those of the modalities


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What heads see of listings."""

    image_vectors: np.ndarray  # [N, D], NaN rows where missing
    text_vectors: np.ndarray  # [N, D], NaN rows where missing
    terms: sparse.csr_matrix | None  # [N, V] of titles; None where no head reads them


@dataclass(frozen=True)
class ModalHeads:
    """The same heads for pictures, for titles and for both: a row uses the richest it has vectors for."""

    by_modality: dict[str, LinearHeads]
    lexical: LexicalHeads | None = None
    temperatures: Temperatures = field(default_factory=dict)  # of the final answers; 1 where none is named

    def save(self, folder: Path) -> None:
        """Write one folder a modality, and that of the lexical heads, below `folder`, which exists."""
        for modality, heads in self.by_modality.items():
            heads.save(folder / modality)
        if self.lexical:
            self.lexical.save(folder / LEXICAL)
        if self.temperatures:
            write_temperatures(folder, self.temperatures)

    @classmethod
    def load(cls, folder: Path) -> ModalHeads:
        """Read the modalities that are there.

        Raises:
            ModelError: None is, or one is damaged.
        """
        found = {each: LinearHeads.load(folder / each) for each in MODALITIES if (folder / each).is_dir()}
        if not found:
            raise ModelError(f"{folder} holds no heads; run `eclip fit STORE --model MODEL`")
        lexical = LexicalHeads.load(folder / LEXICAL) if (folder / LEXICAL).is_dir() else None
        return cls(found, lexical, read_temperatures(folder))

    @property
    def names(self) -> list[str]:
        """Every head's name, in the order of fitting."""
        return list(dict.fromkeys(name for heads in self.by_modality.values() for name in heads.heads))

    def labels(self, modality: str, name: str) -> tuple[str, ...]:
        """Classes [C] of a head."""
        return self.by_modality[modality].heads[name].labels

    def inputs(self, image_vectors: np.ndarray, text_vectors: np.ndarray, titles: Sequence[str | None]) -> Inputs:
        """Listings as these heads see them; titles are read once for all heads.

        Args:
            image_vectors: [N, D], NaN rows where missing.
            text_vectors: [N, D], NaN rows where missing.
            titles: [N], None where missing.
        """
        terms = self.lexical.terms.features(titles) if self.lexical else None
        return Inputs(image_vectors=image_vectors, text_vectors=text_vectors, terms=terms)

    def probabilities(self, name: str, modality: str, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
        """Class probabilities [n, C] of `rows`, which have the modality, by both experts together, calibrated.

        Rows without a known title term are answered by the head over vectors alone.
        """
        mixed = self._mixed(name, modality, inputs, rows)
        return at_temperature(mixed, self.temperatures.get(modality, {}).get(name, 1.0))

    def _mixed(self, name: str, modality: str, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
        matrix, _ = features(inputs.image_vectors[rows], inputs.text_vectors[rows], modality)
        vector = self.by_modality[modality].heads[name].probabilities(matrix)
        share = self.lexical.share(modality, name) if self.lexical else 0.0
        if not share or inputs.terms is None or self.lexical is None:
            return vector
        terms = inputs.terms[rows]
        shares = np.where(np.diff(terms.indptr) > 0, share, 0.0)
        return combine(vector, self.lexical.linear.probabilities(name, terms), shares)

    def routed_probabilities(self, name: str, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
        """Class probabilities [n, C] of `rows`, each by the richest modality that it has: as `predict` answers.

        Args:
            name: Of the head.
            inputs: Of all listings.
            rows: Positions [n] of listings that some modality of this head fits.
        """
        places = np.full(len(inputs.image_vectors), -1)
        places[rows] = np.arange(len(rows))
        found: np.ndarray | None = None
        for modality, those in self.rows_by_modality(name, inputs):
            wanted = those[places[those] >= 0]
            scores = self.probabilities(name, modality, inputs, wanted)
            if found is None:
                found = np.zeros((len(rows), scores.shape[1]), dtype=scores.dtype)
            found[places[wanted]] = scores
        assert found is not None
        return found

    def without_words(self) -> ModalHeads:
        """The heads over vectors alone; temperatures are of the mix, so they have none."""
        return ModalHeads(self.by_modality)

    def at(self, temperatures: Temperatures) -> ModalHeads:
        """The same heads at other temperatures."""
        return replace(self, temperatures=temperatures)

    def rows_by_modality(self, name: str, inputs: Inputs) -> Iterator[tuple[str, np.ndarray]]:
        """Each row under the richest modality that it has and this head knows."""
        has_image, has_text = present_rows(inputs.image_vectors), present_rows(inputs.text_vectors)
        left = has_image | has_text
        wanted = (("both", has_image & has_text), ("text", has_text), ("image", has_image), ("both", left))
        for modality, mask in wanted:
            if modality in self.by_modality and name in self.by_modality[modality].heads:
                yield modality, np.flatnonzero(mask & left)
                left = left & ~mask
