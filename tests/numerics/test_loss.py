from __future__ import annotations

import numpy as np
import pytest
import torch
from open_clip.loss import ClipLoss

from eclip.train.loss import contrastive_loss, loss_floor
from eclip.train.targets import catalog_targets, false_negative_share, identity_targets

GROUPS = [0, 1, 0, 2, 3, 1, 0, 4]


@pytest.fixture
def features() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    image, text = torch.randn(2, len(GROUPS), 5, generator=generator, dtype=torch.float64)
    return torch.nn.functional.normalize(image, dim=1), torch.nn.functional.normalize(text, dim=1)


def numpy_loss(image, text, scale, groups, weights) -> float:
    """The formula of the docstring, written with loops."""
    num_pairs = len(groups)
    logits = scale * image @ text.T
    total = 0.0
    for i in range(num_pairs):
        mates = [j for j in range(num_pairs) if groups[j] == groups[i]]
        for j in mates:
            log_p = logits[i, j] - np.log(np.exp(logits[i]).sum())
            log_r = logits[j, i] - np.log(np.exp(logits[:, i]).sum())
            total -= weights[i] * (log_p + log_r) / len(mates)
    return total / (2 * sum(weights))


def test_soft_labels_equal_the_formula_written_with_loops(features):
    image, text = features
    weights = np.linspace(0.2, 1, len(GROUPS))
    expected = numpy_loss(image.numpy(), text.numpy(), 7.0, GROUPS, weights)
    got = contrastive_loss(
        image,
        text,
        torch.tensor(7.0),
        catalog_targets(torch.tensor(GROUPS), dtype=torch.float64),
        torch.tensor(weights),
    )
    assert got.item() == pytest.approx(expected, abs=1e-12)


def test_no_shared_group_is_clip_in_value_and_gradients(features):
    image, text = (each.clone().requires_grad_() for each in features)
    scale = torch.tensor(5.0, dtype=torch.float64, requires_grad=True)
    groups = torch.arange(len(GROUPS))
    assert torch.equal(catalog_targets(groups), identity_targets(len(GROUPS)))
    ours = contrastive_loss(image, text, scale, catalog_targets(groups, dtype=torch.float64), torch.ones(len(GROUPS)))
    clip = ClipLoss()(image, text, scale)
    torch.testing.assert_close(ours, clip)
    for mine, theirs in zip(
        torch.autograd.grad(ours, [image, text, scale]),
        torch.autograd.grad(clip, [image, text, scale]),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_gradient_of_the_logits_is_probability_minus_target(features):
    image, text = features
    targets = catalog_targets(torch.tensor(GROUPS), dtype=torch.float64)
    logits = (3.0 * image @ text.T).requires_grad_()
    # With unit vectors of its own for each picture the loss is a function of the logits alone.
    unit = torch.eye(len(GROUPS), dtype=torch.float64)
    loss = contrastive_loss(unit, logits.T, torch.tensor(1.0), targets, torch.ones(len(GROUPS)))
    (gradient,) = torch.autograd.grad(loss, logits)
    expected = ((logits.softmax(1) - targets) + (logits.softmax(0) - targets)) / (2 * len(GROUPS))
    torch.testing.assert_close(gradient, expected.detach())


def test_loss_never_falls_below_its_floor():
    groups = torch.tensor(GROUPS)
    targets, weights = catalog_targets(groups), torch.ones(len(GROUPS))
    perfect = torch.nn.functional.one_hot(groups).float()
    at_floor = contrastive_loss(perfect, perfect, torch.tensor(100.0), targets, weights)
    assert loss_floor(targets, weights).item() == pytest.approx((3 * np.log(3) + 2 * np.log(2)) / 8)
    assert at_floor.item() == pytest.approx(loss_floor(targets, weights).item(), abs=1e-5)
    other = contrastive_loss(perfect.roll(1, 0), perfect, torch.tensor(100.0), targets, weights)
    assert other > at_floor + 1


def test_identity_targets_have_floor_zero():
    assert loss_floor(identity_targets(4), torch.ones(4)).item() == 0


def test_false_negative_share_counts_pairs_with_a_mate():
    assert false_negative_share(torch.tensor(GROUPS)) == pytest.approx(5 / 8)
    assert false_negative_share(torch.arange(4)) == 0
