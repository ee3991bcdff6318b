"""A folded copy is the same function with fewer layers, and where folding would change it, nothing is folded."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from eclip.model.folding import folded_copy


def with_statistics(module: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(generator=generator)
            part.running_var.uniform_(0.5, 2, generator=generator)
    return module.eval()


def norms(module: nn.Module) -> int:
    return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())


PIXELS = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_the_same_function_with_fewer_layers() -> None:
    tower = with_statistics(timm.create_model("test_efficientnet", num_classes=7))
    before = {name: value.clone() for name, value in tower.state_dict().items()}
    folded = folded_copy(tower, PIXELS)
    assert norms(tower) > 5
    assert norms(folded) == 0
    other = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(folded(other), tower(other), atol=1e-4, rtol=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in tower.state_dict().items())


class UsedTwice(nn.Module):
    """The convolution's output goes past the normalisation, too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        return x + self.norm(x)


class CalledTwice(UsedTwice):
    """One normalisation after two convolutions."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x)) + self.norm(self.conv(x * 2))


@pytest.mark.parametrize("kind", [UsedTwice, CalledTwice])
def test_what_folding_would_change_is_left(kind: type[nn.Module]) -> None:
    tower = with_statistics(kind())
    folded = folded_copy(tower, PIXELS)
    assert norms(folded) == 1
    torch.testing.assert_close(folded(PIXELS), tower(PIXELS))
