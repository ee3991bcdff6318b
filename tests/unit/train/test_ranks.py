"""What processes tell each other, on one of them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from eclip.train.ranks import Ranks


def test_a_parameter_that_no_rank_has_a_gradient_for_stays_without(monkeypatch: pytest.MonkeyPatch) -> None:
    used, unused = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2))
    used.grad = torch.full((3,), 2.0)
    monkeypatch.setattr(Ranks, "add_up", lambda self, local: local.mul_(2))  # the other rank has the same
    Ranks(0, 2).add_up_gradients([used, unused])
    assert used.grad.tolist() == [4.0] * 3
    assert unused.grad is None  # 0 would let weight decay shrink it
