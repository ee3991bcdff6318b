"""Towers in half precision: what autocast does, and the loss scale that float16 wants.

Only towers compute in half precision. Parameters, features, logits and the loss stay in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import torch

Autocast: TypeAlias = Literal["none", "bf16", "fp16"]

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """How towers compute, and how their gradients are kept within the range of what they compute in.

    The smallest float16 is 6e-8, and the gradient of one feature of a batch of thousands lies below it: the cached
    gradients of features are multiplied by a scale that torch's `GradScaler` lowers after a step with infinities,
    which is left out, and raises after 2,000 good ones. bf16 has the range of float32 and needs none.

    Args:
        kind: none, bf16, fp16.
        device: Where the towers are.
    """

    def __init__(self, kind: Autocast, device: torch.device) -> None:
        self.kind, self.device = kind, device
        self.scaler = torch.amp.GradScaler(device.type, enabled=kind == "fp16")

    def autocast(self) -> torch.autocast:
        """Within it layers compute in half precision. Entered anew for each chunk, as it keeps halved weights."""
        return torch.autocast(self.device.type, dtype=_TYPES.get(self.kind), enabled=self.kind in _TYPES)

    def move(self, optimizer: torch.optim.Optimizer) -> None:
        """Let the optimiser take its step, unless gradients are infinite for want of range."""
        self.scaler.step(optimizer)
        self.scaler.update()

    def lower_scale(self) -> None:
        """Halve the scale after a step whose gradients were infinite, and which was left out."""
        self.scaler.update()

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a checkpoint must hold."""
        if not self.scaler.is_enabled():
            return {}
        state = self.scaler.state_dict()
        return {name: torch.tensor(state[name], dtype=torch.float64) for name in ("scale", "_growth_tracker")}

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from what a checkpoint held."""
        if self.scaler.is_enabled():
            found = {"scale": tensors["scale"].item(), "_growth_tracker": int(tensors["_growth_tracker"])}
            self.scaler.load_state_dict({**self.scaler.state_dict(), **found})
