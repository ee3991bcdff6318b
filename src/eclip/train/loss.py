"""The contrastive loss over soft targets, in float32, both ways."""

from __future__ import annotations

import torch


def contrastive_loss(
    image_features: torch.Tensor,
    text_features: torch.Tensor,
    logit_scale: torch.Tensor,
    targets: torch.Tensor,
    weights: torch.Tensor,
) -> torch.Tensor:
    """Soft-label contrastive loss of a batch, a scalar.

    L = 1/(2 sum w) sum_i w_i sum_j q_ij (-log p_ij - log r_ji), where p is the softmax over titles for picture i
    and r that over pictures for title i (our reading of e-CLIP, Shin et al., CIKM 2022). With identity targets and
    equal weights it is CLIP's loss (Radford et al., 2021).

    Args:
        image_features: [B, D], unit rows.
        text_features: [B, D], unit rows.
        logit_scale: Scalar that multiplies cosines (not its logarithm).
        targets: q[B, B], symmetric, rows sum to 1.
        weights: w[B], how much each pair counts.
    """
    logits = logit_scale * image_features @ text_features.T
    to_text = -(targets * logits.log_softmax(dim=1)).sum(dim=1)
    to_image = -(targets * logits.T.log_softmax(dim=1)).sum(dim=1)
    return (weights * (to_text + to_image)).sum() / (2 * weights.sum())


def loss_floor(targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The smallest value the loss can take: the weighted mean entropy of q[B, B]; 0 for identity targets."""
    entropy = -torch.special.xlogy(targets, targets).sum(dim=1)
    return (weights * entropy).sum() / weights.sum()
