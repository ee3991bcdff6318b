"""What the self-check passes, and that it finds layers that break a step in chunks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eclip.cli import main
from eclip.errors import ConfigError, ModelError
from eclip.model.presets import tiny
from eclip.products.store import Store
from eclip.train import selfcheck
from eclip.train.batchsizes import BatchConfig
from eclip.train.config import TrainConfig
from eclip.train.contrast import fit_to_loss
from eclip.train.selfcheck import check_step, compared
from eclip.train.statistics import freeze_batch_statistics
from eclip.train.targets import TargetConfig

CONFIG = TrainConfig(encoder="tiny", image_size=16, batch=BatchConfig(size=24))


def with_layer(monkeypatch: pytest.MonkeyPatch, layer: nn.Module) -> None:
    """Put a layer behind the picture tower."""

    def start(config: TrainConfig, titles: list[str], *, init: object) -> object:
        encoder = fit_to_loss(tiny(titles, image_size=16), config.targets.loss, batch_size=24)
        encoder.module.visual = nn.Sequential(encoder.module.visual, layer)
        return encoder

    monkeypatch.setattr(selfcheck, "start_encoder", start)


@pytest.mark.slow
@pytest.mark.parametrize(
    "targets",
    [
        TargetConfig(),
        TargetConfig(mixing=0.3, loss="sigmoid"),
        TargetConfig(kind="mask"),
        TargetConfig(kind="mask", loss="sigmoid"),
    ],
)
def test_our_towers_pass_with_every_loss(plain_store: Store, targets: TargetConfig) -> None:
    found = check_step(plain_store, dataclasses.replace(CONFIG, targets=targets))
    assert (found.pairs, found.precision, found.chunks) == (24, "float64", "11 pictures, 11 titles")
    parts = {"image tower", "text tower", "logit scale"} | ({"logit bias"} if targets.loss == "sigmoid" else set())
    assert found.chunks_against_whole.keys() == found.replayed_against_kept.keys() == parts
    assert all(float(difference) < 1e-12 for difference in found.chunks_against_whole.values())


class Centred(nn.Module):
    """Looks across the pairs of a batch while it is trained."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features - features.mean(dim=0) if self.training else features


@pytest.mark.slow
def test_a_layer_that_looks_across_pairs_is_found(plain_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with_layer(monkeypatch, Centred())
    with pytest.raises(
        ModelError, match=r"not that of its whole batch: gradients of the image tower differ by .*[(]visual"
    ):
        check_step(plain_store, CONFIG)


@pytest.mark.slow
def test_the_command_ends_with_two_in_one_line_and_writes_nothing(
    plain_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(plain_store.place), "--out", str(tmp_path / "model"), "--recipe", "tiny"]
    command += ["--set", "image_size=16", "batch.size=24", "--self-check"]
    assert main(command) == 0
    assert "chunks against whole: image tower" in capsys.readouterr().out
    with_layer(monkeypatch, Centred())
    assert main(command) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("eclip: self-check: a step in chunks is not that of its whole batch")
    assert not (tmp_path / "model").exists()


class ReadsItsDropout(nn.Module):
    """As attention does: the layer is never called, its share is read."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return F.dropout(features, self.dropout.p, training=self.training)


@pytest.mark.slow
@pytest.mark.parametrize("layer", [nn.Dropout(0.5), ReadsItsDropout()])
def test_dropout_is_replayed_and_kept_out_of_the_first_comparison(
    plain_store: Store, monkeypatch: pytest.MonkeyPatch, layer: nn.Module
) -> None:
    with_layer(monkeypatch, layer)
    assert check_step(plain_store, CONFIG).random_layers == "off in the first comparison"


@pytest.mark.slow
def test_random_layers_of_an_unknown_kind_are_compared_in_evaluation_mode(
    plain_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noise(nn.Module):
        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return features + torch.randn_like(features) if self.training else features

    with_layer(monkeypatch, Noise())
    assert "evaluation mode" in check_step(plain_store, CONFIG).random_layers


@pytest.mark.slow
def test_numbers_from_a_generator_of_its_own_are_found(plain_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.source = torch.Generator().manual_seed(0)

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            kept = torch.rand(features.shape, generator=self.source) > 0.5
            return features * kept if self.training else features

    with_layer(monkeypatch, Own())
    with pytest.raises(ModelError, match="random numbers are not replayed"):
        check_step(plain_store, CONFIG)


@pytest.mark.slow
def test_batch_normalisation_is_frozen_and_passes(plain_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with_layer(monkeypatch, nn.Sequential(nn.BatchNorm1d(128), nn.Linear(128, 128)))
    assert float(check_step(plain_store, CONFIG).chunks_against_whole["image tower"]) < 1e-12


def test_layers_with_stored_statistics_are_frozen_and_those_without_refused() -> None:
    class Homemade(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("running_mean", torch.zeros(3))

    stored = [nn.BatchNorm2d(3), nn.SyncBatchNorm(3), nn.InstanceNorm2d(3, track_running_stats=True), Homemade()]
    free = [nn.LayerNorm(3), nn.GroupNorm(1, 3), nn.InstanceNorm2d(3), nn.Dropout(0.1)]
    module = nn.ModuleList(stored + free).train()
    freeze_batch_statistics(module)
    assert [part.training for part in module] == [False] * 4 + [True] * 4
    with pytest.raises(ConfigError, match=r"layer 1 .BatchNorm1d. keeps no running statistics"):
        freeze_batch_statistics(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False)))


def test_a_difference_that_is_no_number_and_a_missing_gradient_fail() -> None:
    wanted = {"visual.a": torch.ones(2), "visual.b": torch.ones(3)}
    with pytest.raises(ModelError, match="differ by inf"):
        compared({**wanted, "visual.a": torch.full((2,), torch.nan)}, wanted, 1e-3, "fault")
    with pytest.raises(ModelError, match=r"visual\.b has a gradient on one side alone"):
        compared({"visual.a": torch.ones(2)}, wanted, 1e-3, "fault")
    assert compared(wanted, wanted, 1e-3, "fault") == {"image tower": "0.0e+00"}


def test_half_precision_and_a_locked_trunk_are_checked_too(plain_store: Store) -> None:
    changes = {"memory.autocast": "fp16", "locked.pictures": True, "augmentation.min_crop_share": 1}
    found = check_step(plain_store, CONFIG.changed(changes))
    assert found.precision == "float64"
    assert "logit scale" in found.chunks_against_whole
