"""Where the figures of a run go besides its log: TensorBoard, and MLflow or Weights & Biases where asked for."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from eclip.errors import MissingExtraError
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
    """
    if first_step == 0:
        (run / IDS).unlink(missing_ok=True)  # of an earlier run in this folder
    with ExitStack() as opened:  # what is open is closed again where the next one fails
        trackers: list[Tracker] = [TensorBoard(run, first_step)]
        opened.callback(trackers[0].close)
        for name in names:
            trackers.append(_REMOTE[name](run, settings))
            opened.callback(trackers[-1].close)
        opened.pop_all()
    return Trackers(trackers)


class Trackers:
    """Several trackers as one."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self.trackers = trackers

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Hand the figures of a step to all."""
        for tracker in self.trackers:
            tracker.write(step, figures)

    def close(self) -> None:
        """Close all."""
        with ExitStack() as closing:
            for tracker in self.trackers:
                closing.callback(tracker.close)


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
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise MissingExtraError("watch.log_to: MLflow is not installed; run: pip install 'eclip[mlflow]'") from None
        self._client = MlflowClient()
        ids = _read_ids(run)
        if "mlflow" not in ids:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
            known = self._client.get_experiment_by_name(name)
            experiment = known.experiment_id if known else self._client.create_experiment(name)
            ids["mlflow"] = self._client.create_run(experiment, run_name=run.parent.name).info.run_id
            _write_ids(run, ids)
            for key, value in settings.items():
                self._client.log_param(ids["mlflow"], key, value)
        self._id = ids["mlflow"]
        self._client.update_run(self._id, status="RUNNING")

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
        except ImportError:
            raise MissingExtraError("watch.log_to: wandb is not installed; run: pip install 'eclip[wandb]'") from None
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


def _read_ids(run: Path) -> dict[str, str]:
    """Under which ids the trackers know this run."""
    path = run / IDS
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _write_ids(run: Path, ids: Mapping[str, str]) -> None:
    write_text(run / IDS, json.dumps(ids, indent=2))
