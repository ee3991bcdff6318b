"""AdamW with the parameter groups that contrastive training wants."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

BETAS = (0.9, 0.98)  # as CLIP: gradients of large contrastive batches change fast


def make_optimizer(
    module: nn.Module,
    *,
    lr: float,
    pretrained_lr: float,
    weight_decay: float,
    pretrained_prefixes: Sequence[str],
) -> torch.optim.AdamW:
    """AdamW over four groups: new or pretrained layers, with or without weight decay.

    Vectors and scalars (biases, gains, the logit scale) are not decayed. Each group keeps its peak learning
    rate as `peak_lr`, for `set_learning_rate`.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            rate = pretrained_lr if name.startswith(tuple(pretrained_prefixes)) else lr
            decay = weight_decay if parameter.ndim >= 2 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "lr": rate, "peak_lr": rate, "weight_decay": decay}
            for (rate, decay), parameters in groups.items()
        ],
        betas=BETAS,
        eps=1e-6,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set each group's learning rate to `factor` of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["peak_lr"]
