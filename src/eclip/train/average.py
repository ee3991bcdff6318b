"""The average of a model's weights over its last steps, which often does better than the last of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from timm.utils import ModelEmaV3
from torch import nn


class WeightAverage:
    """Exponential moving average of all weights (Polyak and Juditsky, 1992; timm's `ModelEmaV3`).

    It forgets faster at first, so that a short run isn't weighed down by the weights that it began with: after step t
    (from 0) the share 1 - (1 + t)^(-2/3) stays, until that reaches `decay`.

    Args:
        module: Whose weights; the average begins with them.
        decay: Share of the average that stays at each step in the long run.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._average = ModelEmaV3(module, decay=decay, use_warmup=True)

    def update(self, module: nn.Module, *, step: int) -> None:
        """Take in the weights after a step, counted from 0."""
        self._average.update(module, step=step + 1)

    @contextmanager
    def in_place_of(self, module: nn.Module) -> Iterator[None]:
        """Put the average into the module for a while, then its own weights again.

        The copy that timm averages in is not gone through itself: towers that were given short titles by
        `allow_short_titles` would go through layers of the first module there.
        """
        own = module.state_dict()
        kept = {name: value.clone() for name, value in own.items()}
        with torch.no_grad():
            for name, value in self._average.module.state_dict().items():
                own[name].copy_(value)
        try:
            yield
        finally:
            with torch.no_grad():
                for name, value in kept.items():
                    own[name].copy_(value)

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a checkpoint must hold."""
        tensors: dict[str, torch.Tensor] = self._average.module.state_dict()
        return tensors

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from what a checkpoint held."""
        self._average.module.load_state_dict(dict(tensors))
