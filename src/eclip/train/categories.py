"""A term that trains the towers for the category: cross entropy of a linear head on pictures' and titles' features.

Off unless `category.weight` is set. The head is a crutch of the run: it is kept in checkpoints, and not in the model
folder, as `eclip fit` fits calibrated heads on the towers' new vectors. As all terms it sees the features of the whole
batch, so that a step in chunks has exactly the gradients of the whole one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from eclip.errors import StoreError
from eclip.train.accumulate import StreamGradients
from eclip.train.batches import Batch
from eclip.train.checks import require_at_least_zero
from eclip.train.pairs import Pairs, category_numbers
from eclip.train.ranks import Ranks
from eclip.train.sampler import NO_CATEGORY

STREAMS = ("image", "text")
SCALE = 16.0  # features have unit length: without it a head needs weights of that size, step by step
TERM = "category"


@dataclass(frozen=True, kw_only=True)
class CategoryConfig:
    """Training the towers for the category, too."""

    weight: float = 0.0
    """Weight of the cross entropy of the leaf category, for pictures and titles; 0 = off."""

    def __post_init__(self) -> None:
        require_at_least_zero("category.weight", self.weight)


def training_categories(pairs: Pairs, config: CategoryConfig) -> np.ndarray | None:
    """Leaf category of each pair [P], -1 = unknown; None where the term is off.

    Raises:
        StoreError: The term is on and there are not two categories.
    """
    if not config.weight:
        return None
    numbers = category_numbers(pairs, "leaf")
    found = len(np.unique(numbers[numbers != NO_CATEGORY]))
    if found < 2:
        raise StoreError(
            f"category.weight = {config.weight:g}, but the products to train on have {found} categories, at least 2 "
            "are needed: give the feed's category column to `eclip prepare` (--columns category=...) or leave it out"
        )
    return numbers


class CategoryHead(nn.Module):
    """Logits [n, C] of features [n, D]; one for pictures and titles, as they share a space."""

    def __init__(self, embed_dim: int, num_categories: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(num_categories, embed_dim))
        self.bias = nn.Parameter(torch.zeros(num_categories))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits [n, C]."""
        return F.linear(SCALE * features, self.weight, self.bias)


def add_category_term(
    found: StreamGradients,
    features: Mapping[str, torch.Tensor],
    batch: Batch,
    head: CategoryHead,
    *,
    weight: float,
    ranks: Ranks,
) -> StreamGradients:
    """The loss and its gradients with those of the category added; the head's own are left at its parameters.

    The term is the mean over streams of the mean cross entropy over all ranks' products that have the stream and a
    category.

    Args:
        found: Of the other terms.
        features: Stream -> [n, D] of this rank.
        batch: Has `categories`.
        head: Its gradients are set here, and not yet scaled or clipped.
        weight: Of the term.
        ranks: Who trains along.
    """
    leaves = {name: features[name].detach().requires_grad_() for name in STREAMS if name in features}
    head.zero_grad(set_to_none=True)
    local = sum(
        (_stream_loss(name, leaf, batch, head, ranks) for name, leaf in leaves.items()), found.loss.new_zeros(())
    )
    local = weight / len(STREAMS) * local
    if local.requires_grad:
        local.backward()
    for parameter in head.parameters():
        parameter.grad = ranks.add_up(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
    gradients = {
        name: found.features[name] + (0 if name not in leaves or leaves[name].grad is None else leaves[name].grad)
        for name in found.features
    }
    loss = ranks.add_up(local.detach().clone())
    return dataclasses.replace(
        found, loss=found.loss + loss, features=gradients, above_floor={**found.above_floor, TERM: loss}
    )


def _stream_loss(name: str, leaf: torch.Tensor, batch: Batch, head: CategoryHead, ranks: Ranks) -> torch.Tensor:
    """This rank's part of a stream's mean over all ranks."""
    assert batch.categories is not None
    rows = batch.rows_of(name)
    codes = (batch.categories if rows is None else batch.categories[rows]).to(leaf.device)
    count = ranks.add_up((codes != NO_CATEGORY).sum().to(leaf.dtype))
    with torch.autocast(leaf.device.type, enabled=False):
        total = F.cross_entropy(head(leaf), codes, ignore_index=NO_CATEGORY, reduction="sum")
    return total / count.clamp(min=1)
