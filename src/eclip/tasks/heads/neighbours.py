"""A head that looks up the training rows most like a new one: for too few labels to fit anything to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from eclip.errors import ModelError
from eclip.tasks.heads.softmax import softmax
from eclip.tasks.neighbours import nearest_rows

TOP_K = 20
SHARPNESS = 20.0  # of cosines: a neighbour .05 closer weighs e times as much
SMOOTHING = 0.05  # weight of the prior beside neighbours' weights that sum to 1


@dataclass(frozen=True, kw_only=True)
class NeighbourHead:
    """Classes of the nearest training rows, each weighing by how near it is.

    chance = (sum of weights of its neighbours + SMOOTHING prior) / (1 + SMOOTHING), weights a softmax of
    SHARPNESS cosine over the TOP_K nearest.
    """

    labels: tuple[str, ...]
    vectors: np.ndarray  # [R, F] unit rows to look among
    codes: np.ndarray  # [R] int64 class of each
    skip_weight: np.ndarray | None = None  # [C, F] float32; logits are the log chances + features @ skip_weight.T

    @classmethod
    def of(cls, matrix: np.ndarray, codes: np.ndarray, labels: tuple[str, ...]) -> NeighbourHead:
        """Look among features [R, F] with classes [R], all labelled."""
        return cls(labels=labels, vectors=_unit(matrix), codes=codes.astype(np.int64))

    @property
    def num_features(self) -> int:
        """Width of what it reads."""
        return int(self.vectors.shape[1])

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """What is stored of it, by name."""
        found = {"vectors": self.vectors.astype(np.float16), "codes": self.codes}
        return found if self.skip_weight is None else found | {"skip_weight": self.skip_weight}

    def with_skip(self, weight: np.ndarray) -> NeighbourHead:
        """The same with logits features @ weight.T added, weight [C, F]."""
        return replace(self, skip_weight=weight)

    def probabilities(self, matrix: np.ndarray | sparse.csr_matrix) -> np.ndarray:
        """Class probabilities [N, C] of features [N, F].

        Raises:
            ModelError: The features are of another width than those it looks among.
        """
        if matrix.shape[1] != self.num_features:
            raise ModelError(
                f"the head was fitted on {self.num_features} features, found {matrix.shape[1]}: the "
                "vectors are of another model; run `eclip fit` with this one"
            )
        rows, cosines = nearest_rows(_unit(np.asarray(matrix)), self.vectors, TOP_K)
        found = self.answers(rows, cosines)
        if self.skip_weight is None:
            return found
        return softmax(np.log(found) + matrix @ self.skip_weight.T)

    def answers(self, rows: np.ndarray, cosines: np.ndarray) -> np.ndarray:
        """Class probabilities [N, C] from neighbours [N, K] and their cosines; row -1 = no neighbour."""
        weights = np.exp(SHARPNESS * (cosines - cosines.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        found = np.zeros((len(rows), len(self.labels)), dtype=np.float32)
        places, ranks = np.nonzero(rows >= 0)
        np.add.at(found, (places, self.codes[rows[places, ranks]]), weights[places, ranks])
        counts = np.bincount(self.codes, minlength=len(self.labels)) + 1.0
        return ((found + SMOOTHING * counts / counts.sum()) / (1 + SMOOTHING)).astype(np.float32)


def _unit(matrix: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.maximum(lengths, 1e-12)).astype(np.float32)
