"""Faults of a run that it must outlive: a damaged checkpoint, and gradients that are not finite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eclip.errors import DivergedError
from eclip.products.store import Store
from eclip.train.batchsizes import BatchConfig
from eclip.train.checkpoint import CheckpointConfig, checkpoint_files, step_of
from eclip.train.config import TrainConfig
from eclip.train.step import TrainStep
from eclip.train.trainer import train_model

pytestmark = pytest.mark.slow
CONFIG = TrainConfig(
    encoder="tiny", image_size=16, batch=BatchConfig(size=16), checkpoints=CheckpointConfig(every_seconds=0)
)


def test_a_run_that_diverges_stops_and_goes_on_with_a_smaller_rate(
    small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = TrainStep.fill_gradients

    def poisoned(self, *arguments, **keywords):
        found = real(self, *arguments, **keywords)
        if len(seen := [*calls, 1]) > 3:
            self.encoder.module.logit_scale.grad.fill_(float("nan"))
        calls[:] = seen
        return found

    calls: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(TrainStep, "fill_gradients", poisoned)
        with pytest.raises(DivergedError, match="10 steps in a row, from step 3 on"):
            train_model(small_store, tmp_path, CONFIG, total_steps=20)
    assert capsys.readouterr().err.count("Warning: step 3 was skipped") == 1
    newest = checkpoint_files(tmp_path / "run")[0]
    assert step_of(newest) == 2  # no finite step proved the one after
    gentler = CONFIG.changed({"optimizer.lr": 1e-4})
    assert train_model(small_store, tmp_path, gentler, total_steps=20).steps == 20
    newest, before = checkpoint_files(tmp_path / "run")
    newest.write_bytes(newest.read_bytes()[:-5] + b"wrong")
    assert train_model(small_store, tmp_path, gentler, total_steps=20).steps == 20
    assert f"going on from the checkpoint before, step {step_of(before)}" in capsys.readouterr().err
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert steps == list(range(20))
