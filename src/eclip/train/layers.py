"""How deep each layer of a pretrained tower lies, so that those near its input may learn more slowly.

Layers near the input hold what holds anywhere (edges, word pieces), those near the top what they were trained for
(layer-wise learning rate decay: Clark et al., ELECTRA, ICLR 2020).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from timm.models import group_parameters
from torch import nn

_BLOCK = re.compile(r"(?:^|\.)(?:resblocks|layers?|blocks?|h)\.?(\d+)\.(?:(\d+)\.)?")
_INPUT = re.compile(r"embed|class_token|cls_|conv1|bn1|stem|patch|ln_pre|pre_layrnorm|shared|wte|wpe")


def layer_depths(module: nn.Module, pretrained_prefixes: Sequence[str]) -> dict[str, int]:
    """Layers between each pretrained parameter and the topmost pretrained layer of its tower, which is at 0.

    Args:
        module: Its children are towers.
        pretrained_prefixes: Parameters whose names start so were trained before; others have no depth.
    """
    depths: dict[str, int] = {}
    for name, tower in module.named_children():
        layers = {f"{name}.{inside}": layer for inside, layer in tower_layers(tower).items()}
        before = {whole: layer for whole, layer in layers.items() if whole.startswith(tuple(pretrained_prefixes))}
        top = max(before.values(), default=0)
        depths.update({whole: top - layer for whole, layer in before.items()})
    return depths


def tower_layers(tower: nn.Module) -> dict[str, int]:
    """Number of the layer that each parameter of a tower belongs to, from 0 at its input.

    What timm groups is grouped as timm does; in other towers a layer is a numbered block of open_clip or Hugging Face,
    embeddings lie below all blocks, pooling and projection above them.
    """
    names = [name for name, _ in tower.named_parameters()]
    trunk: Any = getattr(tower, "trunk", None)
    if hasattr(trunk, "group_matcher"):
        grouped: dict[str, int] = group_parameters(trunk, trunk.group_matcher(coarse=False), reverse=True)
        layers = {f"trunk.{name}": layer for name, layer in grouped.items()}
        top = max(layers.values()) + 1
        return {name: layers.get(name, top) for name in names}
    blocks = {name: tuple(int(n) for n in found.groups() if n) for name in names if (found := _BLOCK.search(name))}
    order = {block: number for number, block in enumerate(sorted(set(blocks.values())), start=1)}
    top = len(order) + 1
    return {name: order[blocks[name]] if name in blocks else 0 if _INPUT.search(name) else top for name in names}
