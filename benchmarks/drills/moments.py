"""Stopping a job at a chosen moment: it tells its steps on the disk, and is stopped before one of them or after it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jobs import LONGEST_SECONDS, Job

# Run before the command: counts its steps on the disk, tells them, and dies just before the n-th or the one so named.
WATCHED = """
import os, signal, sys
folder, stop_at = sys.argv[1], sys.argv[2]
steps = 0
def watch(event, args):
    global steps
    if event == "open":
        writes = args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and str(args[0]).startswith(folder)
    else:
        writes = event in ("os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree")
        writes = writes and (not os.path.isabs(str(args[0])) or str(args[0]).startswith(folder))
    if not writes:
        return
    steps += 1
    told = f"{event} {str(args[0]).removeprefix(folder)}".replace(f".{os.getpid()}.", ".PID.")
    if stop_at in (str(steps), told):
        os.kill(os.getpid(), signal.SIGKILL)
    os.write(2, f"STEP {told}\\n".encode())
sys.addaudithook(watch)
sys.argv[1:] = sys.argv[3:]
from eclip.__main__ import main
sys.exit(main())
"""

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


def watched(job: Job, folder: Path, *, stop_at: int | str = 0) -> subprocess.Popen[str]:
    """Start the job so that it tells its steps, and kills itself before one of them.

    It has a session of its own, so that Ctrl-C is not ignored.
    """
    command = [sys.executable, "-c", WATCHED, str(folder), str(stop_at), *job.command(folder)]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def time_steps(job: Job, folder: Path) -> tuple[float, Steps]:
    """Do the job undisturbed: how many seconds it takes, and its steps on the disk."""
    started = time.monotonic()
    with watched(job, folder) as process:
        told = [(time.monotonic() - started, line) for line in process.stderr or ()]
    steps = [(when, line.removeprefix("STEP ").strip()) for when, line in told if line.startswith("STEP ")]
    return time.monotonic() - started, steps


def stopped(job: Job, folder: Path, moment: Moment) -> tuple[int, str]:
    """Start the job and stop it at a moment: its status, and what it said."""
    with watched(job, folder, stop_at=moment.step if moment.seconds is None else 0) as process:
        said, steps = [], 0
        while moment.seconds is not None and steps < int(moment.step) and (line := process.stderr.readline()):  # type: ignore[union-attr]
            said.append(line)
            steps += line.startswith("STEP ")
        if moment.seconds is not None:
            time.sleep(moment.seconds)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, moment.by)
        _, rest = process.communicate(timeout=LONGEST_SECONDS)
    return process.returncode, "".join([*said, rest])


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
