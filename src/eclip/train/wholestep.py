"""The slow twin of a training step: each tower once over the whole batch, matrices of all pairs, autograd alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import nn
from torch.nn import functional as F

from eclip.model.encoder import Encoder
from eclip.train.batches import Batch
from eclip.train.dense import dense_loss
from eclip.train.step import TrainStep
from eclip.train.viewloss import FALL_BACK, SIDES

Gradients: TypeAlias = dict[str, torch.Tensor]


def gradients_of_whole(step: TrainStep, batch: Batch) -> Gradients:
    """Gradients of autograd alone: one way through each tower, one matrix of all pairs."""
    module, device = step.encoder.module, step.encoder.device
    module.zero_grad(set_to_none=True)
    features = {name: F.normalize(tower(inputs), dim=-1) for name, tower, inputs in streams_of(step.encoder, batch)}
    loss = torch.zeros((), dtype=module.logit_scale.dtype, device=device)
    for name, weight in step.config.views.weights.items():
        left, right = (_laid_out(features, batch, stream) for stream in SIDES[name])
        present, pull = _taking_part(name, batch, device)
        if pull[present].any():
            loss = loss + weight * dense_loss(
                left[present],
                right[present],
                groups=batch.groups.to(device)[present],
                weights=pull[present].to(loss),
                config=step.config.targets,
                logit_scale=module.logit_scale.exp(),
                logit_bias=getattr(module, "logit_bias", None),
            )
    loss.backward()
    return gradients_of(module)


def gradients_of(module: nn.Module) -> Gradients:
    """The gradients that lie at the parameters now."""
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


def streams_of(encoder: Encoder, batch: Batch) -> list[tuple[str, nn.Module, torch.Tensor]]:
    """Each stream that is there, with its tower and what goes into it."""
    module = encoder.module
    streams = [("image", module.visual, batch.pixels), ("text", module.text, batch.tokens)]
    for name, tower, mates in (
        ("mate_image", module.visual, batch.mate_pictures),
        ("mate_text", module.text, batch.mate_titles),
    ):
        if mates is not None:
            streams.append((name, tower, mates.inputs))
    return [(name, tower, inputs.to(encoder.device)) for name, tower, inputs in streams if len(inputs)]


def _laid_out(features: Mapping[str, torch.Tensor], batch: Batch, stream: str) -> torch.Tensor:
    """A stream over all products [b, D]: who has nothing in it stands there with its own picture or title, or zeros."""
    like = next(iter(features.values()))
    if stream in FALL_BACK:
        laid_out = _laid_out(features, batch, FALL_BACK[stream])
    else:
        laid_out = like.new_zeros(len(batch), like.shape[1])
    rows = batch.rows_of(stream)
    places = torch.arange(len(batch)) if rows is None else rows
    return laid_out.index_put((places.to(like.device),), features[stream]) if stream in features else laid_out


def _taking_part(term: str, batch: Batch, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask [b] of the products that a term looks at, and how much each pulls in it, [b]."""
    left, right = SIDES[term]
    has = {stream: _mask(batch, stream, device) for stream in (left, right)}
    if right in FALL_BACK:
        return has[left], has[right].double()
    return has[left] & has[right], batch.weights.to(device)


def _mask(batch: Batch, stream: str, device: torch.device) -> torch.Tensor:
    rows = batch.rows_of(stream)
    mask = torch.zeros(len(batch), dtype=torch.bool, device=device)
    mask[slice(None) if rows is None else rows.to(device)] = True
    return mask
