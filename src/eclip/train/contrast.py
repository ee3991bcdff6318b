"""The loss that a recipe contrasts a batch with, and the two scalars that belong to it: logit scale and logit bias.

CLIP's softmax asks which of all titles is a picture's; SigLIP's sigmoid asks of each pair alone whether it belongs
together. The second needs a bias: most of B x B pairs do not.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from eclip.model.encoder import Encoder
from eclip.train.targets import LossKind
from eclip.train.tiles import Gathered, LossAndGradients, sigmoid_gradients, softmax_gradients

SIGMOID_LOGIT_SCALE = math.log(10)  # where SigLIP starts (Zhai et al., ICCV 2023, section 3.2)


def contrast_gradients(batch: Gathered, module: nn.Module, *, loss: LossKind) -> LossAndGradients:
    """Loss of a batch and its gradients, at the model's logit scale (and bias).

    Made in the precision of the features, whatever autocast the towers run under.

    Args:
        batch: Features of all ranks.
        module: Holds `logit_scale` (log value), and `logit_bias` for the sigmoid.
        loss: Which one.

    Returns:
        Gradients for the features, the logit scale (not its logarithm) and the logit bias.
    """
    scale = _scalar_like(module.logit_scale, batch.image).exp()
    with torch.autocast(batch.image.device.type, enabled=False):
        if loss == "softmax":
            return softmax_gradients(batch, scale)
        return sigmoid_gradients(batch, scale, _scalar_like(module.logit_bias, batch.image))


def add_bias_gradient(module: nn.Module, logit_bias: torch.Tensor, *, loss: LossKind) -> None:
    """Give the logit bias its gradient, once for the whole batch: every rank has all of it."""
    if loss == "sigmoid" and module.logit_bias.requires_grad:
        bias = module.logit_bias
        bias.grad = logit_bias.to(bias).reshape(bias.shape)


def fit_to_loss(encoder: Encoder, loss: LossKind, *, batch_size: int) -> Encoder:
    """Give an encoder what its loss needs before its first step; returns the same.

    For the sigmoid, a model without a logit bias, or with towers from scratch, begins at SigLIP's scale, and at a bias
    of -ln B: of B pictures one belongs to a title, and a model that knows nothing should say so. (SigLIP's -10 is that
    of its batches of 22 thousand; in small ones all features first run together, to make up for it.) A model that was
    trained with a bias keeps both. What is set stands in `model_cfg` too, so that the saved model is made with a bias,
    by eclip and by plain open_clip.
    """
    module = encoder.module
    has_bias = getattr(module, "logit_bias", None) is not None
    if loss == "sigmoid" and not (has_bias and encoder.pretrained_prefixes):
        with torch.no_grad():
            module.logit_scale.fill_(SIGMOID_LOGIT_SCALE)
        bias = -math.log(batch_size)
        module.logit_bias = nn.Parameter(torch.full_like(module.logit_scale, bias))
        scalars = {"init_logit_scale": SIGMOID_LOGIT_SCALE, "init_logit_bias": bias}
        encoder.model_cfg = {**encoder.model_cfg, **scalars}
    return encoder


def _scalar_like(parameter: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """A scalar parameter, whatever its shape, where the features are and as precise, outside the graph."""
    return parameter.detach().reshape(()).to(features)
