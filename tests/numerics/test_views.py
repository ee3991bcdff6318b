"""The loss of several views against dense autograd, in float64: products without pictures, titles or mates and all."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from eclip.train.batches import Batch, Stream
from eclip.train.ranks import Ranks
from eclip.train.targets import TargetConfig, Targets
from eclip.train.tiles import softmax_gradients
from eclip.train.viewloss import loss_of_views

GROUPS = torch.tensor([0, 1, 1, 2, 0, 3, 4, 4, 4, 5])
WEIGHTS = torch.linspace(0.2, 1.0, 10, dtype=torch.float64)
PICTURES = [0, 1, 2, 4, 5, 6, 9]  # who has which
TITLES = [0, 1, 2, 3, 4, 6, 7, 8, 9]
TITLE_MATES = [0, 1, 2, 4, 7]
PICTURE_MATES = [1, 2, 9]
ROWS = {"image": PICTURES, "text": TITLES, "mate_image": PICTURE_MATES, "mate_text": TITLE_MATES}
VIEWS = {"picture_title": 1.0, "title_title": 0.6, "picture_picture": 0.3}
EMPTY = torch.zeros(0)


def drawn_features() -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(7)
    drawn = {name: torch.randn(len(rows), 5, generator=draw, dtype=torch.float64) for name, rows in ROWS.items()}
    return {name: F.normalize(values, dim=1).requires_grad_() for name, values in drawn.items()}


def batch(rows: dict[str, list[int]] = ROWS) -> Batch:
    return Batch(
        pixels=EMPTY,
        tokens=EMPTY,
        groups=GROUPS,
        weights=WEIGHTS,
        picture_rows=torch.tensor(rows["image"], dtype=torch.long),
        title_rows=torch.tensor(rows["text"]),
        mate_pictures=Stream(inputs=EMPTY, rows=torch.tensor(rows["mate_image"], dtype=torch.long)),
        mate_titles=Stream(inputs=EMPTY, rows=torch.tensor(rows["mate_text"], dtype=torch.long)),
    )


def dense_term(left: dict[int, torch.Tensor], right: dict[int, torch.Tensor], weights: dict[int, float], scale):
    """One term, product by product: q over the group's members that take part."""
    those = sorted(left.keys() & right.keys())
    loss = torch.zeros((), dtype=torch.float64)
    for i in those:
        mates = [j for j in those if GROUPS[j] == GROUPS[i]]
        by_left = scale * torch.stack([left[i] @ right[j] for j in those])
        by_right = scale * torch.stack([left[j] @ right[i] for j in those])
        for j in mates:
            place = those.index(j)
            loss = loss - weights[i] / len(mates) * (by_left.log_softmax(0)[place] + by_right.log_softmax(0)[place])
    return loss / (2 * sum(weights[i] for i in those))


def dense_loss(features: dict[str, torch.Tensor], views: dict[str, float], scale: torch.Tensor) -> torch.Tensor:
    of = {name: dict(zip(ROWS[name], features[name], strict=True)) for name in ROWS}
    terms = {
        "picture_title": (of["image"], of["text"], dict(enumerate(WEIGHTS.tolist()))),
        "title_title": (of["text"], of["text"] | of["mate_text"], {i: float(i in TITLE_MATES) for i in range(10)}),
        "picture_picture": (
            of["image"],
            of["image"] | of["mate_image"],
            {i: float(i in PICTURE_MATES) for i in range(10)},
        ),
    }
    return sum(weight * dense_term(*terms[name], scale) for name, weight in views.items())


@pytest.mark.parametrize("names", [["picture_title"], ["title_title"], ["picture_picture"], list(VIEWS)])
def test_views_add_up_as_dense_ones_do(names: list[str]) -> None:
    views = {name: VIEWS[name] for name in names}
    features = drawn_features()
    scale = torch.tensor(9.0, dtype=torch.float64, requires_grad=True)
    wanted = dense_loss(features, views, scale)
    wanted.backward()
    found = loss_of_views(
        {name: values.detach() for name, values in features.items()},
        batch(),
        weights=views,
        targets=Targets.of_groups(GROUPS, TargetConfig()),
        ranks=Ranks(),
        contrast=lambda gathered: softmax_gradients(gathered, scale.detach()),
    )
    torch.testing.assert_close(found.loss, wanted.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found.logit_scale, scale.grad, rtol=1e-10, atol=1e-12)
    for name, values in features.items():
        expected = torch.zeros_like(values) if values.grad is None else values.grad
        torch.testing.assert_close(found.features[name], expected, rtol=1e-10, atol=1e-12, msg=name)
    assert found.loss > found.floor
    torch.testing.assert_close(sum(found.above_floor.values()), found.loss - found.floor)


def test_a_product_without_a_mate_does_not_pull_but_repels() -> None:
    features = {"text": drawn_features()["text"].detach(), "mate_text": drawn_features()["mate_text"].detach()}

    def gradients(among: Batch, named: dict[str, torch.Tensor]) -> torch.Tensor:
        return loss_of_views(
            named,
            among,
            weights={"title_title": 1.0},
            targets=Targets.of_groups(GROUPS, TargetConfig()),
            ranks=Ranks(),
            contrast=lambda gathered: softmax_gradients(gathered, torch.tensor(9.0, dtype=torch.float64)),
        ).features["text"]

    alone = TITLES.index(3)
    assert gradients(batch(), features)[alone].norm() > 0
    moved = features["text"].clone()
    moved[alone] = -moved[alone]
    others = gradients(batch(), features | {"text": moved})
    assert not torch.allclose(others[0], gradients(batch(), features)[0])


def test_a_batch_in_which_nobody_has_a_mate_leaves_all_as_it_is() -> None:
    lonely = batch(ROWS | {"mate_text": [], "mate_image": []})
    found = loss_of_views(
        {"text": drawn_features()["text"].detach()},
        lonely,
        weights={"title_title": 1.0},
        targets=Targets.of_groups(GROUPS, TargetConfig()),
        ranks=Ranks(),
        contrast=lambda gathered: softmax_gradients(gathered, torch.tensor(9.0, dtype=torch.float64)),
    )
    assert found.loss == found.floor == found.logit_scale == 0
    assert not found.features["text"].any()
