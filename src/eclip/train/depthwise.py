"""Depthwise convolutions of large kernels on a processor: their weights' gradient as one more convolution.

The gradient of a depthwise kernel is the correlation of its input with the gradient of its output, picture by picture
and channel by channel: a depthwise convolution whose channels are those of all pictures and whose kernel is the
gradient. oneDNN's own way for kernels of 5 x 5 on small maps takes two to six times as long as this one, and was a
quarter of the way back through EfficientNet-Lite0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import pad_same
from torch import nn
from torch.nn import functional as F

SMALLEST_KERNEL = 5  # for 3 x 3 oneDNN's own way is faster


def large_depthwise(module: nn.Module) -> list[nn.Conv2d]:
    """The layers that gain by it."""
    return [
        part
        for part in module.modules()
        if type(part) in (nn.Conv2d, Conv2dSame)
        and isinstance(part, nn.Conv2d)
        and part.groups == part.in_channels == part.out_channels
        and min(part.kernel_size) >= SMALLEST_KERNEL
        and part.dilation == (1, 1)
        and part.padding_mode == "zeros"
        and not isinstance(part.padding, str)
    ]


@contextmanager
def quick_depthwise(layers: Sequence[nn.Conv2d]) -> Iterator[None]:
    """Send these layers' gradients back the quicker way meanwhile; on a GPU nothing changes."""
    changed = [layer for layer in layers if layer.weight.device.type == "cpu"]
    try:
        for layer in changed:
            layer.forward = _forward_of(layer)
        yield
    finally:
        for layer in changed:
            layer.__dict__.pop("forward", None)


def _forward_of(layer: nn.Conv2d) -> Callable[[torch.Tensor], torch.Tensor]:
    """What the layer computes, with the weights that it has when it is called."""
    if isinstance(layer, Conv2dSame):  # as TensorFlow pads: more at the bottom and right
        return lambda x: _Depthwise.apply(
            pad_same(x, layer.kernel_size, layer.stride), layer.weight, layer.bias, layer.stride, (0, 0)
        )
    return lambda x: _Depthwise.apply(x, layer.weight, layer.bias, layer.stride, layer.padding)


class _Depthwise(torch.autograd.Function):
    """Depthwise convolution: x [b, C, H, W], weight [C, 1, h, w], bias [C] or None -> [b, C, H', W']."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *how: Any) -> torch.Tensor:
        """As torch does it; `how` is stride and padding, pairs."""
        ctx.save_for_backward(x, weight)
        ctx.how = how
        return F.conv2d(x, weight, bias, *how, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """Input and bias as torch does it, weights by `_weight_gradient`."""
        (stride, padding), (x, weight), channels = ctx.how, ctx.saved_tensors, len(ctx.saved_tensors[1])
        needs_input, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        # Asked for the bias, oneDNN computes the weights' gradient too: the sum is made here.
        wanted, dilation, output_padding = [needs_input, False, False], [1, 1], [0, 0]
        how = (stride, padding, dilation, False, output_padding, channels, wanted)
        for_input, _, _ = torch.ops.aten.convolution_backward(gradients[0], x, weight, None, *how)
        for_weight = _weight_gradient(x, gradients[0], weight.shape[2:], *ctx.how) if needs_weight else None
        for_bias = gradients[0].sum((0, 2, 3)) if needs_bias else None
        return for_input, for_weight, for_bias, None, None


def _weight_gradient(
    x: torch.Tensor, gradient: torch.Tensor, kernel: Sequence[int], stride: tuple[int, int], padding: tuple[int, int]
) -> torch.Tensor:
    """sum_b sum_yx x[b, c, s y + i, s x + j] g[b, c, y, x]: [b, C, H, W] and [b, C, H', W'] -> [C, 1, h, w]."""
    pictures, channels, height, width = x.shape
    side_by_side = x.permute(2, 3, 0, 1).reshape(1, height, width, -1).permute(0, 3, 1, 2)  # channels-last
    kernels = gradient.reshape(-1, 1, *gradient.shape[2:])
    taps = F.conv2d(side_by_side, kernels, padding=padding, dilation=stride, groups=pictures * channels)
    # A stride that leaves a rest at the edge makes more taps than the kernel has.
    return taps[:, :, : kernel[0], : kernel[1]].reshape(pictures, channels, *kernel).sum(0)[:, None]
