"""The sigmoid in a whole step, and the bias that it gives a model."""

from __future__ import annotations

import math
from pathlib import Path

import open_clip
import pytest
import torch
from torch.nn import functional as F

from eclip.errors import ConfigError
from eclip.model.encoder import Encoder
from eclip.model.folder import load_model, save_model
from eclip.model.presets import tiny
from eclip.train.accumulate import MemoryConfig
from eclip.train.batches import Batch
from eclip.train.config import TrainConfig
from eclip.train.contrast import fit_to_loss
from eclip.train.optimizer import make_optimizer
from eclip.train.ranks import Ranks
from eclip.train.step import TrainStep
from eclip.train.targets import TargetConfig, Targets

TITLES = [f"title {row} of {row * row} words" for row in range(9)]


@pytest.fixture
def encoder() -> Encoder:
    torch.manual_seed(0)
    return fit_to_loss(tiny(TITLES, image_size=16), "sigmoid", batch_size=64)


def drawn_batch(encoder: Encoder) -> Batch:
    return Batch(
        pixels=torch.randn(9, 3, 16, 16, generator=torch.Generator().manual_seed(1)).double(),
        tokens=encoder.tokenize(TITLES),
        groups=torch.tensor([0, 1, 2, 0, 3, 4, 5, 1, 0]),
        weights=torch.linspace(0.2, 1, 9).double(),
    )


def test_an_accumulated_sigmoid_step_equals_autograd_over_the_whole_matrix(encoder: Encoder) -> None:
    module = encoder.module.double()
    batch = drawn_batch(encoder)
    image, text = F.normalize(module.visual(batch.pixels), dim=-1), F.normalize(module.text(batch.tokens), dim=-1)
    labels = (batch.groups[:, None] == batch.groups[None]).double()
    logits = module.logit_scale.exp() * image @ text.T + module.logit_bias
    share = (batch.weights[:, None] + batch.weights[None]) / 2
    each = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    loss = (share * each).sum() / batch.weights.sum()
    loss.backward()
    wanted = {name: p.grad.clone() for name, p in module.named_parameters()}
    module.zero_grad(set_to_none=True)
    config = TrainConfig(
        memory=MemoryConfig(chunk_size=4, text_chunk_size=2, kept_graph_megabytes=0),
        targets=TargetConfig(loss="sigmoid"),
    )
    step = TrainStep.of(encoder, config, Ranks())
    found = step.fill_gradients(batch, Targets.of_groups(batch.groups, config.targets))
    torch.testing.assert_close(found.loss, loss.detach(), rtol=1e-10, atol=1e-10)
    assert wanted.keys() >= {"logit_scale", "logit_bias"}
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(parameter.grad, wanted[name], rtol=1e-9, atol=1e-10, msg=name)


def test_a_new_model_begins_as_siglip_at_its_batch_and_its_bias_is_not_decayed(encoder: Encoder) -> None:
    assert encoder.module.logit_scale.item() == pytest.approx(math.log(10))
    assert encoder.module.logit_bias.item() == pytest.approx(-math.log(64))
    for group in make_optimizer(encoder.module, TrainConfig().optimizer, pretrained_prefixes=()).param_groups:
        if any(parameter is encoder.module.logit_bias for parameter in group["params"]):
            assert group["weight_decay"] == 0
            break
    else:
        pytest.fail("the bias is not trained")


def test_a_bias_that_was_trained_is_kept(encoder: Encoder) -> None:
    encoder.pretrained_prefixes = ("visual.", "text.")
    with torch.no_grad():
        encoder.module.logit_bias.fill_(-7.5)
        encoder.module.logit_scale.fill_(3.0)
    fit_to_loss(encoder, "sigmoid", batch_size=64)
    assert (encoder.module.logit_bias.item(), encoder.module.logit_scale.item()) == (-7.5, 3.0)


def test_softmax_leaves_a_model_as_it_is() -> None:
    encoder = tiny(TITLES, image_size=16)
    before = dict(encoder.model_cfg)
    fit_to_loss(encoder, "softmax", batch_size=64)
    assert encoder.module.logit_bias is None
    assert encoder.model_cfg == before
    assert encoder.module.logit_scale.item() == pytest.approx(math.log(1 / 0.07))


def test_a_saved_model_keeps_its_bias_here_and_in_open_clip(encoder: Encoder, tmp_path: Path) -> None:
    with torch.no_grad():
        encoder.module.logit_bias.fill_(-8.25)
    save_model(encoder, tmp_path, facts={})
    assert load_model(tmp_path).module.logit_bias.item() == -8.25
    assert open_clip.create_model(f"local-dir:{tmp_path}").logit_bias.item() == -8.25


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"targets\.loss = 'hinge': expected one of softmax, sigmoid"):
        TargetConfig(loss="hinge")
