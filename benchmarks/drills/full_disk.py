"""Full-disk drill: commands run on a small file system that has less room than they need.

A tmpfs of 256 MB holds the folder of a job (as in the kill drills), and a file that takes all of it but a share of
what the job writes. The command must end with status 2 and one clear line, what was there before must be whole, and
with room again the same command must come to what an undisturbed run leaves. Needs the right to mount; without it:
`unshare --map-root-user --mount make drills`.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.drills.jobs import LONGEST_SECONDS, Job, done, make_job
from benchmarks.drills.kill_commands import Undisturbed, differing, is_whole, rerun_faults
from benchmarks.drills.moments import begin
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.place import Asked
from benchmarks.drills.states import content
from benchmarks.drills.warm import start

JOBS = ("prepare", "update", "embed", "fit", "index", "enrich")
FEW_JOBS = ("update", "fit", "enrich")
MEGABYTES = 256
_LOOK_SECONDS = 0.02
SHARES = (0.0, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95)  # of the room that the job needs at its height


def drills(asked: Asked) -> list[Outcome]:
    """Every job at every share; small: some jobs at one share."""
    outcomes = []
    with _mounted(asked.fresh("disk")) as disk:
        for name in FEW_JOBS if asked.is_small else JOBS:
            outcome = Outcome("disk", f"`{name}` on a disk that fills up")
            outcomes.append(outcome)
            if isinstance(disk, str):
                outcome.skipped = disk
                continue
            shares = SHARES[3:4] if asked.is_small else SHARES
            fill(make_job(name, asked.work / "starts", asked.shop), disk, shares, outcome)
    return outcomes


def fill(job: Job, disk: Path, shares: tuple[float, ...], outcome: Outcome) -> None:
    """Do a job with so many shares of the room that it needs."""
    folder = begin(job, disk)
    before, used = job.look(folder), _used(disk)
    needed = _most_used(job, folder, disk) - used
    calm = Undisturbed(0.0, [], before, job.look(folder))
    enough = 0
    for share in shares:
        folder = begin(job, disk)
        with _ballast(disk, room=int(share * needed)):
            status, said = start(job.command(folder)).communicate(LONGEST_SECONDS)
            between = job.look(folder)
        if status == 0:
            enough += content(between) == content(calm.after)
        faults = [] if status == 0 else fault_line_faults(status, said)
        if not is_whole(job, between, calm):
            faults.append(f"neither old nor new ({differing(between, calm)})")
        faults += rerun_faults(job, folder, calm)
        outcome.tell(f"{job.name} with {share:.0%} of {needed / 1e6:.1f} MB", faults, f"status {status}")
    outcome.note = f"{outcome.times - enough} ended by the full disk" + (f", {enough} got by" if enough else "")


def fault_line_faults(status: int, said: str) -> list[str]:
    """What is wrong with how a command told that the disk is full."""
    last = said.splitlines()[-1] if said else ""
    if status == 2 and last.startswith("eclip: the disk is full while writing") and "Traceback" not in said:
        return []
    return [f"status {status}, last line {last[:200]!r}"]


def _most_used(job: Job, folder: Path, disk: Path) -> int:
    """Do the job; the most bytes of the disk that were used meanwhile."""
    ended, most = threading.Event(), [0]

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            most[0] = max(most[0], _used(disk))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        done(*job.command(folder))
    finally:
        ended.set()
        looking.join()
    return max(most[0], _used(disk))


def _used(disk: Path) -> int:
    facts = os.statvfs(disk)
    return (facts.f_blocks - facts.f_bfree) * facts.f_frsize


@contextmanager
def _ballast(disk: Path, *, room: int) -> Iterator[None]:
    """A file that leaves so many bytes."""
    facts, file = os.statvfs(disk), disk / "ballast"
    size = facts.f_bfree * facts.f_frsize - room
    with file.open("wb") as opened:
        os.posix_fallocate(opened.fileno(), 0, size)
    try:
        yield
    finally:
        file.unlink()


@contextmanager
def _mounted(place: Path) -> Iterator[Path | str]:
    """A small file system; or why there is none."""
    options = f"size={MEGABYTES}m,nr_inodes=100k"
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        yield f"no right to mount a file system ({made.stderr.strip() or made.returncode})"
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)
