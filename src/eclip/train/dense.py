"""The contrastive losses as formulas write them, over matrices of all pairs: slow, obvious, and left to autograd.

What the tiled ones must equal; `eclip train --self-check` holds a step against them.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from eclip.train.targets import TargetConfig


def dense_loss(
    image: torch.Tensor,
    text: torch.Tensor,
    *,
    groups: torch.Tensor,
    weights: torch.Tensor,
    config: TargetConfig,
    logit_scale: torch.Tensor,
    logit_bias: torch.Tensor | None,
) -> torch.Tensor:
    """The loss that a recipe wants, as a scalar within the graph.

    Args:
        image: [B, D] unit rows.
        text: [B, D] unit rows.
        groups: [B] loss groups.
        weights: [B].
        config: Which loss over which targets.
        logit_scale: Scalar that multiplies cosines (not its logarithm).
        logit_bias: Scalar that is added to them for the sigmoid; the softmax has none.
    """
    unit = torch.eye(len(image), dtype=image.dtype, device=image.device)
    same = (groups[:, None] == groups[None]).to(image.dtype)
    share = config.mixing if config.kind == "catalog" else 0.0
    logits = logit_scale * image @ text.T
    if config.loss == "sigmoid" and logit_bias is not None:
        logits = logits + logit_bias
    if config.kind == "mask":
        logits = logits.masked_fill((same - unit).bool(), torch.finfo(logits.dtype).min)
    if config.loss == "sigmoid":
        labels = (1 - share) * unit + share * same
        each = -labels * F.logsigmoid(logits) - (1 - labels) * F.logsigmoid(-logits)
        return ((weights[:, None] + weights) / 2 * each).sum() / weights.sum()
    wanted = (1 - share) * unit + share * same / same.sum(dim=1, keepdim=True)
    by_picture, by_title = logits.log_softmax(dim=1), logits.log_softmax(dim=0)
    return -(wanted * (weights[:, None] * by_picture + weights * by_title)).sum() / (2 * weights.sum())
