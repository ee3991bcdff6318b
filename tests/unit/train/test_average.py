"""The average of weights, computed by hand beside it."""

from __future__ import annotations

import copy

import torch
from torch import nn

from eclip.train.average import WeightAverage


def moved(layer: nn.Module, by: float) -> None:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(by)


def test_it_is_the_moving_average_of_the_weights() -> None:
    layer = nn.Linear(3, 2).double()
    average = WeightAverage(layer, decay=0.6)
    by_hand: torch.Tensor | None = None
    for step in range(6):
        moved(layer, 1.0 + step)
        average.update(layer, step=step)
        stays = min(0.6, 1 - (1 + step) ** (-2 / 3))
        weight = layer.weight.detach()
        by_hand = weight.clone() if by_hand is None else stays * by_hand + (1 - stays) * weight
    assert 1 - 6 ** (-2 / 3) > 0.6  # the decay itself was reached
    torch.testing.assert_close(average.tensors()["weight"], by_hand, rtol=1e-12, atol=1e-12)


def test_it_stands_in_for_the_weights_only_for_a_while() -> None:
    layer = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = WeightAverage(layer, decay=0.5)
    for step in range(3):
        moved(layer, 1.0)
        average.update(layer, step=step)
    own = copy.deepcopy(layer.state_dict())
    with average.in_place_of(layer):
        for name, value in average.tensors().items():
            assert torch.equal(layer.state_dict()[name], value)
        assert not torch.equal(layer[0].weight, own["0.weight"])
    for name, value in own.items():
        assert torch.equal(layer.state_dict()[name], value)


def test_a_restored_average_goes_on_to_the_bit() -> None:
    layer = nn.Linear(3, 2)
    one, other = WeightAverage(layer, decay=0.9), WeightAverage(layer, decay=0.9)
    moved(layer, 0.3)
    one.update(layer, step=0)
    other.restore({name: value.clone() for name, value in one.tensors().items()})
    for average in (one, other):
        moved(layer, 0.7)
        moved(layer, -0.7)
        average.update(layer, step=1)
    assert torch.equal(one.tensors()["weight"], other.tensors()["weight"])
