"""What is optimised side by side when heads are fitted: linear maps under several decays, and one with a hidden layer.

Each holds the classes of all heads in its columns, over standardised features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from eclip.tasks.heads.linear import Head

HIDDEN_WIDTH = 256
HIDDEN_LEARNING_RATE = 2e-3  # of the linear heads' 1e-2: a hidden layer diverges at that
HIDDEN_WEIGHT_DECAY = 0.3
HIDDEN_DROPOUT = 0.3  # of hidden units while fitting: rare classes are learned by heart else


@dataclass(frozen=True, kw_only=True)
class State:
    """One head as it was at some epoch, over standardised features."""

    weight: np.ndarray  # [C, F], or [C, H] over hidden units
    bias: np.ndarray  # [C]
    hidden_weight: np.ndarray | None = None  # [H, F]
    hidden_bias: np.ndarray | None = None  # [H]

    def head(self, labels: tuple[str, ...], shift: np.ndarray | float, mean: np.ndarray, scale: np.ndarray) -> Head:
        """The same over raw features: W' = W * scale, b' = b - W' mean.

        Args:
            labels: Of its classes.
            shift: Taken off its biases [C].
            mean: Of the features [F].
            scale: Of the features [F], what standardising multiplies by.
        """
        if self.hidden_weight is None or self.hidden_bias is None:
            raw = self.weight * scale
            return Head(labels=labels, weight=_single(raw), bias=_single(self.bias - shift - raw @ mean))
        raw = self.hidden_weight * scale
        return Head(
            labels=labels,
            weight=_single(self.weight),
            bias=_single(self.bias - shift),
            hidden_weight=_single(raw),
            hidden_bias=_single(self.hidden_bias - raw @ mean),
        )


class Network(Protocol):
    """Logits of all heads, and how they are learned."""

    def logits(self, rows: torch.Tensor, *, training: bool) -> torch.Tensor:
        """[n, F] -> [n, classes of all heads]."""

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups for AdamW."""

    def state(self) -> list[np.ndarray]:
        """A copy of all parameters."""

    def head_state(self, state: list[np.ndarray], columns: slice) -> State:
        """The part of such a copy that one head needs."""


class LinearNetwork:
    """One matrix and bias."""

    def __init__(self, num_features: int, prior: np.ndarray, *, weight_decay: float) -> None:
        self.weight = torch.zeros(len(prior), num_features, requires_grad=True)
        self.bias = torch.from_numpy(prior.astype(np.float32)).clone().requires_grad_()
        self.weight_decay = weight_decay

    def logits(self, rows: torch.Tensor, *, training: bool) -> torch.Tensor:  # noqa: ARG002 - the same in training
        """Rows [n, F] -> [n, classes of all heads]."""
        return torch.addmm(self.bias, rows, self.weight.T)

    def groups(self) -> list[dict[str, Any]]:
        """The matrix is decayed, the bias is not."""
        return [
            {"params": [self.weight], "weight_decay": self.weight_decay},
            {"params": [self.bias], "weight_decay": 0.0},
        ]

    def state(self) -> list[np.ndarray]:
        """Weight and bias."""
        return [each.detach().numpy().copy() for each in (self.weight, self.bias)]

    def head_state(self, state: list[np.ndarray], columns: slice) -> State:
        """The rows of one head."""
        weight, bias = state
        return State(weight=weight[columns], bias=bias[columns])


class HiddenNetwork:
    """One hidden layer of rectified units that all heads share while they are fitted; each head keeps its own copy."""

    def __init__(self, num_features: int, prior: np.ndarray, *, seed: int) -> None:
        self.drawn = torch.Generator().manual_seed(seed)
        first = torch.randn(HIDDEN_WIDTH, num_features, generator=self.drawn) * (2 / num_features) ** 0.5
        self.hidden_weight = first.requires_grad_()
        self.hidden_bias = torch.zeros(HIDDEN_WIDTH, requires_grad=True)
        self.weight = torch.zeros(len(prior), HIDDEN_WIDTH, requires_grad=True)
        self.bias = torch.from_numpy(prior.astype(np.float32)).clone().requires_grad_()

    def logits(self, rows: torch.Tensor, *, training: bool) -> torch.Tensor:
        """Rows [n, F] -> [n, classes of all heads]."""
        hidden = torch.addmm(self.hidden_bias, rows, self.hidden_weight.T).relu()
        if training:
            kept = torch.rand(hidden.shape, generator=self.drawn) >= HIDDEN_DROPOUT
            hidden = hidden * kept / (1 - HIDDEN_DROPOUT)
        return torch.addmm(self.bias, hidden, self.weight.T)

    def groups(self) -> list[dict[str, Any]]:
        """The matrices are decayed, the biases are not; all move more slowly than linear heads."""
        matrices, biases = [self.hidden_weight, self.weight], [self.hidden_bias, self.bias]
        return [
            {"params": matrices, "weight_decay": HIDDEN_WEIGHT_DECAY, "lr": HIDDEN_LEARNING_RATE},
            {"params": biases, "weight_decay": 0.0, "lr": HIDDEN_LEARNING_RATE},
        ]

    def state(self) -> list[np.ndarray]:
        """Weights and biases of both layers."""
        parts = (self.weight, self.bias, self.hidden_weight, self.hidden_bias)
        return [each.detach().numpy().copy() for each in parts]

    def head_state(self, state: list[np.ndarray], columns: slice) -> State:
        """The rows of one head, over all hidden units."""
        weight, bias, hidden_weight, hidden_bias = state
        return State(weight=weight[columns], bias=bias[columns], hidden_weight=hidden_weight, hidden_bias=hidden_bias)


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32)
