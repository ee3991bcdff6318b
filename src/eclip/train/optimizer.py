"""AdamW with the parameter groups that contrastive training wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from eclip.train.checks import require_at_least_zero, require_positive, require_share

BETAS = (0.9, 0.98)  # as CLIP: gradients of large contrastive batches change fast


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """How far and how parameters move."""

    lr: float = 1e-3
    """Peak learning rate of layers that start from scratch."""
    pretrained_lr: float = 1e-4
    """Peak learning rate of layers that were trained before."""
    weight_decay: float = 0.1
    """Of matrices; biases, gains and the logit scale are not decayed."""
    warmup_share: float = 0.05
    """Share of the run in which the learning rate rises; it then falls to 0 along a cosine."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are shortened to it."""

    def __post_init__(self) -> None:
        require_positive("optimizer.lr", self.lr)
        require_positive("optimizer.pretrained_lr", self.pretrained_lr)
        require_at_least_zero("optimizer.weight_decay", self.weight_decay)
        require_share("optimizer.warmup_share", self.warmup_share, most_is_open=True)
        require_positive("optimizer.max_grad_norm", self.max_grad_norm)


def make_optimizer(
    module: nn.Module, config: OptimizerConfig, *, pretrained_prefixes: Sequence[str]
) -> torch.optim.AdamW:
    """AdamW over four groups: new or pretrained layers, with or without weight decay.

    Vectors and scalars (biases, gains, the logit scale) are not decayed. Each group keeps its peak learning
    rate as `peak_lr`, for `set_learning_rate`.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            rate = config.pretrained_lr if name.startswith(tuple(pretrained_prefixes)) else config.lr
            decay = config.weight_decay if parameter.ndim >= 2 else 0.0
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
