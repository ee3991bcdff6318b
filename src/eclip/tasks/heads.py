"""Linear heads: several softmax classifiers over one feature matrix.

A head is a matrix and a bias over raw features: the standardisation used in training is folded in. Fitting
is in `eclip.tasks.head_training` (torch); using and storing heads needs numpy and safetensors only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eclip.errors import ModelError
from eclip.tasks.base import features, present_rows, replacing
from eclip.tasks.results import MODALITIES

HEADS_VERSION = 1
HEADS_CONFIG = "heads.json"
HEADS_WEIGHTS = "heads.safetensors"


@dataclass(frozen=True, kw_only=True)
class Target:
    """What one head learns: a class for some rows of a catalogue."""

    name: str
    labels: tuple[str, ...]  # of the classes, C of them
    codes: np.ndarray  # [N] int64 class of each row; -1 = no label, the row is left out
    balanced: bool = False  # weigh classes alike, however rare


@dataclass(frozen=True, kw_only=True)
class Head:
    """One softmax classifier: logits = features @ weight.T + bias."""

    labels: tuple[str, ...]
    weight: np.ndarray  # [C, F] float32
    bias: np.ndarray  # [C] float32

    def probabilities(self, matrix: np.ndarray) -> np.ndarray:
        """Class probabilities [N, C] of features [N, F].

        Raises:
            ModelError: The features are of another width than those it was fitted on.
        """
        if matrix.shape[1] != self.weight.shape[1]:
            raise ModelError(
                f"the head was fitted on {self.weight.shape[1]} features, found {matrix.shape[1]}: the "
                "vectors are of another model; run `eclip fit` with this one"
            )
        logits = matrix @ self.weight.T + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        return logits


@dataclass(frozen=True)
class LinearHeads:
    """Heads over one feature matrix, by name."""

    heads: dict[str, Head]

    def probabilities(self, name: str, matrix: np.ndarray) -> np.ndarray:
        """Class probabilities [N, C] of the head `name` for features [N, F]."""
        return self.heads[name].probabilities(matrix)

    def subset(self, names: Iterable[str]) -> LinearHeads:
        """Only these heads."""
        return LinearHeads({name: self.heads[name] for name in names})

    def save(self, folder: Path) -> None:
        """Write the heads as safetensors and JSON (no pickle); an older folder is replaced at once."""
        from safetensors.numpy import save_file

        names = list(self.heads)
        config = {
            "version": HEADS_VERSION,
            "heads": [{"name": name, "labels": list(self.heads[name].labels)} for name in names],
        }
        # Names are the feed's and may hold anything: tensors are numbered, JSON keeps the names.
        tensors = {f"{i}.weight": np.ascontiguousarray(self.heads[n].weight) for i, n in enumerate(names)}
        tensors |= {f"{i}.bias": np.ascontiguousarray(self.heads[n].bias) for i, n in enumerate(names)}
        with replacing(folder) as aside:
            save_file(tensors, str(aside / HEADS_WEIGHTS))
            text = json.dumps(config, ensure_ascii=False, indent=1)
            (aside / HEADS_CONFIG).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> LinearHeads:
        """Read heads that `save` wrote.

        Raises:
            ModelError: They are missing, damaged or of another version.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            config = json.loads((folder / HEADS_CONFIG).read_text(encoding="utf-8"))
            tensors = load_file(str(folder / HEADS_WEIGHTS))
        except (OSError, ValueError, SafetensorError) as error:
            raise ModelError(f"{folder} holds no readable heads ({error}); run `eclip fit` again") from error
        if config.get("version") != HEADS_VERSION:
            raise ModelError(
                f"{folder} holds heads of version {config.get('version')}, expected {HEADS_VERSION}; run "
                "`eclip fit` again"
            )
        return cls(
            {
                head["name"]: Head(
                    labels=tuple(head["labels"]), weight=tensors[f"{i}.weight"], bias=tensors[f"{i}.bias"]
                )
                for i, head in enumerate(config["heads"])
            }
        )


@dataclass(frozen=True)
class ModalHeads:
    """The same heads for pictures, for titles and for both: a row uses the richest it has vectors for."""

    by_modality: dict[str, LinearHeads]

    def save(self, folder: Path) -> None:
        """Write one folder a modality below `folder`, which exists."""
        for modality, heads in self.by_modality.items():
            heads.save(folder / modality)

    @classmethod
    def load(cls, folder: Path) -> ModalHeads:
        """Read the modalities that are there.

        Raises:
            ModelError: None is, or one is damaged.
        """
        found = {each: LinearHeads.load(folder / each) for each in MODALITIES if (folder / each).is_dir()}
        if not found:
            raise ModelError(f"{folder} holds no heads; run `eclip fit STORE --model MODEL`")
        return cls(found)

    @property
    def names(self) -> list[str]:
        """Every head's name, in the order of fitting."""
        return list(dict.fromkeys(name for heads in self.by_modality.values() for name in heads.heads))

    def predict(
        self, name: str, image_vectors: np.ndarray, text_vectors: np.ndarray
    ) -> tuple[list[str | None], np.ndarray]:
        """Best label and its probability for each row.

        Args:
            name: Of the head.
            image_vectors: [N, D], NaN rows where missing.
            text_vectors: [N, D], NaN rows where missing.

        Returns:
            Labels (None where no head fits what the row has) and confidences [N] float32 (NaN there).
        """
        labels: list[str | None] = [None] * len(image_vectors)
        confidences = np.full(len(image_vectors), np.nan, dtype=np.float32)
        for modality, rows in self._rows_by_modality(name, image_vectors, text_vectors):
            head = self.by_modality[modality].heads[name]
            matrix, _ = features(image_vectors[rows], text_vectors[rows], modality)
            probabilities = head.probabilities(matrix)
            best = probabilities.argmax(axis=1)
            confidences[rows] = probabilities[np.arange(len(rows)), best]
            for row, code in zip(rows.tolist(), best.tolist(), strict=True):
                labels[row] = head.labels[code]
        return labels, confidences

    def probability(self, name: str, label: str, image_vectors: np.ndarray, text_vectors: np.ndarray) -> np.ndarray:
        """Probability [N] float32 of one label; NaN where no head fits what the row has."""
        chances = np.full(len(image_vectors), np.nan, dtype=np.float32)
        for modality, rows in self._rows_by_modality(name, image_vectors, text_vectors):
            head = self.by_modality[modality].heads[name]
            matrix, _ = features(image_vectors[rows], text_vectors[rows], modality)
            chances[rows] = head.probabilities(matrix)[:, head.labels.index(label)]
        return chances

    def _rows_by_modality(
        self, name: str, image_vectors: np.ndarray, text_vectors: np.ndarray
    ) -> Sequence[tuple[str, np.ndarray]]:
        """Each row under the richest modality that it has and this head knows."""
        has_image, has_text = present_rows(image_vectors), present_rows(text_vectors)
        left = has_image | has_text
        wanted = (("both", has_image & has_text), ("text", has_text), ("image", has_image), ("both", left))
        chosen = []
        for modality, mask in wanted:
            if modality in self.by_modality and name in self.by_modality[modality].heads:
                chosen.append((modality, np.flatnonzero(mask & left)))
                left = left & ~mask
        return chosen
