"""What MLflow and Weights & Biases are really told, by stand-ins that keep every call."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from eclip.errors import ConfigError, MissingExtraError
from eclip.train import trackers
from eclip.train.trackers import IDS, Trackers, open_trackers

SETTINGS = {"optimizer.lr": 0.001, "batch.schedule": [[0, 8]], "image_size": None}
Calls = list[tuple[str, Any]]


class NotReachedError(Exception):
    """As a library raises what only it knows."""


@pytest.fixture(autouse=True)
def no_board(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorBoard takes seconds to load and has no part in this."""
    board = SimpleNamespace(write=lambda step, figures: None, close=lambda: None)
    monkeypatch.setattr(trackers, "TensorBoard", lambda run, first_step: board)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "shop-model" / "run"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """A stand-in for `mlflow`; the list of what it was told."""
    calls: Calls = []

    class Client:
        def get_experiment_by_name(self, name: str) -> Any:
            return SimpleNamespace(experiment_id="7") if name == "known" else None

        def create_experiment(self, name: str) -> str:
            calls.append(("create_experiment", name))
            return "8"

        def create_run(self, experiment: str, *, run_name: str) -> Any:
            calls.append(("create_run", (experiment, run_name)))
            return SimpleNamespace(info=SimpleNamespace(run_id="abc"))

        def log_batch(self, run_id: str, *, metrics: Any = (), params: Any = ()) -> None:
            told = [(each.key, each.value, each.step) for each in metrics] or {each.key: each.value for each in params}
            calls.append(("log_batch", (run_id, told)))

        def update_run(self, run_id: str, *, status: str) -> None:
            calls.append(("update_run", (run_id, status)))

        def set_terminated(self, run_id: str) -> None:
            calls.append(("set_terminated", run_id))

    def metric(key: str, value: float, timestamp: int, step: int) -> Any:
        assert timestamp > 1.6e12  # milliseconds
        return SimpleNamespace(key=key, value=value, step=step)

    package = ModuleType("mlflow")
    parts: dict[str, dict[str, Any]] = {
        "tracking": {"MlflowClient": Client},
        "exceptions": {"MlflowException": NotReachedError},
        "entities": {"Metric": metric, "Param": lambda key, value: SimpleNamespace(key=key, value=value)},
    }
    monkeypatch.setitem(sys.modules, "mlflow", package)
    for name, members in parts.items():
        module = ModuleType(f"mlflow.{name}")
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, f"mlflow.{name}", module)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    return calls


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """A stand-in for `wandb`; the list of what it was told."""
    calls: Calls = []

    def init(**given: Any) -> Any:
        calls.append(("init", given))
        return SimpleNamespace(
            log=lambda figures, step: calls.append(("log", (figures, step))),
            finish=lambda: calls.append(("finish", None)),
        )

    module = ModuleType("wandb")
    vars(module)["init"] = init
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    return calls


def test_mlflow_gets_settings_once_and_a_batch_a_step(run: Path, mlflow: Calls) -> None:
    told = open_trackers(run, ["mlflow"], first_step=0, settings=SETTINGS)
    told.write(0, {"loss": 2.5, "floor": 0.1})
    told.close()
    params = {"optimizer.lr": "0.001", "batch.schedule": "[[0, 8]]", "image_size": "None"}
    assert mlflow == [
        ("create_experiment", "eclip"),
        ("create_run", ("8", "shop-model")),
        ("log_batch", ("abc", params)),
        ("update_run", ("abc", "RUNNING")),
        ("log_batch", ("abc", [("loss", 2.5, 0), ("floor", 0.1, 0)])),
        ("set_terminated", "abc"),
    ]
    mlflow.clear()
    again = open_trackers(run, ["mlflow"], first_step=1, settings=SETTINGS)  # a resumed run is the same one there
    again.write(1, {"loss": 2.0})
    assert mlflow == [("update_run", ("abc", "RUNNING")), ("log_batch", ("abc", [("loss", 2.0, 1)]))]


def test_mlflow_takes_an_experiment_that_is_known(run: Path, mlflow: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "known")
    open_trackers(run, ["mlflow"], first_step=0, settings={})
    assert mlflow[0] == ("create_run", ("7", "shop-model"))


def test_mlflow_without_a_place_to_write_is_one_line(run: Path, mlflow: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, name: str) -> None:
        raise NotReachedError("unsupported\nURI 'sqlite:///x'")

    monkeypatch.setattr(sys.modules["mlflow.tracking"].MlflowClient, "get_experiment_by_name", refuse)
    with pytest.raises(
        ConfigError, match=r"^watch.log_to: MLflow can't be written to .unsupported URI 'sqlite:///x'.; "
    ):
        open_trackers(run, ["mlflow"], first_step=0, settings={})
    assert not (run / IDS).exists()


def test_wandb_gets_settings_and_a_line_a_step_under_one_id(run: Path, wandb: Calls) -> None:
    told = open_trackers(run, ["wandb"], first_step=0, settings=SETTINGS)
    told.write(0, {"loss": 2.5})
    told.close()
    (_, given), *rest = wandb
    assert rest == [("log", ({"loss": 2.5}, 0)), ("finish", None)]
    identity = json.loads((run / IDS).read_text())["wandb"]
    assert given == {
        "id": identity,
        "resume": "allow",
        "name": "shop-model",
        "project": "eclip",
        "dir": str(run),
        "config": SETTINGS,
    }
    open_trackers(run, ["wandb"], first_step=1, settings=SETTINGS)
    assert wandb[-1][1]["id"] == identity


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_one_that_is_not_there_is_one_line(run: Path, name: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    board = SimpleNamespace(close=lambda: closed.append(1))
    monkeypatch.setattr(trackers, "TensorBoard", lambda run, first_step: board)
    monkeypatch.setitem(sys.modules, name, None)  # as where it is not installed
    with pytest.raises(MissingExtraError, match=rf"watch.log_to: {name} can't be loaded .*pip install 'eclip.{name}.'"):
        open_trackers(run, [name], first_step=0, settings={})
    assert closed == [1]


class Broken:
    """A tracker whose server is gone."""

    def __init__(self) -> None:
        self.calls = 0

    def write(self, step: int, figures: Any) -> None:
        self.calls += 1
        raise NotReachedError("no route\nto host")

    close = write  # never called once it has failed


def test_a_remote_one_that_fails_is_told_of_once_and_the_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[int] = []
    fine = SimpleNamespace(write=lambda step, figures: heard.append(step), close=lambda: heard.append(-1))
    broken = Broken()
    told = Trackers([], {"mlflow": broken, "wandb": fine})
    for step in range(3):
        told.write(step, {"loss": 1.0})
    told.close()
    assert (broken.calls, heard) == (1, [0, 1, 2, -1])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Warning: mlflow takes no more figures of this run (no route to host); its log")


def test_a_local_one_that_fails_ends_the_run() -> None:
    with pytest.raises(NotReachedError):
        Trackers([Broken()]).write(0, {})
