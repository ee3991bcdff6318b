"""What a person sees of a run: a line a step on disk, what trackers take of it, a line on the console."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch

from eclip.files import replace_file
from eclip.train.checks import require_choice, require_positive, require_whole
from eclip.train.trackers import TrackerName, Trackers

METRICS = "metrics.jsonl"


@dataclass(frozen=True, kw_only=True)
class WatchConfig:
    """How a run is watched; changes nothing of what it learns."""

    validations: int = 10
    """How often a run is tried on validation pairs at most; less often where that would cost much beside training."""
    validation_pairs: int = 1000
    """Most pairs that it is tried on, as one batch, the same each time."""
    log_to: tuple[TrackerName, ...] = ()
    """Trackers besides metrics.jsonl and TensorBoard: mlflow, wandb."""
    rank_timeout_seconds: float = 600.0
    """How long the processes of a run wait for one that hangs; longer than a validation and a checkpoint take."""

    def __post_init__(self) -> None:
        require_whole("watch.validations", self.validations, least=1)
        require_whole("watch.validation_pairs", self.validation_pairs, least=2)
        require_positive("watch.rank_timeout_seconds", self.rank_timeout_seconds)
        names = (self.log_to,) if isinstance(self.log_to, str) else tuple(self.log_to)
        object.__setattr__(self, "log_to", names)  # lists of a file become tuples
        for name in names:
            require_choice("watch.log_to", name, get_args(TrackerName))


class RunLog:
    """Writes each step's figures to `metrics.jsonl` and hands them to trackers.

    Args:
        run: The run folder.
        first_step: Lines of this step on are forgotten: the run goes on there.
        trackers: What else takes the figures.
    """

    def __init__(self, run: Path, *, first_step: int, trackers: Trackers) -> None:
        self.path, self._trackers = run / METRICS, trackers
        _drop_steps_from(self.path, first_step)
        self._lines = self.path.open("a", encoding="utf-8")

    def write(self, step: int, figures: Mapping[str, float], warnings: Sequence[str] = ()) -> None:
        """Add one line: the step, its figures that are finite (JSON has no others), and new warnings."""
        finite = {name: value for name, value in figures.items() if math.isfinite(value)}
        line: dict[str, Any] = {"step": step, **{name: round(value, 6) for name, value in finite.items()}}
        if warnings:
            line["warnings"] = list(warnings)
        self._lines.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._lines.flush()
        self._trackers.write(step, finite)

    def close(self) -> None:
        """Flush and close everything."""
        self._lines.close()
        self._trackers.close()


def read_log(run: Path) -> list[dict[str, Any]]:
    """All lines of a run's log, oldest first; a last line cut off by a kill is left out."""
    path = run / METRICS
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


def memory_megabytes() -> dict[str, float]:
    """What this process holds now: `memory_mb` of main memory, and the most of its GPU so far as `gpu_memory_mb`."""
    found = {"memory_mb": _resident_bytes() / 2**20}
    if torch.cuda.is_available():
        found["gpu_memory_mb"] = torch.cuda.max_memory_allocated() / 2**20
    return found


def console_note(figures: Mapping[str, float]) -> str:
    """The figures of a step that a person wants to see while it runs, in few words."""
    words = [f"loss +{figures['loss_above_floor']:.3f}"] if "loss_above_floor" in figures else []
    if "validation_recall_at_1" in figures:
        words.append(f"R@1 {figures['validation_recall_at_1']:.3f}")
    memory = figures.get("gpu_memory_mb", figures.get("memory_mb"))
    return ", ".join([*words, f"{memory / 1024:.1f} GB"] if memory else words)


def _resident_bytes() -> float:
    """Resident memory of this process; where the system does not tell it (no /proc), the most it ever was."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def _drop_steps_from(path: Path, first_step: int) -> None:
    """Forget the lines of steps after the checkpoint that a resumed run goes on from."""
    kept = [line for line in read_log(path.parent) if line["step"] < first_step]
    with replace_file(path) as aside:
        aside.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept), encoding="utf-8")
