"""What is kept of a run: whose weights are tried and kept, which become the model, which alarms judge it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from eclip.products.store import Store
from eclip.train import trackers
from eclip.train.alarms import StuckAtChance
from eclip.train.batchsizes import BatchConfig
from eclip.train.checkpoint import BEST, Best, CheckpointConfig, best_up_to, load_best, read_best, save_best
from eclip.train.config import TrainConfig
from eclip.train.keeper import Keeper, choose_weights
from eclip.train.step import TrainStep
from eclip.train.trainer import train_model
from eclip.train.validate import ValidationBatch

CONFIG = TrainConfig(
    encoder="tiny", image_size=16, batch=BatchConfig(size=16), checkpoints=CheckpointConfig(every_seconds=0)
)


@pytest.fixture(autouse=True)
def no_board(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorBoard takes seconds to load and has no part in this."""
    board = SimpleNamespace(write=lambda step, figures: None, close=lambda: None)
    monkeypatch.setattr(trackers, "TensorBoard", lambda run, first_step: board)


@pytest.mark.parametrize(
    ("fields", "judged"),
    [
        ({}, True),
        ({"targets.kind": "mask"}, True),
        ({"views.picture_title": 0.0, "views.title_title": 1.0}, False),  # not all titles have mates that pull
        ({"targets.loss": "sigmoid"}, False),
        ({"views.title_title": 1.0}, False),  # their losses add up
        ({"views.picture_title": 0.5}, False),
    ],
)
def test_the_loss_of_guessing_is_judged_where_it_is_known(
    small_store: Store, tmp_path: Path, fields: dict[str, Any], judged: bool
) -> None:
    step: Any = None
    config = CONFIG.changed(fields)
    batch = ValidationBatch.draw(small_store, config.views, most=10, seed=0)
    kept = Keeper.of(step, batch, config, tmp_path, first_step=0, total_pairs=100, on_the_clock=False)
    kept.close()
    assert any(isinstance(detector, StuckAtChance) for detector in kept.alarms.detectors) == judged


def encoder_of(value: float) -> Any:
    layer = nn.Linear(2, 1)
    nn.init.constant_(layer.weight, value)
    return SimpleNamespace(module=layer)


def log_a_run(run: Path, *, overfits: bool) -> None:
    """Training losses fall; the validation rises or falls with them."""
    with (run / "metrics.jsonl").open("w") as log:
        for step in range(6):
            validation = 2.0 + 0.3 * step * (1 if overfits else -1)
            line = {"step": step, "loss_above_floor": 2 - 0.2 * step, "validation_loss_above_floor": validation}
            log.write(json.dumps(line) + "\n")


@pytest.mark.parametrize(
    ("choice", "overfits", "taken"),
    [
        ("auto", False, "last"),
        ("auto", True, "best"),
        ("last", True, "last"),
        ("best", False, "best"),
    ],
)
def test_best_or_last_weights(tmp_path: Path, choice: Any, overfits: bool, taken: str) -> None:
    log_a_run(tmp_path, overfits=overfits)
    best = Best(step=3, recall_at_1=0.5, loss=1.0)
    save_best(tmp_path, encoder_of(3.0), best)
    last = encoder_of(6.0)
    found = choose_weights(tmp_path, last, choice)
    assert found == (best if taken == "best" else None)
    assert last.module.weight[0, 0].item() == (3.0 if taken == "best" else 6.0)


def test_the_best_weights_of_steps_that_are_taken_again_do_not_count(tmp_path: Path) -> None:
    best = Best(step=3, recall_at_1=0.5, loss=1.0)
    save_best(tmp_path, encoder_of(3.0), best)
    assert best_up_to(tmp_path, 3) == best
    assert best_up_to(tmp_path, 2) is None
    assert read_best(tmp_path) is None  # nor at the end of the run


def test_without_best_weights_that_can_be_read_the_last_ones_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = encoder_of(6.0)
    assert choose_weights(tmp_path, last, "best") is None  # a run without validation pairs
    save_best(tmp_path, encoder_of(3.0), Best(step=3, recall_at_1=0.5, loss=1.0))
    whole = (tmp_path / BEST).read_bytes()
    (tmp_path / BEST).write_bytes(whole[:-4] + b"\1\2\3\4")
    assert load_best(tmp_path, last) is None
    assert "is damaged" in capsys.readouterr().err
    (tmp_path / BEST).write_bytes(whole[:20])
    assert read_best(tmp_path) is None
    assert last.module.weight[0, 0].item() == 6.0


def test_a_better_recall_wins_and_of_equal_ones_the_smaller_loss() -> None:
    first = Best(step=1, recall_at_1=0.5, loss=1.0)
    assert first.beats(None)
    assert Best(step=2, recall_at_1=0.6, loss=9.0).beats(first)
    assert Best(step=2, recall_at_1=0.5, loss=0.9).beats(first)
    assert not Best(step=2, recall_at_1=0.5, loss=1.0).beats(first)
    assert not Best(step=2, recall_at_1=0.4, loss=0.1).beats(first)


@pytest.mark.slow
def test_the_averaged_weights_are_tried_and_kept_as_the_best(
    small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[np.ndarray] = []
    real = ValidationBatch.judge

    def judged(self: ValidationBatch, encoder: Any) -> dict[str, float]:
        tried.append(encoder.module.visual.proj.detach().numpy().copy())
        return real(self, encoder)

    monkeypatch.setattr(ValidationBatch, "judge", judged)
    config = CONFIG.changed({"optimizer.ema_decay": 0.9, "checkpoints.keep": 9, "watch.validations": 1})
    train_model(small_store, tmp_path, config, total_steps=3)
    kept = load_file(tmp_path / "run" / "checkpoints" / "step-000000003.safetensors")
    average = kept["extra.average.visual.proj"]
    (at_the_end,) = tried
    np.testing.assert_array_equal(at_the_end, average)
    np.testing.assert_array_equal(load_file(tmp_path / "run" / BEST)["visual.proj"], average)
    assert not np.array_equal(average, kept["model.visual.proj"])


@pytest.mark.slow
def test_a_float16_step_with_infinite_gradients_counts_as_skipped_and_moves_nothing(
    small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []
    real = TrainStep.take

    def take(self: TrainStep, batch: Any, *, number: int, lr_factor: float) -> dict[str, float]:
        if number == 1:  # far beyond float16's largest number: its gradients become infinite
            self.precision.scaler.update(torch.tensor(2.0**100))
        before = {name: value.clone() for name, value in self.encoder.module.state_dict().items()}
        scale = self.precision.scaler.get_scale()
        figures = real(self, batch, number=number, lr_factor=lr_factor)
        after = self.encoder.module.state_dict()
        moved = any(not torch.equal(before[name], value) for name, value in after.items())
        seen.append({**figures, "moved": moved, "lowered": self.precision.scaler.get_scale() < scale})
        if number == 1:
            self.precision.scaler.update(torch.tensor(2.0**10))
        return figures

    monkeypatch.setattr(TrainStep, "take", take)
    config = CONFIG.changed({"memory.autocast": "fp16", "optimizer.ema_decay": 0.9, "checkpoints.keep": 9})
    train_model(small_store, tmp_path, config, total_steps=3)
    assert [(each["skipped"], each["moved"], each["lowered"]) for each in seen] == [
        (0.0, True, False),
        (1.0, False, True),
        (0.0, True, False),
    ]
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["skipped"] for line in lines] == [0.0, 1.0, 0.0]
    assert "warnings" not in lines[1]  # a loss scale that is looked for is no fault
    written = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert written == ["step-000000001.safetensors", "step-000000003.safetensors"]  # none of unproved weights
