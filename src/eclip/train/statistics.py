"""Layers that normalise by statistics of the batch: kept at their stored ones, or refused.

With statistics of a chunk a chunked step would not be that of its whole batch, nor would a pair's vector be its own.
What no rule here knows, `eclip train --self-check` finds by its effect.
"""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from eclip.errors import ConfigError

_STORED = ("running_mean", "running_var")  # as torch names them, and whoever writes such a layer anew


def freeze_batch_statistics(module: nn.Module) -> None:
    """Put every layer that keeps running statistics into evaluation mode: it then uses those.

    Batch and instance normalisation of torch, its synchronised kind, timm's and others' that store statistics alike.

    Raises:
        ConfigError: A batch normalisation stores none, and so knows only its batch.
    """
    for name, part in module.named_modules():
        stores = any(getattr(part, statistic, None) is not None for statistic in _STORED)
        if stores:
            part.eval()
        elif isinstance(part, _BatchNorm):
            raise ConfigError(
                f"layer {name} ({type(part).__name__}) keeps no running statistics and normalises by its batch alone; "
                "a step in chunks would not be that of the whole batch: make it with track_running_stats=True, or take "
                "an encoder with layer or group normalisation"
            )
