"""The category term of a training step against plain autograd, in float64: values and gradients."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from eclip.model.presets import tiny
from eclip.train.accumulate import StreamGradients
from eclip.train.batches import Batch
from eclip.train.categories import SCALE, CategoryHead, add_category_term
from eclip.train.config import TrainConfig
from eclip.train.ranks import Ranks
from eclip.train.step import TrainStep

NUM_PAIRS = 10
CODES = torch.tensor([0, 1, 2, 0, -1, 1, 2, 2, 0, -1])
TITLES = [f"title {row} of {'many words ' * (row % 4)}" for row in range(NUM_PAIRS)]
CHUNKS = {"memory.chunk_size": 3, "memory.text_chunk_size": 4, "memory.kept_graph_megabytes": 0}


def made_step(weight: float, **fields: object) -> tuple[TrainStep, Batch]:
    torch.manual_seed(0)
    encoder = tiny(TITLES, image_size=16)
    encoder.module.double()
    config = TrainConfig().changed({"image_size": 16, "category.weight": weight, **CHUNKS, **fields})
    step = TrainStep.of(encoder, config, Ranks(), num_categories=3 if weight else 0)
    if step.category_head is not None:
        with torch.no_grad():  # not where all classes are alike
            step.category_head.weight.copy_(torch.randn(step.category_head.weight.shape, dtype=torch.float64) * 0.1)
    batch = Batch(
        pixels=torch.rand(NUM_PAIRS, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
        tokens=encoder.tokenize(TITLES),
        groups=torch.arange(NUM_PAIRS),
        weights=torch.ones(NUM_PAIRS, dtype=torch.float64),
        categories=CODES,
    )
    return step, batch


def filled(step: TrainStep, batch: Batch) -> tuple[float, dict[str, torch.Tensor]]:
    step.encoder.module.eval()
    found = step.fill_gradients(batch, step._targets(batch))
    gradients = {name: p.grad.clone() for name, p in step.encoder.module.named_parameters() if p.grad is not None}
    if step.category_head is not None:
        gradients |= {f"head.{name}": p.grad.clone() for name, p in step.category_head.named_parameters()}
    return found.loss.item(), gradients


def test_a_step_in_chunks_has_the_gradients_of_plain_autograd():
    weight = 0.7
    loss, gradients = filled(*made_step(weight))
    plain_loss, plain = filled(*made_step(0.0))
    step, batch = made_step(weight)
    module, head = step.encoder.module.eval(), step.category_head
    known = CODES >= 0
    features = [F.normalize(module.visual(batch.pixels), dim=-1), F.normalize(module.text(batch.tokens), dim=-1)]
    term = sum(F.cross_entropy(SCALE * f[known] @ head.weight.T + head.bias, CODES[known]) for f in features) / 2
    (weight * term).backward()
    assert loss == pytest.approx(plain_loss + weight * term.item(), rel=1e-12)
    expected = {name: p.grad for name, p in module.named_parameters() if p.grad is not None}
    expected |= {f"head.{name}": p.grad for name, p in head.named_parameters()}
    assert set(gradients) == {*expected, *plain}
    for name, gradient in gradients.items():
        wanted = plain.get(name, torch.zeros_like(gradient)) + expected.get(name, torch.zeros_like(gradient))
        assert torch.allclose(gradient, wanted, rtol=1e-9, atol=1e-12), name


class HalfRanks(Ranks):
    """One of two processes; what the other one adds to the count of labelled rows is known."""

    def add_up(self, local: torch.Tensor) -> torch.Tensor:
        return torch.tensor(float((CODES >= 0).sum()), dtype=local.dtype) if local.ndim == 0 and local >= 1 else local


def test_the_parts_of_two_ranks_make_the_whole():
    draw = torch.Generator().manual_seed(2)
    features = F.normalize(torch.randn(NUM_PAIRS, 4, generator=draw, dtype=torch.float64), dim=1)
    head = CategoryHead(4, 3).double()
    with torch.no_grad():
        head.weight.copy_(torch.randn(3, 4, generator=draw, dtype=torch.float64))
    zero = torch.zeros((), dtype=torch.float64)

    def term(rows: slice, ranks: Ranks) -> tuple[StreamGradients, list[torch.Tensor]]:
        own = {"text": features[rows]}
        empty = torch.zeros(0)
        codes = CODES[rows]
        batch = Batch(pixels=empty, tokens=empty, groups=codes, weights=empty, categories=codes)
        none = StreamGradients(
            loss=zero, floor=zero, features={"text": torch.zeros_like(own["text"])}, logit_scale=zero, logit_bias=zero
        )
        found = add_category_term(none, own, batch, head, weight=1.0, ranks=ranks)
        return found, [p.grad.clone() for p in head.parameters()]

    whole, of_head = term(slice(None), Ranks())
    parts = [term(slice(0, 5), HalfRanks()), term(slice(5, 10), HalfRanks())]
    assert torch.allclose(torch.cat([part.features["text"] for part, _ in parts]), whole.features["text"], atol=1e-14)
    for place, gradient in enumerate(of_head):
        assert torch.allclose(sum(found[place] for _, found in parts), gradient, atol=1e-14)


def test_the_head_goes_into_a_checkpoint_and_comes_back():
    step, batch = made_step(1.0)
    step.encoder.module.float()
    step.category_head.float()
    batch = dataclasses.replace(batch, pixels=batch.pixels.float(), weights=batch.weights.float())
    figures = step.take(batch, number=0, lr_factor=1.0)
    assert figures["category_above_floor"] > 0
    kept = step.tensors()
    moved = {name: value.clone() for name, value in step.category_head.state_dict().items()}
    assert moved["bias"].abs().sum() > 0
    other, _ = made_step(1.0)
    other.encoder.module.float()
    other.category_head.float()
    other.restore(kept)
    for name, value in other.category_head.state_dict().items():
        assert torch.equal(value, moved[name])


def test_off_is_exactly_what_it_was():
    step, batch = made_step(0.0)
    assert step.category_head is None
    assert len(step.optimizer.param_groups) == len(made_step(1.0)[0].optimizer.param_groups) - 1
    assert "category" not in "".join(step.tensors())
    assert set(filled(step, batch)[1]) <= {name for name, _ in step.encoder.module.named_parameters()}
