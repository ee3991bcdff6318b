"""What a person sees of a run: a line a step on disk, TensorBoard, a plot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from eclip.files import replace_file

LOG = "log.jsonl"
PLOT = "loss.png"


class RunLog:
    """Writes each step's figures to `log.jsonl` and to TensorBoard files in the run folder."""

    def __init__(self, run: Path, *, first_step: int) -> None:
        self.path = run / LOG
        _drop_steps_from(self.path, first_step)
        self._lines = self.path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(run / "tensorboard"), purge_step=first_step)

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Add one line: the step and its figures."""
        rounded = {name: round(value, 6) for name, value in figures.items()}
        self._lines.write(json.dumps({"step": step, **rounded}) + "\n")
        self._lines.flush()
        for name, value in figures.items():
            self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush and close both files."""
        self._lines.close()
        self._board.close()


def read_log(run: Path) -> list[dict[str, float]]:
    """All lines of a run's log, oldest first; a last line cut off by a kill is left out."""
    path = run / LOG
    if not path.is_file():
        return []
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines


def last_figure(run: Path, name: str) -> float | None:
    """The newest value of a figure in a run's log; None when there is none."""
    return next((line[name] for line in reversed(read_log(run)) if name in line), None)


def plot_log(run: Path) -> Path:
    """Draw training and validation loss (above its floor) over the steps into `loss.png`; returns its path."""
    from matplotlib.figure import Figure

    lines = read_log(run)
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for name, label in (("loss_above_floor", "training"), ("validation_loss_above_floor", "validation")):
        points = [(line["step"], line[name]) for line in lines if name in line]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, alpha=0.8)
    axes.set(xlabel="step", ylabel="loss above its floor", title="Training")
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend()
    with replace_file(run / PLOT) as aside:
        figure.savefig(aside, dpi=120, format="png")
    return run / PLOT


def _drop_steps_from(path: Path, first_step: int) -> None:
    """Forget the lines of steps after the checkpoint that a resumed run goes on from."""
    kept = [line for line in read_log(path.parent) if line["step"] < first_step]
    with replace_file(path) as aside:
        aside.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
