"""A step on cached vectors of a frozen picture trunk is the step through that trunk: values, gradients, weights."""

from __future__ import annotations

import pytest
import torch
from open_clip.modified_resnet import ModifiedResNet

from eclip.errors import ConfigError
from eclip.model.encoder import Encoder
from eclip.model.presets import OWN_PICTURES, assemble, tiny
from eclip.model.tokenizer import train_tokenizer
from eclip.model.trunks import lock_trunk, parts_of, trunk_digest
from eclip.train.batches import Batch
from eclip.train.config import TrainConfig
from eclip.train.ranks import Ranks
from eclip.train.step import TrainStep

TITLES = [f"product {number} of {'abcdefgh'[number % 8]}" for number in range(12)]


def timm_towers() -> Encoder:
    """A small convolutional trunk with batch normalisation, and a linear head."""
    text_cfg = tiny(TITLES).model_cfg["text_cfg"]
    vision_cfg = {"image_size": 32, "timm_model_name": "test_efficientnet", "timm_pool": "avg", "timm_proj": "linear"}
    model_cfg = {"embed_dim": 16, "vision_cfg": vision_cfg, "text_cfg": text_cfg, "custom_text": True}
    return assemble(model_cfg, {"size": 32, **OWN_PICTURES}, train_tokenizer(TITLES, vocab_size=8_000))


@pytest.fixture(params=["timm", "vision transformer"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    torch.manual_seed(0)
    made = timm_towers() if request.param == "timm" else tiny(TITLES, image_size=32)
    made.module.double()
    lock_trunk(made.module.visual)
    return made


def batch(encoder: Encoder, inputs: torch.Tensor) -> Batch:
    return Batch(
        pixels=inputs,
        tokens=encoder.tokenize(TITLES),
        groups=torch.arange(12) // 2,
        weights=torch.linspace(0.5, 1, 12, dtype=torch.float64),
    )


def step_on(encoder: Encoder, inputs: torch.Tensor) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """Figures of one step on these inputs of the picture tower, and all weights after it."""
    before = {name: value.clone() for name, value in encoder.module.state_dict().items()}
    step = TrainStep.of(encoder, TrainConfig(encoder="tiny").changed({"memory.chunk_size": 5}), Ranks())
    figures = step.take(batch(encoder, inputs), number=0, lr_factor=1.0)
    after = {name: value.clone() for name, value in encoder.module.state_dict().items()}
    encoder.module.load_state_dict(before)
    return figures, after


def test_a_step_on_cached_vectors_equals_a_step_through_the_trunk(encoder: Encoder) -> None:
    pixels = torch.randn(12, 3, 32, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    encoder.module.eval()
    with torch.no_grad():
        vectors = parts_of(encoder.module.visual).trunk(pixels)
    start = {name: value.clone() for name, value in encoder.module.state_dict().items()}
    through, expected = step_on(encoder, pixels)
    cached, found = step_on(encoder, vectors)
    assert cached == pytest.approx(through, rel=1e-9)
    trunk = {f"visual.{name}" for name in parts_of(encoder.module.visual).trunk_parameters}
    moved = {name for name in found if not torch.equal(found[name], start[name])}
    assert not moved & trunk
    assert any(name.startswith("visual.") for name in moved)
    assert any(name.startswith("text.") for name in moved)
    for name, value in expected.items():
        # Adam divides by a gradient's own size: where it is 0 but for rounding, so is the first step's direction.
        torch.testing.assert_close(found[name], value, rtol=1e-6, atol=1e-7, msg=name)


def test_gradients_of_the_head_are_those_through_the_tower(encoder: Encoder) -> None:
    pixels = torch.randn(12, 3, 32, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    encoder.module.eval()
    vectors = parts_of(encoder.module.visual).trunk(pixels).detach()
    upstream = torch.randn(12, encoder.embed_dim, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = []
    for inputs in (pixels, vectors):
        encoder.module.zero_grad(set_to_none=True)
        features = encoder.image_features(inputs)
        features.backward(upstream)
        gradients = {n: p.grad.clone() for n, p in encoder.module.named_parameters() if p.grad is not None}
        found.append((features.detach(), gradients))
    (whole, expected), (cached, gradients) = found
    torch.testing.assert_close(cached, whole, rtol=0, atol=1e-13)
    assert gradients.keys() == expected.keys() != set()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-10, atol=1e-13, msg=name)


def test_the_digest_names_the_trunk_alone(encoder: Encoder) -> None:
    before = trunk_digest(encoder)
    trunk = parts_of(encoder.module.visual).trunk_parameters
    with torch.no_grad():
        for name, parameter in encoder.module.visual.named_parameters():
            if name not in trunk:
                parameter.add_(1)
    assert trunk_digest(encoder) == before
    with torch.no_grad():
        next(iter(trunk.values())).add_(1e-3)
    assert trunk_digest(encoder) != before


def test_a_tower_that_does_not_come_apart_is_refused() -> None:
    tower = ModifiedResNet(layers=[1, 1, 1, 1], output_dim=16, heads=2, image_size=32, width=8)
    with pytest.raises(ConfigError, match="ModifiedResNet does not come apart"):
        lock_trunk(tower)
