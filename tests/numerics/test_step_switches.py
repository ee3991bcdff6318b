"""Switches of a step that must not change its gradients: chunks in half precision, frozen parts, recomputed layers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from open_clip.hf_model import HFTextEncoder
from open_clip.timm_model import TimmModel
from torch import nn
from transformers import BertConfig

from eclip.errors import ConfigError
from eclip.model.encoder import Encoder
from eclip.model.presets import tiny
from eclip.train.accumulate import TowerInputs, accumulate, saved_storages
from eclip.train.average import WeightAverage
from eclip.train.batches import Batch
from eclip.train.config import TrainConfig
from eclip.train.ranks import Ranks
from eclip.train.statistics import freeze_batch_statistics
from eclip.train.step import TrainStep
from eclip.train.towermodes import checkpoint_activations

NUM_PAIRS = 10
TITLES = [f"title {row} of {'many words ' * (row % 4)}" for row in range(NUM_PAIRS)]
WHOLE = {"memory.chunk_size": NUM_PAIRS, "memory.text_chunk_size": NUM_PAIRS}
CHUNKS = {"memory.chunk_size": 3, "memory.text_chunk_size": 4, "memory.kept_graph_megabytes": 0}


class Words(nn.Module):
    """A text tower for tokens of any length, that drops at random."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.embedding, self.drop = nn.Embedding(vocab_size, 128), nn.Dropout(0.2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.drop(self.embedding(tokens)).mean(dim=1)


def made_encoder() -> Encoder:
    torch.manual_seed(0)
    return tiny(TITLES, image_size=16)


def borrowed(encoder: Encoder) -> Encoder:
    """The same with a timm and a Hugging Face tower, which drop at random."""
    torch.manual_seed(0)
    size = encoder.model_cfg["text_cfg"]["vocab_size"]
    bert = BertConfig(vocab_size=size, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
    encoder.module.visual = TimmModel(
        "test_efficientnet", embed_dim=128, image_size=32, pool="avg", proj="linear", drop=0.2, pretrained=False
    )
    encoder.module.text = HFTextEncoder("own", 128, config=bert, pooler_type="mean_pooler", proj_type="linear")
    encoder.can_trim_padding = True
    return encoder


def drawn_batch(encoder: Encoder, *, size: int = 16) -> Batch:
    draw = torch.Generator().manual_seed(5)
    return Batch(
        pixels=torch.randn(NUM_PAIRS, 3, size, size, generator=draw).to(encoder.module.logit_scale.dtype),
        tokens=encoder.tokenize(TITLES),
        groups=torch.tensor([0, 1, 2, 3, 0, 4, 5, 1, 6, 7]),
        weights=torch.linspace(0.3, 1.0, NUM_PAIRS),
    )


def a_step(encoder: Encoder, **fields: Any) -> TrainStep:
    return TrainStep.of(encoder, TrainConfig().changed({"image_size": 16, **fields}), Ranks())


def gradients(step: TrainStep, batch: Batch) -> dict[str, torch.Tensor]:
    """Of all parameters, unclipped."""
    step.encoder.module.train()
    freeze_batch_statistics(step.encoder.module)
    torch.manual_seed(3)
    step.optimizer.zero_grad(set_to_none=True)
    step.fill_gradients(batch, step._targets(batch))
    return {n: p.grad.clone() for n, p in step.encoder.module.named_parameters() if p.grad is not None}


def largest_difference(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> float:
    """Relative to each gradient's length, those that are zero but for rounding (biases of keys) left out."""
    assert found.keys() == expected.keys()
    most = max(value.norm() for value in expected.values())
    return max(
        ((found[n] - value).norm() / value.norm()).item() for n, value in expected.items() if value.norm() > 1e-5 * most
    )


def test_without_autocast_a_step_is_the_plain_one_to_the_bit() -> None:
    encoder = made_encoder()
    step = a_step(encoder, **CHUNKS)
    batch = drawn_batch(encoder)
    found = gradients(step, batch)
    encoder.module.zero_grad()
    torch.manual_seed(3)
    plain = accumulate(
        {
            "text": TowerInputs(
                tower=encoder.text_features,
                inputs=batch.tokens,
                chunk_size=4,
                lengths=(batch.tokens != encoder.pad_id).sum(dim=1),
            ),
            "image": TowerInputs(tower=encoder.image_features, inputs=batch.pixels, chunk_size=3),
        },
        lambda features: step._loss(features, batch, step._targets(batch)),
        parameters=encoder.module.parameters(),
        kept_bytes=0,
    )
    encoder.module.logit_scale.grad = plain.logit_scale * encoder.module.logit_scale.detach().exp()
    for name, parameter in encoder.module.named_parameters():
        assert torch.equal(found[name], parameter.grad), name


@pytest.mark.parametrize("kind", ["bf16", "fp16"])
def test_in_half_precision_an_accumulated_step_is_close_to_the_whole_one(kind: str) -> None:
    encoder = made_encoder()
    batch = drawn_batch(encoder)
    full = gradients(a_step(encoder, **WHOLE), batch)
    whole = gradients(a_step(encoder, **WHOLE, **{"memory.autocast": kind}), batch)
    chunks = gradients(a_step(encoder, **CHUNKS, **{"memory.autocast": kind}), batch)
    rounding = largest_difference(whole, full)
    assert 1e-5 < rounding < 0.1  # it is another precision, and the same gradient, unscaled
    assert largest_difference(chunks, whole) < max(rounding, 0.02)
    assert all(gradient.dtype == torch.float32 for gradient in chunks.values())
    torch.testing.assert_close(chunks["logit_scale"], full["logit_scale"], rtol=0.02, atol=1e-4)


def test_features_stay_in_float32() -> None:
    encoder = made_encoder()
    step = a_step(encoder, **{"memory.autocast": "bf16"})
    seen = []
    step._loss, loss = (
        lambda features, *rest: (seen.extend(each.dtype for each in features.values()), loss(features, *rest))[1],
        (step._loss),
    )
    gradients(step, drawn_batch(encoder))
    assert seen == [torch.float32, torch.float32]


def test_a_gradient_beyond_float16_costs_a_step_and_halves_the_scale() -> None:
    encoder = made_encoder()
    step = a_step(encoder, **{"memory.autocast": "fp16"})
    batch = drawn_batch(encoder)
    step.take(batch, number=0, lr_factor=1.0)
    assert step.tensors()["precision.scale"] == 2.0**16
    before = {name: value.clone() for name, value in encoder.module.state_dict().items()}
    step.precision.scaler.update(2.0**120)
    step.take(batch, number=1, lr_factor=1.0)
    assert step.tensors()["precision.scale"] == 2.0**119
    for name, value in before.items():
        assert torch.equal(encoder.module.state_dict()[name], value), name
    step.precision.scaler.update(2.0**16)
    step.take(batch, number=2, lr_factor=1.0)
    assert not torch.equal(encoder.module.state_dict()["visual.proj"], before["visual.proj"])


def test_a_restored_step_has_its_scale_and_average() -> None:
    encoder = made_encoder()
    fields = {"memory.autocast": "fp16", "optimizer.ema_decay": 0.5, "optimizer.name": "lamb"}
    step = a_step(encoder, **fields)
    step.precision.restore({"scale": torch.tensor(2.0**9), "_growth_tracker": torch.tensor(5.0)})
    step.take(drawn_batch(encoder), number=0, lr_factor=1.0)
    kept = {name: value.clone() for name, value in step.tensors().items()}
    other = a_step(made_encoder(), **fields)
    other.restore(kept)
    assert other.tensors().keys() == kept.keys()
    assert {"precision.scale", "steps.0", "average.logit_scale"} < kept.keys()
    for name, value in kept.items():
        assert torch.equal(other.tensors()[name], value), name
    assert (kept["precision.scale"], kept["precision._growth_tracker"]) == (2.0**9, 6)


@pytest.mark.parametrize("make", [lambda encoder: encoder, borrowed], ids=["open_clip", "timm and Hugging Face"])
@pytest.mark.slow
def test_recomputed_layers_give_the_same_gradients(make) -> None:
    encoder = make(made_encoder())
    encoder.module.double()
    batch = drawn_batch(encoder, size=16)
    kept = {**CHUNKS, "memory.kept_graph_megabytes": 64}
    wanted = gradients(a_step(encoder, **kept), batch)
    saved: dict[bool, int] = {}
    for recompute in (False, True):
        fields = {"memory.gradient_checkpointing": recompute}
        saved[recompute] = graph_bytes(a_step(encoder, **WHOLE, **fields), batch)
        for memory in (CHUNKS, kept):
            found = gradients(a_step(encoder, **memory, **fields), batch)
            assert largest_difference(found, wanted) < 1e-9
    assert saved[True] < 0.6 * saved[False]


def graph_bytes(step: TrainStep, batch: Batch) -> int:
    """What a graph of all pictures and titles keeps for the way back."""
    step.encoder.module.train()
    freeze_batch_statistics(step.encoder.module)
    with saved_storages() as storages:
        features = step.encoder.image_features(batch.pixels), step.encoder.text_features(batch.tokens)
        size = sum(storages.values())
    del features
    return size


def test_a_tower_that_can_not_recompute_is_refused() -> None:
    encoder = made_encoder()
    encoder.module.visual = nn.Flatten()
    with pytest.raises(ConfigError, match=r"gradient_checkpointing: the visual tower \(Flatten\) can't"):
        checkpoint_activations(encoder.module)


@pytest.mark.parametrize("frozen", [["visual"], ["text.transformer", "visual.conv1"], ["text", "logit_scale"]])
@pytest.mark.parametrize("memory", [CHUNKS, {**CHUNKS, "memory.kept_graph_megabytes": 64}], ids=["twice", "kept"])
def test_what_is_not_frozen_learns_as_before(frozen: list[str], memory: dict[str, int]) -> None:
    wanted = gradients(a_step(made_encoder(), **memory), drawn_batch(made_encoder()))
    encoder = made_encoder()
    step = a_step(encoder, **memory, **{"optimizer.frozen": frozen, "optimizer.lr": 0.1})
    before = {name: value.clone() for name, value in encoder.module.state_dict().items()}
    found = gradients(step, drawn_batch(encoder))
    still = {name for name in wanted if name.startswith(tuple(frozen))}
    assert still
    assert found.keys() == wanted.keys() - still
    assert largest_difference(found, {name: wanted[name] for name in found}) < 1e-5
    step.take(drawn_batch(encoder), number=0, lr_factor=1.0)
    for name, value in encoder.module.state_dict().items():
        assert torch.equal(value, before[name]) == (name in still or name.startswith(tuple(frozen))), name


def test_a_frozen_tower_is_gone_through_once() -> None:
    encoder = made_encoder()
    step = a_step(encoder, **CHUNKS, **{"optimizer.frozen": ["visual"]})
    rows = []
    encoder.module.visual.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    encoder.module.text.register_forward_pre_hook(lambda _, inputs: rows.append(-len(inputs[0])))
    gradients(step, drawn_batch(encoder))
    assert sum(row for row in rows if row > 0) == NUM_PAIRS
    assert sum(row for row in rows if row < 0) == -2 * NUM_PAIRS


def test_the_average_is_taken_after_each_step() -> None:
    encoder = made_encoder()
    step = a_step(encoder, **{"optimizer.ema_decay": 0.5})
    beside = WeightAverage(encoder.module, 0.5)
    for number in range(3):
        step.take(drawn_batch(encoder), number=number, lr_factor=1.0)
        beside.update(encoder.module, step=number)
    last = encoder.module.visual.proj.detach().clone()
    with step.averaged():
        assert torch.equal(encoder.module.visual.proj, beside.tensors()["visual.proj"])
    assert torch.equal(encoder.module.visual.proj, last)
    assert not torch.equal(last, beside.tensors()["visual.proj"])


@pytest.mark.slow
def test_compiled_towers_give_the_same_gradients_for_titles_of_any_length() -> None:
    encoder = made_encoder()  # of two short towers: each layer costs seconds of a C++ compiler
    encoder.module.visual = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 128), nn.Dropout(0.2))
    encoder.module.text = Words(encoder.model_cfg["text_cfg"]["vocab_size"])
    batch = drawn_batch(encoder)
    plain = gradients(a_step(encoder, **CHUNKS), batch)
    compiled = gradients(a_step(encoder, **CHUNKS, **{"memory.compile": True}), batch)
    kept = gradients(a_step(encoder, **{**CHUNKS, "memory.kept_graph_megabytes": 64}), batch)
    assert encoder.module.text._compiled_call_impl is not None
    assert largest_difference(compiled, plain) < 1e-3  # float32, and the same units dropped
    assert largest_difference(kept, compiled) < 1e-5  # a chunk drops the same with a graph and without
    assert compiled.keys() == dict(encoder.module.named_parameters()).keys()
