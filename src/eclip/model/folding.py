"""Frozen batch normalisation folded into the convolution before it: for the length of a step, or in a copy for good.

With stored statistics y = gamma (W x - mean) / sqrt(var + eps) + beta is one convolution with weights W s and bias
beta - mean s, s = gamma / sqrt(var + eps). So a layer's activations are written, kept and read once instead of twice,
which is what a step on a processor spends its time and memory on. Only s and the folded weights are computed anew;
at the end of the step their gradients go on to W, gamma and beta by the chain rule.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import fx, nn

FoldedPair: TypeAlias = tuple[nn.Conv2d, nn.BatchNorm2d]

_ROUNDING = 1e-3


class _Tracer(fx.Tracer):
    """Follows a tower down to its convolutions and normalisations."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """These two kinds are not looked into, whatever library they are of."""
        return isinstance(m, nn.Conv2d | nn.BatchNorm2d) or super().is_leaf_module(m, module_qualified_name)


def foldable_pairs(module: nn.Module) -> list[FoldedPair]:
    """Convolutions whose output goes into a batch normalisation and nowhere else; none where it can't be told.

    No module may be called in another thread meanwhile: tracing changes what a call does in the whole process.
    """
    if not any(_can_be_folded(part) for part in module.modules()):
        return []
    try:
        graph = _Tracer().trace(module)
    except Exception:  # a tower whose way depends on its input: tracing fails in as many ways as there are towers
        return [pair for child in module.children() for pair in foldable_pairs(child)]
    parts = dict(module.named_modules())
    calls = [parts[str(node.target)] for node in graph.nodes if node.op == "call_module"]
    pairs = []
    for node in graph.nodes:
        norm = parts.get(str(node.target)) if node.op == "call_module" else None
        before = node.args[0] if node.args else None
        if norm is None or not _can_be_folded(norm) or not isinstance(before, fx.Node) or before.op != "call_module":
            continue
        conv = parts[str(before.target)]
        once = len(before.users) == 1 and calls.count(conv) == 1 and calls.count(norm) == 1
        if isinstance(conv, nn.Conv2d) and not isinstance(conv, nn.LazyConv2d) and once:
            pairs.append((conv, norm))
    return pairs


def _can_be_folded(part: nn.Module) -> bool:
    return type(part) in (nn.BatchNorm2d, BatchNormAct2d) and part.running_var is not None


@dataclass(frozen=True)
class _Folded:
    """One folded parameter: what it was computed as, and the leaf that stands in for it meanwhile."""

    computed: torch.Tensor
    leaf: torch.Tensor


@contextmanager
def folded_statistics(pairs: Sequence[FoldedPair]) -> Iterator[None]:
    """Run these pairs as one convolution each; gradients reach their parameters when this ends without a fault.

    Pairs whose normalisation is in training mode are left alone: their statistics are those of the batch.
    """
    frozen = [(conv, norm) for conv, norm in pairs if not norm.training]
    own = [(conv, dict(conv._parameters)) for conv, _ in frozen]
    leaves: list[_Folded] = []
    try:
        for conv, norm in frozen:
            weight, bias = (_Folded(value, value.detach().requires_grad_(value.requires_grad))
                            for value in _folded_parameters(conv, norm))  # fmt: skip
            leaves += [weight, bias]
            swapped: dict[str, Any] = conv._parameters  # as torch.func.functional_call does
            swapped.update(weight=weight.leaf, bias=bias.leaf)
            norm.forward = _after_normalisation(norm)
        yield
    finally:
        for conv, parameters in own:
            conv._parameters.update(parameters)
        for _, norm in frozen:
            norm.__dict__.pop("forward", None)
    learned = [(each.computed, each.leaf.grad) for each in leaves if each.leaf.grad is not None]
    if learned:
        torch.autograd.backward(*zip(*learned, strict=True))


def folded_copy(module: nn.Module, example: torch.Tensor) -> nn.Module:
    """A copy for inference alone: the same function up to rounding, without what can be folded.

    Nothing is traced, so modules may run in other threads meanwhile: which normalisation follows which convolution is
    seen in a run on the example. That a convolution's output goes nowhere else can't be seen so; the folded copy is
    compared on the example, and where it is another function an unfolded one is returned.

    Args:
        module: A tower.
        example: What it takes, [b, ...]; neither constant nor empty.
    """
    copied = _for_inference(module)
    with torch.inference_mode():
        expected = copied(example)
    pairs = {norm: conv for conv, norm in _pairs_seen(copied, example)}
    for parent in list(copied.modules()):
        for name, child in list(parent.named_children()):
            conv = pairs.get(child)
            if conv is None:
                continue
            weight, bias = _folded_parameters(conv, child)
            conv.weight = nn.Parameter(weight, requires_grad=False)
            conv.bias = nn.Parameter(bias, requires_grad=False)
            setattr(parent, name, child.act if isinstance(child, BatchNormAct2d) else nn.Identity())
    copied = copied.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        found = copied(example)
    is_same = torch.allclose(found, expected, rtol=_ROUNDING, atol=_ROUNDING * float(expected.abs().max()))
    return copied if is_same else _for_inference(module)


def _for_inference(module: nn.Module) -> nn.Module:
    return copy.deepcopy(module).eval().requires_grad_(requires_grad=False).to(memory_format=torch.channels_last)


def _pairs_seen(module: nn.Module, example: torch.Tensor) -> list[FoldedPair]:
    """Convolutions, called once, whose very output a normalisation took, called once."""
    outputs: list[tuple[torch.Tensor, nn.Conv2d]] = []  # kept, so that no two have one id
    seen: list[FoldedPair] = []
    calls: list[nn.Module] = []

    def after_convolution(conv: nn.Module, _: Any, output: torch.Tensor) -> None:
        calls.append(conv)
        outputs.append((output, conv))  # type: ignore[arg-type]

    def before_normalisation(norm: nn.Module, given: tuple[Any, ...]) -> None:
        calls.append(norm)
        seen.extend((conv, norm) for output, conv in outputs if output is given[0])  # type: ignore[misc]

    hooks = [part.register_forward_hook(after_convolution) for part in module.modules() if isinstance(part, nn.Conv2d)]
    hooks += [part.register_forward_pre_hook(before_normalisation) for part in module.modules() if _can_be_folded(part)]
    try:
        with torch.inference_mode():
            module(example)
    finally:
        for hook in hooks:
            hook.remove()
    return [(conv, norm) for conv, norm in seen if calls.count(conv) == calls.count(norm) == 1]


def _folded_parameters(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and bias of the one convolution, within the graph."""
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = (norm.running_var + norm.eps).rsqrt()
    if norm.affine:
        scale = scale * norm.weight
    mean = norm.running_mean if conv.bias is None else norm.running_mean - conv.bias
    bias = -mean * scale
    return conv.weight * scale.reshape(-1, 1, 1, 1), bias + norm.bias if norm.affine else bias


def _after_normalisation(norm: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """What else the layer does: timm's holds its activation."""
    if not isinstance(norm, BatchNormAct2d):
        return lambda x: x
    if type(norm.act) is nn.ReLU6 and norm.act.inplace and type(norm.drop) is nn.Identity:
        return _ReLU6InPlace.apply
    return lambda x: norm.act(norm.drop(x))


class _ReLU6InPlace(torch.autograd.Function):
    """min(max(x, 0), 6) in place. torch's own keeps a copy of x for the way back; the result tells as much."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Change x, and keep it as the result that it is now."""
        x.clamp_(0.0, 6.0)
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        """The gradient where the result lies strictly between."""
        return torch.ops.aten.hardtanh_backward(gradients[0], ctx.saved_tensors[0], 0.0, 6.0)
