"""An accumulated step against the whole batch through autograd at once, in float64, dropout and all."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eclip.train.accumulate import StreamGradients, TowerInputs, accumulate
from eclip.train.ranks import Ranks
from eclip.train.targets import TargetConfig, Targets
from eclip.train.tiles import Gathered, softmax_gradients

NUM_PAIRS = 13
GROUPS = torch.tensor([0, 1, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8, 9])
WEIGHTS = torch.linspace(0.2, 1.0, NUM_PAIRS, dtype=torch.float64)
SCALE = torch.tensor(9.0, dtype=torch.float64)


class Tower(nn.Module):
    """Layers that draw random numbers, and count how often they are gone through."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Dropout(0.4), nn.Linear(8, 4)).double()
        self.rows_seen = 0

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.rows_seen += len(inputs)
        return F.normalize(self.layers(inputs), dim=-1)


@pytest.fixture
def towers() -> tuple[Tower, Tower]:
    torch.manual_seed(1)
    return Tower(), Tower()


def drawn_inputs() -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(2)
    return [torch.randn(NUM_PAIRS, 6, generator=draw, dtype=torch.float64) for _ in range(3)]


def loss_of(features: dict[str, torch.Tensor]) -> StreamGradients:
    """Titles have a second stream through their tower, which is contrasted with the pictures as well."""
    targets = Targets.of_groups(GROUPS, TargetConfig())
    terms = {}
    for name in ("text", "mate_text"):
        batch = Gathered(image=features["image"], text=features[name], weights=WEIGHTS, targets=targets, ranks=Ranks())
        terms[name] = softmax_gradients(batch, SCALE)
    return StreamGradients(
        loss=terms["text"].loss + terms["mate_text"].loss,
        floor=terms["text"].floor + terms["mate_text"].floor,
        features={
            "image": terms["text"].image + terms["mate_text"].image,
            **{name: term.text for name, term in terms.items()},
        },
        logit_scale=terms["text"].logit_scale + terms["mate_text"].logit_scale,
        logit_bias=terms["text"].logit_bias,
    )


def dense_loss(image: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    same = (GROUPS[:, None] == GROUPS[None]).double()
    q = same / same.sum(dim=1, keepdim=True)
    logits = SCALE * image @ text.T
    rows = (q * logits.log_softmax(dim=1)).sum(dim=1) + (q * logits.T.log_softmax(dim=1)).sum(dim=1)
    return -(WEIGHTS * rows).sum() / (2 * WEIGHTS.sum())


def gradients(towers: tuple[Tower, Tower]) -> list[torch.Tensor]:
    return [parameter.grad for tower in towers for parameter in tower.parameters()]


def sides(towers: tuple[Tower, Tower], image_chunk: int, text_chunk: int) -> dict[str, TowerInputs]:
    pictures, titles, others = drawn_inputs()
    lengths = torch.arange(NUM_PAIRS) % 5
    return {
        "image": TowerInputs(tower=towers[0], inputs=pictures, chunk_size=image_chunk),
        "text": TowerInputs(tower=towers[1], inputs=titles, chunk_size=text_chunk, lengths=lengths),
        "mate_text": TowerInputs(tower=towers[1], inputs=others, chunk_size=text_chunk),
    }


def whole_batch(towers: tuple[Tower, Tower], image_chunk: int, text_chunk: int) -> torch.Tensor:
    """All chunks through the towers with their graph, in the accumulated step's order; then autograd alone."""
    features = []
    for side in sides(towers, image_chunk, text_chunk).values():
        chunks = side.chunks()
        seen = torch.cat([side.tower(chunk.inputs) for chunk in chunks])
        features.append(seen[torch.cat([chunk.rows for chunk in chunks]).argsort()])
    image, text, other = features
    loss = dense_loss(image, text) + dense_loss(image, other)
    loss.backward()
    return loss


@pytest.mark.parametrize("kept_bytes", [0, 3_000, 1 << 30])
@pytest.mark.parametrize(("image_chunk", "text_chunk"), [(13, 13), (4, 4), (5, 2), (1, 13)])
def test_an_accumulated_step_equals_the_whole_one(
    towers: tuple[Tower, Tower], image_chunk: int, text_chunk: int, kept_bytes: int
) -> None:
    torch.manual_seed(3)
    loss = whole_batch(towers, image_chunk, text_chunk)
    drawn_next = torch.rand(1)
    wanted = [gradient.clone() for gradient in gradients(towers)]
    for tower in towers:
        tower.zero_grad()
    torch.manual_seed(3)
    parameters = [parameter for tower in towers for parameter in tower.parameters()]
    found = accumulate(sides(towers, image_chunk, text_chunk), loss_of, parameters=parameters, kept_bytes=kept_bytes)
    assert torch.equal(torch.rand(1), drawn_next)  # the next step draws as after a whole one
    torch.testing.assert_close(found.loss, loss.detach(), rtol=1e-12, atol=1e-12)
    for got, expected in zip(gradients(towers), wanted, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("kept_bytes", "times"), [(0, (26, 52)), (1 << 30, (13, 26))])
def test_a_kept_graph_spares_the_second_time(
    towers: tuple[Tower, Tower], kept_bytes: int, times: tuple[int, int]
) -> None:
    parameters = [parameter for tower in towers for parameter in tower.parameters()]
    accumulate(sides(towers, 4, 4), loss_of, parameters=parameters, kept_bytes=kept_bytes)
    assert tuple(tower.rows_seen for tower in towers) == times


def test_a_budget_keeps_some(towers: tuple[Tower, Tower]) -> None:
    parameters = [parameter for tower in towers for parameter in tower.parameters()]
    accumulate(sides(towers, 4, 4), loss_of, parameters=parameters, kept_bytes=3_000)
    assert 13 < towers[0].rows_seen < 26
