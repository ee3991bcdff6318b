"""Heads: several softmax classifiers over one feature matrix.

A head is a matrix and a bias over raw features, or over one hidden layer of its own: the standardisation used in
training is folded in. Fitting
is in `eclip.tasks.heads.training` (torch); using and storing heads needs numpy and safetensors only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from eclip.errors import ModelError
from eclip.tasks.heads.neighbours import NeighbourHead
from eclip.tasks.heads.softmax import softmax
from eclip.tasks.taskfiles import read_versioned, readable, replacing, write_versioned

if TYPE_CHECKING:
    from scipy import sparse

HeadKind: TypeAlias = Literal["linear", "mlp"]

HEADS_VERSION = 2  # 2: hidden layers
HEADS_CONFIG = "heads.json"
HEADS_WEIGHTS = "heads.safetensors"


@dataclass(frozen=True, kw_only=True)
class Target:
    """What one head learns: a class for some rows of a catalogue."""

    name: str
    labels: tuple[str, ...]  # of the classes, C of them
    codes: np.ndarray  # [N] int64 class of each row; -1 = no label, the row is left out
    balanced: bool = False  # weigh classes alike in training, however rare; answers are as probable as ever


@dataclass(frozen=True, kw_only=True)
class Head:
    """One softmax classifier: logits = features @ weight.T + bias, or max(0, hidden layer) in place of features."""

    labels: tuple[str, ...]
    weight: np.ndarray  # [C, F] float32; [C, H] behind a hidden layer
    bias: np.ndarray  # [C] float32
    hidden_weight: np.ndarray | None = None  # [H, F] float32
    hidden_bias: np.ndarray | None = None  # [H] float32
    skip_weight: np.ndarray | None = None  # [C, F] float32, past the hidden layer

    @property
    def num_features(self) -> int:
        """Width of what it reads."""
        return int((self.weight if self.hidden_weight is None else self.hidden_weight).shape[1])

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """What is stored of it, by name."""
        found = {"weight": self.weight, "bias": self.bias}
        if self.hidden_weight is not None and self.hidden_bias is not None:
            found |= {"hidden_weight": self.hidden_weight, "hidden_bias": self.hidden_bias}
        return found if self.skip_weight is None else found | {"skip_weight": self.skip_weight}

    def probabilities(self, matrix: np.ndarray | sparse.csr_matrix) -> np.ndarray:
        """Class probabilities [N, C] of features [N, F].

        Raises:
            ModelError: The features are of another width than those it was fitted on.
        """
        if matrix.shape[1] != self.num_features:
            raise ModelError(
                f"the head was fitted on {self.num_features} features, found {matrix.shape[1]}: the "
                "vectors are of another model; run `eclip fit` with this one"
            )
        seen = matrix
        if self.hidden_weight is not None:
            matrix = np.maximum(matrix @ self.hidden_weight.T + self.hidden_bias, 0)
        logits = matrix @ self.weight.T + self.bias
        if self.skip_weight is not None:
            logits += seen @ self.skip_weight.T
        return softmax(logits)

    def with_skip(self, weight: np.ndarray) -> Head:
        """The same with logits features @ weight.T added, weight [C, F]."""
        if self.hidden_weight is None:
            return replace(self, weight=self.weight + weight)
        return replace(self, skip_weight=weight)


AnyHead: TypeAlias = Head | NeighbourHead


@dataclass(frozen=True)
class LinearHeads:
    """Heads over one feature matrix, by name."""

    heads: dict[str, AnyHead]

    def probabilities(self, name: str, matrix: np.ndarray | sparse.csr_matrix) -> np.ndarray:
        """Class probabilities [N, C] of the head `name` for features [N, F]."""
        return self.heads[name].probabilities(matrix)

    def save(self, folder: Path) -> None:
        """Write the heads as safetensors and JSON (no pickle); an older folder is replaced at once."""
        from safetensors.numpy import save_file

        names = list(self.heads)
        config = {"heads": [{"name": name, "labels": list(self.heads[name].labels)} for name in names]}
        # Names are the feed's and may hold anything: tensors are numbered, JSON keeps the names.
        tensors = {
            f"{i}.{part}": np.ascontiguousarray(tensor)
            for i, name in enumerate(names)
            for part, tensor in self.heads[name].tensors.items()
        }
        with replacing(folder) as aside:
            save_file(tensors, str(aside / HEADS_WEIGHTS))
            write_versioned(aside / HEADS_CONFIG, HEADS_VERSION, config)

    @classmethod
    def load(cls, folder: Path) -> LinearHeads:
        """Read heads that `save` wrote.

        Raises:
            ModelError: They are missing, damaged or of another version.
        """
        from safetensors.numpy import load_file

        with readable(folder, "heads"):
            config = read_versioned(folder / HEADS_CONFIG, HEADS_VERSION)
            tensors = load_file(str(folder / HEADS_WEIGHTS))
            return cls(
                {
                    head["name"]: _head_of(
                        tuple(head["labels"]),
                        {name.split(".", 1)[1]: each for name, each in tensors.items() if name.startswith(f"{i}.")},
                    )
                    for i, head in enumerate(config["heads"])
                }
            )


def _head_of(labels: tuple[str, ...], tensors: dict[str, np.ndarray]) -> AnyHead:
    """A head of its stored tensors."""
    if "vectors" in tensors:
        return NeighbourHead(labels=labels, **{**tensors, "vectors": tensors["vectors"].astype(np.float32)})
    return Head(labels=labels, **tensors)
