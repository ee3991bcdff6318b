"""Where the figures of a run go besides its log: TensorBoard, and MLflow or Weights & Biases where asked for."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from eclip.console import say
from eclip.errors import ConfigError, MissingExtraError
from eclip.files import write_text

TrackerName: TypeAlias = Literal["mlflow", "wandb"]
IDS = "trackers.json"
PROJECT = "eclip"


class Tracker(Protocol):
    """Takes the figures of a run."""

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of a step."""

    def close(self) -> None:
        """Hand over what is still waiting."""


def open_trackers(run: Path, names: Sequence[TrackerName], *, first_step: int, settings: Mapping[str, Any]) -> Trackers:
    """TensorBoard files in the run folder, and the trackers named; a resumed run goes on under its old id.

    Where the trackers send things is their own affair: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME, WANDB_PROJECT,
    WANDB_MODE and so on in the environment.

    Raises:
        MissingExtraError: One that is named is not installed.
        ConfigError: MLflow has no place to write to.
    """
    if first_step == 0:
        (run / IDS).unlink(missing_ok=True)  # of an earlier run in this folder
    with ExitStack() as opened:  # what is open is closed again where the next one fails
        board = TensorBoard(run, first_step)
        opened.callback(board.close)
        remote: dict[str, Tracker] = {}
        for name in names:
            remote[name] = _REMOTE[name](run, settings)
            opened.callback(remote[name].close)
        opened.pop_all()
    return Trackers([board], remote)


class Trackers:
    """Several trackers as one.

    Args:
        local: Theirs are files of the run: a fault of one ends it.
        remote: By name: one that fails is told of once and left out from then on, while the run goes on.
    """

    def __init__(self, local: Sequence[Tracker], remote: Mapping[str, Tracker] | None = None) -> None:
        self.local, self.remote = local, dict(remote or {})

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Hand the figures of a step to all."""
        for tracker in self.local:
            tracker.write(step, figures)
        for name, tracker in [*self.remote.items()]:
            if not _works(name, lambda tracker=tracker: tracker.write(step, figures)):  # type: ignore[misc]
                del self.remote[name]

    def close(self) -> None:
        """Close all."""
        with ExitStack() as closing:
            for tracker in self.local:
                closing.callback(tracker.close)
            for name, tracker in self.remote.items():
                _works(name, tracker.close)


def _works(name: str, call: Callable[[], None]) -> bool:
    """Call a tracker; False, and a line, where it fails in whatever way of its own."""
    try:
        call()
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        say(f"Warning: {name} takes no more figures of this run ({reason}); its log and TensorBoard have all of them")
        return False
    return True


class TensorBoard:
    """Event files in the run folder's `tensorboard`."""

    def __init__(self, run: Path, first_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._board = SummaryWriter(str(run / "tensorboard"), purge_step=first_step)

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Add a point to the curve of each figure."""
        for name, value in figures.items():
            self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what waits."""
        self._board.close()


class MlflowTracker:
    """A run of an MLflow tracking server, or of its local folder."""

    def __init__(self, run: Path, settings: Mapping[str, Any]) -> None:
        try:
            from mlflow.exceptions import MlflowException
            from mlflow.tracking import MlflowClient
        except ImportError as error:
            raise _missing("mlflow", error) from None
        try:
            self._client = MlflowClient()
            self._id = self._run_id(run, settings)
            self._client.update_run(self._id, status="RUNNING")
        except MlflowException as error:
            raise ConfigError(
                f"watch.log_to: MLflow can't be written to ({' '.join(str(error).split())[:250]}); name a server in "
                "MLFLOW_TRACKING_URI"
            ) from None

    def _run_id(self, run: Path, settings: Mapping[str, Any]) -> str:
        """The id that MLflow knows the run by; a new run is made known with its settings."""
        from mlflow.entities import Param

        ids = _read_ids(run)
        if "mlflow" not in ids:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
            known = self._client.get_experiment_by_name(name)
            experiment = known.experiment_id if known else self._client.create_experiment(name)
            ids["mlflow"] = self._client.create_run(experiment, run_name=run.parent.name).info.run_id
            self._client.log_batch(ids["mlflow"], params=[Param(key, str(value)) for key, value in settings.items()])
            _write_ids(run, ids)
        return ids["mlflow"]

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Log all figures of a step in one call."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(self._id, metrics=[Metric(name, value, now, step) for name, value in figures.items()])

    def close(self) -> None:
        """Mark the run as finished for now."""
        self._client.set_terminated(self._id)


class WandbTracker:
    """A run of Weights & Biases; WANDB_MODE=offline keeps it in a folder."""

    def __init__(self, run: Path, settings: Mapping[str, Any]) -> None:
        try:
            import wandb
        except ImportError as error:
            raise _missing("wandb", error) from None
        ids = _read_ids(run)
        if "wandb" not in ids:
            ids["wandb"] = uuid.uuid4().hex[:12]
            _write_ids(run, ids)
        self._run = wandb.init(
            id=ids["wandb"],
            resume="allow",
            name=run.parent.name,
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            dir=str(run),
            config=dict(settings),
        )

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Log all figures of a step in one call."""
        self._run.log(dict(figures), step=step)

    def close(self) -> None:
        """Hand over what waits."""
        self._run.finish()


_REMOTE: dict[str, Any] = {"mlflow": MlflowTracker, "wandb": WandbTracker}


def _missing(name: str, error: ImportError) -> MissingExtraError:
    """The fault of a tracker that is not there, or whose own parts are not."""
    return MissingExtraError(f"watch.log_to: {name} can't be loaded ({error}); run: pip install 'eclip[{name}]'")


def _read_ids(run: Path) -> dict[str, str]:
    """Under which ids the trackers know this run."""
    path = run / IDS
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _write_ids(run: Path, ids: Mapping[str, str]) -> None:
    write_text(run / IDS, json.dumps(ids, indent=2))
