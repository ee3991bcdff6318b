"""The curves of a run in one picture: losses, recall, learning rate and batch size over its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclip.files import replace_file
from eclip.train.watch import read_log

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOT = "loss.png"

Curves = Sequence[tuple[str, str]]

# Title of each panel, its curves (figure in the log, what it is called), and whether its axis begins at 0.
PANELS: tuple[tuple[str, Curves, bool], ...] = (
    (
        "loss above its floor",
        (("loss_above_floor", "training"), ("validation_loss_above_floor", "validation")),
        False,
    ),
    (
        "recall on validation pairs",
        (("validation_recall_at_1", "recall@1"), ("validation_recall_at_10", "recall@10")),
        True,
    ),
    ("share of the peak learning rate", (("lr_factor", "learning rate"),), True),
    ("pairs in a batch", (("batch_size", "batch size"),), True),
)


def plot_log(run: Path) -> Path:
    """Draw the curves of a run's log into `loss.png`; returns its path."""
    from matplotlib.figure import Figure

    lines = read_log(run)
    figure = Figure(figsize=(10, 6), layout="constrained")
    for axes, (title, curves, from_zero) in zip(
        figure.subplots(2, 2, sharex=True, height_ratios=(2, 1)).flat, PANELS, strict=True
    ):
        _draw(axes, lines, curves)
        axes.set_title(title, fontsize="medium")
        axes.grid(alpha=0.3)
        if from_zero:
            axes.set_ylim(bottom=0)
    figure.supxlabel("step", fontsize="medium")
    with replace_file(run / PLOT) as aside:
        figure.savefig(aside, dpi=120, format="png")
    return run / PLOT


def _draw(axes: Axes, lines: Sequence[Mapping[str, Any]], curves: Curves) -> None:
    """Draw curves; one of few points gets dots."""
    for name, label in curves:
        points = [(line["step"], line[name]) for line in lines if name in line]
        if points:
            axes.plot(*zip(*points, strict=True), marker="." if len(points) < 50 else "", label=label, alpha=0.8)
    for line in lines:
        if line.get("skipped"):
            axes.axvline(line["step"], color="tab:red", alpha=0.5, linewidth=0.8)
    if len(axes.lines) and len(curves) > 1:
        axes.legend()
