"""AdamW or LAMB with the parameter groups that contrastive training wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from timm.optim import Lamb
from torch import nn

from eclip.errors import ConfigError
from eclip.train.checks import require_at_least_zero, require_choice, require_positive, require_share
from eclip.train.layers import layer_depths

OptimizerName: TypeAlias = Literal["adamw", "lamb"]

BETAS = (0.9, 0.98)  # as CLIP: gradients of large contrastive batches change fast
EPS = 1e-6


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """How far and how parameters move."""

    name: OptimizerName = "adamw"
    """adamw, or lamb: each matrix moves in proportion to its own length, for very large batches (You et al., 2020)."""
    lr: float = 1e-3
    """Peak learning rate of layers that start from scratch."""
    pretrained_lr: float = 1e-4
    """Peak learning rate of layers that were trained before."""
    layer_decay: float = 1.0
    """Share of its rate that each layer of a pretrained tower leaves the one below; 1 = all learn alike."""
    weight_decay: float = 0.1
    """Of matrices; biases, gains and the logit scale are not decayed."""
    warmup_share: float = 0.05
    """Share of the run in which the learning rate rises; it then falls to 0 along a cosine."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are shortened to it."""
    ema_decay: float | None = None
    """Share of the average of weights that stays at each step (.999), once it has warmed up; the average is what is
    validated and saved. None = the last weights are."""
    frozen: tuple[str, ...] = ()
    """Parts that stay as they are, by the beginning of their parameters' names: visual.trunk, text, logit_scale."""

    def __post_init__(self) -> None:
        require_choice("optimizer.name", self.name, get_args(OptimizerName))
        require_positive("optimizer.lr", self.lr)
        require_positive("optimizer.pretrained_lr", self.pretrained_lr)
        require_share("optimizer.layer_decay", self.layer_decay, least_is_open=True)
        require_at_least_zero("optimizer.weight_decay", self.weight_decay)
        require_share("optimizer.warmup_share", self.warmup_share, most_is_open=True)
        require_positive("optimizer.max_grad_norm", self.max_grad_norm)
        if self.ema_decay is not None:
            require_share("optimizer.ema_decay", self.ema_decay, least_is_open=True, most_is_open=True)
        if isinstance(self.frozen, str) or not all(isinstance(name, str) and name for name in self.frozen):
            raise ConfigError(f'optimizer.frozen = {self.frozen!r}: expected names of parts, such as ["visual.trunk"]')
        object.__setattr__(self, "frozen", tuple(self.frozen))  # a list of a file becomes a tuple


def make_optimizer(
    module: nn.Module, config: OptimizerConfig, *, pretrained_prefixes: Sequence[str]
) -> torch.optim.Optimizer:
    """AdamW or LAMB over groups of one peak learning rate, with or without weight decay.

    Vectors and scalars (biases, gains, the logit scale) are not decayed, and LAMB moves them as Adam does. Each group
    keeps its peak learning rate as `peak_lr`, for `set_learning_rate`. Clipping gradients is the caller's.
    """
    groups = [
        {"params": parameters, "lr": rate, "peak_lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in _grouped(module, config, pretrained_prefixes).items()
    ]
    if config.name == "lamb":
        lamb: torch.optim.Optimizer = Lamb(groups, betas=BETAS, eps=EPS, max_grad_norm=None)
        return lamb
    # Not fused, though that takes a quarter of the time (of 1 % of a step): on a CPU it pairs the wrong numbers, and
    # says nothing, where a weight is channels-last and its gradient or state is not, as after a sum over ranks.
    return torch.optim.AdamW(groups, betas=BETAS, eps=EPS)


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set each group's learning rate to `factor` of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["peak_lr"]


def group_steps(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Steps taken, where an optimiser counts them for a whole group (LAMB does, AdamW for each parameter)."""
    steps = {str(index): group["step"] for index, group in enumerate(optimizer.param_groups) if "step" in group}
    return {index: torch.as_tensor(step, dtype=torch.float32) for index, step in steps.items()}


def restore_group_steps(optimizer: torch.optim.Optimizer, steps: Mapping[str, torch.Tensor]) -> None:
    """Put back what `group_steps` gave."""
    for index, step in steps.items():
        optimizer.param_groups[int(index)]["step"] = step.clone()


def lay_out_state(optimizer: torch.optim.Optimizer) -> None:
    """Lay the state of each parameter out in memory as the parameter is; what was read from a file is contiguous.

    Sums over a channels-last weight and over contiguous state add up in another order: a resumed run would differ from
    an uninterrupted one in the last bit.
    """
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if value.shape == parameter.shape and value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _grouped(
    module: nn.Module, config: OptimizerConfig, pretrained_prefixes: Sequence[str]
) -> dict[tuple[float, float], list[nn.Parameter]]:
    """(peak learning rate, weight decay) -> parameters that learn."""
    depths = layer_depths(module, pretrained_prefixes)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            rate = config.pretrained_lr * config.layer_decay ** depths[name] if name in depths else config.lr
            decay = config.weight_decay if parameter.ndim >= 2 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    return groups
