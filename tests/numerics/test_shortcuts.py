"""Short cuts through layers give the values and gradients of the layers as their libraries run them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import timm
import torch
from timm.layers import BatchNormAct2d
from timm.layers.conv2d_same import Conv2dSame
from torch import nn

from eclip.model.folding import foldable_pairs
from eclip.train.accumulate import TowerInputs, accumulate
from eclip.train.depthwise import large_depthwise
from eclip.train.lookups import large_tables
from eclip.train.shortcuts import Shortcuts
from eclip.train.statistics import freeze_batch_statistics


def disturbed(module):
    """In float64, in training mode with frozen statistics that are not 0 and 1, and with uneven gains."""
    torch.manual_seed(0)
    module.double().train()
    freeze_batch_statistics(module)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.3, 3)
            if part.affine:
                nn.init.normal_(part.weight)
                nn.init.normal_(part.bias)
    return module


def outcome(module, inputs, shortcuts):
    """Output, its loss's gradients by parameter, and the gradient of the inputs."""
    module.zero_grad(set_to_none=True)
    leaf = inputs.clone().requires_grad_(inputs.is_floating_point())
    torch.manual_seed(1)
    with shortcuts.taken():
        output = module(leaf)
        (output * torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)).sum().backward()
    gradients = {name: p.grad for name, p in module.named_parameters()}
    return output.detach(), {**gradients, "inputs": leaf.grad}


def assert_same(module, inputs):
    plain_output, plain = outcome(module, inputs, Shortcuts())
    quick_output, quick = outcome(module, inputs, Shortcuts.of(module))
    torch.testing.assert_close(quick_output, plain_output, rtol=1e-10, atol=1e-10)
    for name, gradient in plain.items():
        if gradient is None:
            assert quick[name] is None, name
        else:
            torch.testing.assert_close(quick[name], gradient, rtol=1e-9, atol=1e-9, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("norm", [nn.BatchNorm2d, lambda c: nn.BatchNorm2d(c, affine=False), BatchNormAct2d])
def test_a_convolution_and_its_frozen_normalisation_are_one(bias, norm):
    module = disturbed(nn.Sequential(nn.Conv2d(3, 8, 3, bias=bias), norm(8)))
    assert len(foldable_pairs(module)) == 1
    assert_same(module, torch.randn(2, 3, 7, 7, dtype=torch.float64))


def test_relu6_in_place_needs_no_copy_and_stops_gradients_at_both_ends():
    norm = BatchNormAct2d(6, act_layer=nn.ReLU6)
    module = disturbed(nn.Sequential(nn.Conv2d(3, 6, 1, bias=False), norm))
    with torch.no_grad():
        norm.weight.mul_(5)
    inputs = torch.randn(4, 3, 5, 5, dtype=torch.float64)
    output = module(inputs)
    assert (output == 0).any()
    assert (output == 6).any()
    assert_same(module, inputs)


def test_what_is_needed_before_its_normalisation_stays():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.again = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)

        def forward(self, x):
            before = self.conv(x)
            return self.norm(before) + before + self.again(self.again(self.conv(x)))

    module = disturbed(Twice())
    assert foldable_pairs(module) == []
    assert_same(module, torch.randn(2, 3, 4, 4, dtype=torch.float64))


def test_a_tower_that_can_not_be_traced_is_folded_where_its_parts_can():
    class Choosy(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))

        def forward(self, x):
            return self.body(x) if x.sum() > 0 else self.body(-x)

    module = disturbed(Choosy())
    assert len(foldable_pairs(module)) == 1
    assert_same(module, torch.randn(2, 3, 4, 4, dtype=torch.float64))


def test_statistics_of_the_batch_are_not_folded():
    module = disturbed(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)))
    module[1].train()
    assert_same(module, torch.randn(5, 3, 4, 4, dtype=torch.float64))


def test_frozen_parameters_get_no_gradient():
    module = disturbed(nn.Sequential(nn.Conv2d(3, 4, 1), BatchNormAct2d(4), nn.Conv2d(4, 4, 5, groups=4, padding=2)))
    module[0].requires_grad_(False)
    module[2].weight.requires_grad_(False)
    assert_same(module, torch.randn(2, 3, 6, 6, dtype=torch.float64))


@pytest.mark.parametrize("kind", [nn.Conv2d, Conv2dSame])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("side", [5, 6, 9])
def test_large_depthwise_kernels(kind, stride, side):
    layer = kind(6, 6, (5, 7), stride=stride, groups=6, padding=(2, 3), bias=stride == 2)
    module = disturbed(nn.Sequential(layer))
    assert large_depthwise(module) == [layer]
    assert_same(module, torch.randn(3, 6, side, side + 1, dtype=torch.float64))


def test_a_large_table_gathers_what_each_chunk_adds():
    table = nn.Embedding(1_000, 4, padding_idx=0)
    module = disturbed(nn.Sequential(table, nn.Linear(4, 2)))
    assert large_tables(module) == [table]
    assert_same(module, torch.tensor([[5, 5, 7], [999, 0, 0]]))


def test_a_whole_tower_in_chunks():
    tower = disturbed(timm.create_model("tf_efficientnet_lite0", num_classes=4))
    shortcuts = Shortcuts.of(tower)
    assert len(shortcuts.folds) == sum(isinstance(part, nn.BatchNorm2d) for part in tower.modules())
    assert len(shortcuts.depthwise) == 9
    pixels = torch.randn(6, 3, 32, 32, dtype=torch.float64)
    titles = torch.randn(6, 4, dtype=torch.float64)

    def gradients(ways, chunk_size, kept_bytes):
        tower.zero_grad(set_to_none=True)
        with ways.taken():
            accumulate(
                {
                    "image": TowerInputs(tower=tower, inputs=pixels, chunk_size=chunk_size),
                    "text": TowerInputs(tower=lambda x: x, inputs=titles.requires_grad_(), chunk_size=6),
                },
                lambda of: SimpleNamespace(features={"image": of["image"] * of["text"], "text": of["image"]}),
                parameters=tower.parameters(),
                kept_bytes=kept_bytes,
            )
        return [parameter.grad for parameter in tower.parameters()]

    whole = gradients(Shortcuts(), 6, 0)
    for kept_bytes in (0, 1 << 30):
        for quick, plain in zip(gradients(shortcuts, 4, kept_bytes), whole, strict=True):
            torch.testing.assert_close(quick, plain, rtol=1e-8, atol=1e-8 * plain.abs().max().item() + 1e-12)


def test_layers_are_as_before_after_a_fault():
    module = disturbed(nn.Sequential(nn.Conv2d(3, 4, 1), BatchNormAct2d(4), nn.Conv2d(4, 4, 5, groups=4)))
    before = dict(module.named_parameters())
    with pytest.raises(RuntimeError, match="a fault"), Shortcuts.of(module).taken():
        raise RuntimeError("a fault")
    assert all(before[name] is parameter for name, parameter in module.named_parameters())
    assert not any("forward" in vars(part) for part in module.modules())
