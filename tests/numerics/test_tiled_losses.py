"""The tiled losses against what they must equal: the whole matrix and autograd, in float64."""

from __future__ import annotations

import math

import pytest
import torch
from open_clip.loss import ClipLoss
from torch.nn import functional as F

from eclip.train.ranks import Ranks
from eclip.train.targets import TargetConfig, Targets
from eclip.train.tiles import Gathered, LossAndGradients, sigmoid_gradients, softmax_gradients

NUM_PAIRS, EMBED_DIM = 23, 5
KINDS = [("catalog", 1.0), ("catalog", 0.3), ("mask", 1.0), ("identity", 1.0)]
GROUPS = {"none shared": list(range(NUM_PAIRS)), "some": [i // 3 for i in range(NUM_PAIRS)], "one": [4] * NUM_PAIRS}


def drawn(groups: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Unit features, uneven weights and shuffled groups, in float64."""
    draw = torch.Generator().manual_seed(0)
    image, text = (
        F.normalize(torch.randn(NUM_PAIRS, EMBED_DIM, generator=draw, dtype=torch.float64), dim=-1) for _ in range(2)
    )
    weights = torch.rand(NUM_PAIRS, generator=draw, dtype=torch.float64)
    return image, text, weights, torch.tensor(groups)[torch.randperm(NUM_PAIRS, generator=draw)]


def dense_targets(groups: torch.Tensor, kind: str, mixing: float, *, normalised: bool) -> torch.Tensor:
    """q, or the labels y, written out."""
    unit, same = torch.eye(len(groups), dtype=torch.float64), (groups[:, None] == groups[None]).double()
    share = mixing if kind == "catalog" else 0.0
    return (1 - share) * unit + share * (same / same.sum(dim=1, keepdim=True) if normalised else same)


def dense_logits(
    image: torch.Tensor, text: torch.Tensor, scale: torch.Tensor, groups: torch.Tensor, kind: str
) -> torch.Tensor:
    """s, written out."""
    logits = scale * image @ text.T
    mates = (groups[:, None] == groups[None]) & ~torch.eye(len(groups), dtype=torch.bool)
    return logits.masked_fill(mates, -1e300) if kind == "mask" else logits


def dense_softmax(
    image: torch.Tensor,
    text: torch.Tensor,
    scale: torch.Tensor,
    weights: torch.Tensor,
    groups: torch.Tensor,
    kind: str,
    mixing: float,
) -> torch.Tensor:
    """The formula of the paper's reading, over whole matrices."""
    q = dense_targets(groups, kind, mixing, normalised=True)
    logits = dense_logits(image, text, scale, groups, kind)
    rows = (q * logits.log_softmax(dim=1)).sum(dim=1) + (q * logits.T.log_softmax(dim=1)).sum(dim=1)
    return -(weights * rows).sum() / (2 * weights.sum())


def dense_sigmoid(
    image: torch.Tensor,
    text: torch.Tensor,
    scale: torch.Tensor,
    bias: torch.Tensor,
    weights: torch.Tensor,
    groups: torch.Tensor,
    kind: str,
    mixing: float,
) -> torch.Tensor:
    """SigLIP's loss over whole matrices, label by label."""
    y = dense_targets(groups, kind, mixing, normalised=False)
    logits = dense_logits(image, text, scale, groups, kind) + bias
    each = -y * F.logsigmoid(logits) - (1 - y) * F.logsigmoid(-logits)
    share = (weights[:, None] + weights[None]) / 2
    return (share * each).sum() / weights.sum()


def leaves(*values: torch.Tensor) -> list[torch.Tensor]:
    return [value.clone().requires_grad_() for value in values]


def assert_equal(found: LossAndGradients, loss: torch.Tensor, wanted: dict[str, torch.Tensor]) -> None:
    torch.testing.assert_close(found.loss, loss.detach(), rtol=1e-10, atol=1e-10)
    for name, value in wanted.items():
        torch.testing.assert_close(getattr(found, name), value.grad, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("tile_size", [1, 7, 23, 64])
@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS.keys())
@pytest.mark.parametrize(("kind", "mixing"), KINDS)
def test_softmax_loss_and_gradients_equal_the_whole_matrix(
    kind: str, mixing: float, groups: list[int], tile_size: int
) -> None:
    image, text, weights, numbers = drawn(groups)
    u, v, scale = leaves(image, text, torch.tensor(7.5, dtype=torch.float64))
    loss = dense_softmax(u, v, scale, weights, numbers, kind, mixing)
    loss.backward()
    targets = Targets.of_groups(numbers, TargetConfig(kind=kind, mixing=mixing))
    batch = Gathered(image=image, text=text, weights=weights, targets=targets, ranks=Ranks(), tile_size=tile_size)
    found = softmax_gradients(batch, scale.detach())
    assert_equal(found, loss, {"image": u, "text": v, "logit_scale": scale})


@pytest.mark.parametrize("tile_size", [1, 7, 23, 64])
@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS.keys())
@pytest.mark.parametrize(("kind", "mixing"), KINDS)
def test_sigmoid_loss_and_gradients_equal_the_whole_matrix(
    kind: str, mixing: float, groups: list[int], tile_size: int
) -> None:
    image, text, weights, numbers = drawn(groups)
    u, v, scale, bias = leaves(image, text, *torch.tensor([7.5, -4.0], dtype=torch.float64))
    loss = dense_sigmoid(u, v, scale, bias, weights, numbers, kind, mixing)
    loss.backward()
    targets = Targets.of_groups(numbers, TargetConfig(kind=kind, mixing=mixing))
    batch = Gathered(image=image, text=text, weights=weights, targets=targets, ranks=Ranks(), tile_size=tile_size)
    found = sigmoid_gradients(batch, scale.detach(), bias.detach())
    assert_equal(found, loss, {"image": u, "text": v, "logit_scale": scale, "logit_bias": bias})


@pytest.mark.parametrize("kind", ["catalog", "mask", "identity"])
def test_without_a_shared_group_every_kind_is_open_clips_own_loss(kind: str) -> None:
    image, text, _, numbers = drawn(GROUPS["none shared"])
    u, v, scale = leaves(image, text, torch.tensor(5.0, dtype=torch.float64))
    loss = ClipLoss()(u, v, scale)
    loss.backward()
    weights = torch.ones(NUM_PAIRS, dtype=torch.float64)
    targets = Targets.of_groups(numbers, TargetConfig(kind=kind))
    found = softmax_gradients(
        Gathered(image=image, text=text, weights=weights, targets=targets, ranks=Ranks()), scale.detach()
    )
    assert_equal(found, loss, {"image": u, "text": v, "logit_scale": scale})
    assert found.floor == 0
    assert targets.false_negative_share == 0


def test_no_loss_falls_below_its_floor() -> None:
    numbers = torch.tensor([0, 1, 0, 2, 3, 1, 0, 4])
    perfect, weights = F.one_hot(numbers).double(), torch.ones(8, dtype=torch.float64)
    targets = Targets.of_groups(numbers, TargetConfig())
    assert targets.false_negative_share == pytest.approx(5 / 8)
    batch = Gathered(image=perfect, text=perfect, weights=weights, targets=targets, ranks=Ranks())
    best = softmax_gradients(batch, torch.tensor(100.0, dtype=torch.float64))
    assert best.floor.item() == pytest.approx((3 * math.log(3) + 2 * math.log(2)) / 8)
    assert best.loss.item() == pytest.approx(best.floor.item(), abs=1e-12)
    astray = Gathered(image=perfect.roll(1, 0), text=perfect, weights=weights, targets=targets, ranks=Ranks())
    assert softmax_gradients(astray, torch.tensor(100.0, dtype=torch.float64)).loss > best.floor + 1


def test_half_labels_have_a_floor_too() -> None:
    numbers = torch.tensor([0, 0, 0, 1])
    targets = Targets.of_groups(numbers, TargetConfig(mixing=0.5))
    logits = torch.logit(dense_targets(numbers, "catalog", 0.5, normalised=False).clamp(1e-9, 1 - 1e-9))
    unit, weights = torch.eye(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    batch = Gathered(image=unit, text=logits.T.contiguous(), weights=weights, targets=targets, ranks=Ranks())
    one, zero = torch.ones((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    found = sigmoid_gradients(batch, one, zero)
    assert found.floor.item() == pytest.approx(6 * math.log(2) / 4)
    assert found.loss.item() == pytest.approx(found.floor.item(), abs=1e-6)
