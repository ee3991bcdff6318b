"""Stopping a job at a chosen moment: it tells its steps on the disk, and is stopped before one of them or after it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.drills.jobs import LONGEST_SECONDS, Job
from benchmarks.drills.warm import start


def watch_steps(folder: str, stop_at: str) -> None:
    """Tell the steps of this process on the disk from now on, and die just before the n-th or the one so named.

    Args:
        folder: Only files in it are looked at.
        stop_at: A number, or what is told of the step.
    """
    steps = 0

    def watch(event: str, args: tuple[Any, ...]) -> None:
        nonlocal steps
        if event == "open":
            writes = args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and str(args[0]).startswith(folder)
        else:
            writes = event in ("os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree")
            writes = writes and (not Path(str(args[0])).is_absolute() or str(args[0]).startswith(folder))
        if not writes:
            return
        steps += 1
        told = f"{event} {str(args[0]).removeprefix(folder)}".replace(f".{os.getpid()}.", ".PID.")
        if stop_at in (str(steps), told):
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(2, f"STEP {told}\n".encode())

    sys.addaudithook(watch)


Steps = list[tuple[float, str]]
"""When and what: a job's steps on the disk."""


@dataclass(frozen=True)
class Moment:
    """When to stop: just before a step (`seconds` None), or seconds after the last step before; 0 = the start.

    A step may be named where it is not always the same one in number.
    """

    step: int | str
    seconds: float | None = None
    by: signal.Signals = signal.SIGKILL

    @classmethod
    def at(cls, when: float, steps: Steps, by: signal.Signals) -> Moment:
        """A time of an undisturbed run, told from its last step on the disk before."""
        done_by_then = [each for each, _ in steps if each <= when]
        return cls(len(done_by_then), when - max(done_by_then, default=0.0), by)

    def in_words(self, steps: Steps) -> str:
        """A moment as a person reads it."""
        step = self.step
        if isinstance(step, int):
            step = steps[step - 1][1] if step else "the start"
        return (f"before {step}" if self.seconds is None else f"{self.by.name} {self.seconds:.2f} s after {step}")[:76]


def begin(job: Job, place: Path) -> Path:
    """A fresh copy of what the job starts from."""
    folder = place / "work"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(job.start, folder)
    return folder


def time_steps(job: Job, folder: Path) -> tuple[float, Steps]:
    """Do the job undisturbed: how many seconds it takes, and its steps on the disk."""
    started = time.monotonic()
    command = start(job.command(folder), watch=(str(folder), "0"))
    told = [(time.monotonic() - started, line) for line in command.stderr]
    seconds = time.monotonic() - started
    if command.wait():
        raise SystemExit(f"{job.name} failed undisturbed: {told[-3:]}")
    return seconds, [(when, line.removeprefix("STEP ").strip()) for when, line in told if line.startswith("STEP ")]


def stopped(job: Job, folder: Path, moment: Moment) -> tuple[int, str]:
    """Start the job and stop it at a moment: its status, and what it said."""
    command = start(job.command(folder), watch=(str(folder), str(moment.step) if moment.seconds is None else "0"))
    said, steps = [], 0
    while moment.seconds is not None and steps < int(moment.step) and (line := command.stderr.readline()):
        said.append(line)
        steps += line.startswith("STEP ")
    if moment.seconds is not None:
        time.sleep(moment.seconds)
        command.stop(moment.by)
    status, rest = command.communicate(LONGEST_SECONDS)
    return status, "".join([*said, rest])


def interrupt_faults(status: int, said: str) -> list[str]:
    """What is wrong with how a run ended by Ctrl-C or SIGTERM."""
    if status == 0:
        return []
    last = " / ".join(line for line in said.splitlines()[-3:] if not line.startswith("STEP "))
    faults = [] if status in (130, -signal.SIGINT) else [f"the signal ended it with status {status}"]
    if "Traceback" in said or not last.rpartition(" / ")[2].startswith("eclip: interrupted"):
        faults.append(f"after the signal the last line was {last!r}")
    return faults


def how_it_ended(status: int) -> str:
    """A status in words."""
    ends = {0: "too late", 130: "ended by a signal", -2: "ended by a signal", -9: "killed"}
    return ends.get(status, f"status {status}")
