"""What a run's watching is told, and what a person sees of it off a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eclip import progress
from eclip.errors import ConfigError
from eclip.progress import stage
from eclip.train.trackers import Trackers
from eclip.train.watch import RunLog, WatchConfig, console_note, last_figure, memory_megabytes, read_log


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("validations", 0, "watch.validations = 0"),
        ("validations", 2.5, "watch.validations = 2.5"),
        ("validations", True, "watch.validations = True"),
        ("validation_pairs", 1, "watch.validation_pairs = 1"),
        ("rank_timeout_seconds", 0, "watch.rank_timeout_seconds = 0"),
        ("rank_timeout_seconds", float("nan"), "watch.rank_timeout_seconds = nan"),
        ("rank_timeout_seconds", "soon", "watch.rank_timeout_seconds = 'soon'"),
        ("log_to", ("tensorboard",), "watch.log_to = 'tensorboard'"),
        ("log_to", ["wandb", "mlfow"], "watch.log_to = 'mlfow'"),
        ("log_to", [["wandb"]], "watch.log_to = "),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_field(field: str, value: Any, words: str) -> None:
    with pytest.raises(ConfigError) as fault:
        WatchConfig(**{field: value})
    assert str(fault.value).startswith(words)
    assert "\n" not in str(fault.value)


def test_trackers_may_be_named_as_a_list_or_alone() -> None:
    assert WatchConfig(log_to=["wandb", "mlflow"]).log_to == ("wandb", "mlflow")  # as a TOML file gives them
    assert WatchConfig(log_to="wandb").log_to == ("wandb",)


class TestConsoleNote:
    def test_tells_what_there_is(self) -> None:
        figures = {"loss_above_floor": 1.23456, "validation_recall_at_1": 0.25, "memory_mb": 1536.0}
        assert console_note(figures) == "loss +1.235, R@1 0.250, 1.5 GB"
        assert console_note({**figures, "gpu_memory_mb": 20480.0}).endswith(", 20.0 GB")
        assert console_note({"loss_above_floor": 1.0}) == "loss +1.000"
        assert console_note({}) == ""

    def test_off_a_terminal_it_is_a_line_now_and_then(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        clock = [100.0]
        monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
        with stage("Training", 10_000, unit="pairs", done_before=2_000) as advance:
            for number in range(8):
                clock[0] += 20.0
                advance(1_000, total=10_000, note=f"loss +{number}")
        lines = capsys.readouterr().err.splitlines()
        assert lines == [
            "Training ...",
            "Training: 5,000 of 10,000 pairs, 50 pairs/s, 0:01:40 left, loss +2",
            "Training: 8,000 of 10,000 pairs, 50 pairs/s, 0:00:40 left, loss +5",
            "Training: 8,000 pairs in 160.0 s (50 pairs/s)",
        ]


class Heard:
    """A tracker that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, dict[str, float]]] = []
        self.closed = False

    def write(self, step: int, figures: Any) -> None:
        self.told.append((step, dict(figures)))

    def close(self) -> None:
        self.closed = True


class TestRunLog:
    def test_what_is_not_finite_is_left_out_of_log_and_trackers(self, tmp_path: Path) -> None:
        heard = Heard()
        log = RunLog(tmp_path, first_step=0, trackers=Trackers([heard]))
        log.write(0, {"loss": 1.23456789, "grad_norm": float("inf"), "floor": float("nan")}, ["careful"])
        log.close()
        assert read_log(tmp_path) == [{"step": 0, "loss": 1.234568, "warnings": ["careful"]}]
        assert heard.told == [(0, {"loss": 1.23456789})]
        assert heard.closed

    def test_a_resumed_run_has_each_step_once_also_after_a_line_that_was_cut_off(self, tmp_path: Path) -> None:
        lines = [json.dumps({"step": step, "loss": 9.0 - step}) for step in range(5)]
        (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + '\n{"step": 5, "lo')
        log = RunLog(tmp_path, first_step=3, trackers=Trackers([]))
        for step in range(3, 6):
            log.write(step, {"loss": 9.0 - step})
        log.close()
        assert [(line["step"], line["loss"]) for line in read_log(tmp_path)] == [(s, 9.0 - s) for s in range(6)]
        assert last_figure(tmp_path, "loss") == 4.0
        assert last_figure(tmp_path, "unheard") is None

    def test_no_log_is_an_empty_one(self, tmp_path: Path) -> None:
        assert read_log(tmp_path) == []
        assert last_figure(tmp_path, "loss") is None


def test_memory_is_that_of_this_process() -> None:
    assert 10 < memory_megabytes()["memory_mb"] < 100_000
