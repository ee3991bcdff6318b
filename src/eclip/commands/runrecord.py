"""RUN/record.json: what a run was told, on what, and what each stage cost; kept beside what it made.

`run.json` decides which stages are done. This file decides nothing: it is for people who ask later, and holds the times
and the machine that results must not depend on.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eclip.files import write_text
from eclip.products.stagetimes import StageTimes, peak_memory_bytes
from eclip.version import __version__

RUN_RECORD = "record.json"
_LIBRARIES = ("torch", "torchvision", "open_clip_torch", "timm", "numpy", "scipy", "scikit-learn", "daft", "pylance")


class RunRecord:
    """What a run was told and what its stages cost.

    Args:
        file: Where it is kept; what an earlier run of the same folder told of stages that are kept stays.
        told: Effective settings: feed, training, seed.
    """

    def __init__(self, file: Path, told: Mapping[str, Any]) -> None:
        self.file = file
        self.content = {"eclip": __version__, **told, "machine": _machine(), "stages": _stages_before(file)}

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Measure a stage that runs now; what the block puts into the yielded entry is kept with it."""
        times, begun = StageTimes(), datetime.now(UTC)
        entry: dict[str, Any] = {}
        started = time.monotonic()
        with times.stage(name):
            yield entry
        cost = {
            "begun": begun.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - started, 2),
            "processor_seconds": round(times.processor_seconds[name], 2),
            "peak_memory_bytes": peak_memory_bytes(),  # of the process so far
        }
        self.content["stages"] = {**self.content["stages"], name: {**cost, **entry}}
        write_text(self.file, json.dumps(self.content, ensure_ascii=False, indent=1, default=str) + "\n")


def _machine() -> dict[str, Any]:
    """What numbers may depend on: libraries and threads."""
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "libraries": versions,
    }


def _stages_before(file: Path) -> dict[str, Any]:
    try:
        stages = json.loads(file.read_text(encoding="utf-8"))["stages"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return stages if isinstance(stages, dict) else {}
