"""Clock drill: the system's clock jumps forwards and backwards under running commands (libfaketime).

The commands of the kill drills, and training, run while the clock that they see jumps by a year ahead, then two years
back, every half second. What they leave must be what an undisturbed run leaves. Clocks that only ever go on
(CLOCK_MONOTONIC) do, as they do in a real jump; files keep their real times.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from benchmarks.drills.jobs import LONGEST_SECONDS, Job, done, make_job, make_train_job
from benchmarks.drills.kill_train import BATCH, Trained, differing, outcome_of
from benchmarks.drills.moments import begin
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.place import Asked

JOBS = ("prepare", "update", "daily", "embed", "fit", "index", "enrich")
OFFSETS = ("+1y", "-1y", "+0", "+30d", "-3650d")
JUMP_SECONDS = 0.5
STEPS = 40


def drills(asked: Asked) -> list[Outcome]:
    """Every job under a jumping clock, then training."""
    library = _library()
    outcomes = []
    for name in ("update", "enrich") if asked.is_small else JOBS:
        outcome = Outcome("clock", f"`{name}` while the clock jumps by years")
        outcomes.append(outcome)
        if library is None:
            outcome.skipped = "no libfaketime (apt install libfaketime)"
            continue
        job = make_job(name, asked.work, asked.shop)
        folder = begin(job, asked.work)
        done(*job.command(folder))
        calm = job.look(folder)
        faults, jumps = jumped(job, begin(job, asked.work), library, asked.work)
        after = job.look(asked.work / "work")
        names = [each for each in {*after, *calm} if after.get(each) != calm.get(each)]
        outcome.tell(
            f"{name}, {jumps} jumps", [*faults, *([f"differs in {', '.join(sorted(names))}"] if names else [])]
        )
    return [*outcomes, _training(asked, library)]


def _training(asked: Asked, library: str | None) -> Outcome:
    outcome = Outcome("clock", "`train` while the clock jumps by years")
    if library is None:
        outcome.skipped = "no libfaketime (apt install libfaketime)"
        return outcome
    job = make_train_job(asked.work, asked.shop, steps=STEPS, batch_size=BATCH)
    folder = begin(job, asked.work)
    done(*job.command(folder))
    calm: Trained = outcome_of(folder)
    faults, jumps = jumped(job, begin(job, asked.work), library, asked.work)
    outcome.tell(f"train, {jumps} jumps", [*faults, *differing(outcome_of(folder), calm)])
    return outcome


def jumped(job: Job, folder: Path, library: str, work: Path) -> tuple[list[str], int]:
    """Do a job while its clock jumps: what was wrong, and how often it jumped."""
    told = work / "clock"
    environment = {
        **os.environ,
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(told),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    told.write_text(OFFSETS[2])
    command = [sys.executable, "-m", "eclip", *job.command(folder)]
    started, jumps = time.monotonic(), 0
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        for offset in _offsets(process, started):
            aside = told.with_name("clock-next")
            aside.write_text(offset)
            aside.rename(told)
            jumps += 1
        said = process.stderr.read() if process.stderr else ""
    return ([f"status {process.returncode}: {said.splitlines()[-1:]}"] if process.returncode else []), jumps


def _offsets(process: subprocess.Popen[str], started: float) -> Iterator[str]:
    """One every half second, for as long as the process runs."""
    for offset in cycle(OFFSETS):
        try:
            process.wait(JUMP_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() - started > LONGEST_SECONDS:
                process.kill()
            yield offset
        else:
            return


def _library() -> str | None:
    """Where libfaketime lies."""
    found = [path for folder in ("/usr/lib", "/usr/local/lib") for path in Path(folder).glob("**/libfaketimeMT.so.1")]
    return str(found[0]) if found else None
