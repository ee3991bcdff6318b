"""A picture tower in two: the large trunk, which may be frozen, and the small head that ends in the common space.

What a frozen trunk says of a picture never changes, so it can be computed once and kept (locked-image tuning: Zhai et
al., "LiT", CVPR 2022, with a small head that goes on learning).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import nn

from eclip.errors import ConfigError

if TYPE_CHECKING:
    from eclip.model.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class TowerParts:
    """What a picture tower is made of; `head` after `trunk` is the tower.

    Attributes:
        trunk: Pixels [b, 3, H, W] -> pooled vectors [b, F].
        head: Pooled vectors [b, F] -> features [b, D], not yet of unit length.
        trunk_parameters: The trunk's parameters by their names in the tower.
    """

    trunk: Callable[[torch.Tensor], torch.Tensor]
    head: Callable[[torch.Tensor], torch.Tensor]
    trunk_parameters: dict[str, nn.Parameter]


def parts_of(visual: nn.Module) -> TowerParts:
    """Trunk and head of a picture tower, with its own parameters.

    Raises:
        ConfigError: It is of a kind that does not come apart.
    """
    parameters = dict(visual.named_parameters())
    if isinstance(visual, TimmModel):
        own_trunk = {name: value for name, value in parameters.items() if name.startswith("trunk.")}
        return TowerParts(trunk=visual.trunk, head=visual.head, trunk_parameters=own_trunk)
    if isinstance(visual, VisionTransformer) and visual.proj is not None:
        own_trunk = {name: value for name, value in parameters.items() if name != "proj"}
        return TowerParts(
            trunk=lambda pixels: _unprojected(visual, pixels),
            head=lambda vectors: vectors @ visual.proj,
            trunk_parameters=own_trunk,
        )
    raise ConfigError(
        f"locked.pictures = true: a picture tower of the kind {type(visual).__name__} does not come apart into trunk "
        "and head; expected a timm model or a vision transformer"
    )


def lock_trunk(visual: nn.Module) -> None:
    """Let the trunk of a picture tower learn no more.

    Raises:
        ConfigError: As for `parts_of`.
    """
    for parameter in parts_of(visual).trunk_parameters.values():
        parameter.requires_grad_(False)  # noqa: FBT003 - torch's own signature


def trunk_digest(encoder: Encoder) -> str:
    """Digest of all that decides what the trunk says of a picture: its weights, its shape and the transform."""
    visual = encoder.module.visual
    trained = parts_of(visual).trunk_parameters.keys() | dict(visual.named_buffers()).keys()
    digest = hashlib.sha256(
        json.dumps([encoder.model_cfg["vision_cfg"], encoder.preprocess_cfg], sort_keys=True, default=str).encode()
    )
    for name, tensor in visual.state_dict().items():
        if name in trained:
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def _unprojected(visual: VisionTransformer, pixels: torch.Tensor) -> torch.Tensor:
    """What a vision transformer projects: its pooled token [b, width]."""
    projection = visual.proj
    visual.proj = None
    try:
        vectors: torch.Tensor = visual(pixels)
    finally:
        visual.proj = projection
    return vectors
