"""Drill of Ray: processes of a cluster are killed while it prepares a feed, or embeds a store.

The cluster is one of this machine, as `--runner ray` starts it. At a random time one of its processes is killed (-9):
one that cleans, or the actor in which Daft works. The store must be that of the same command without Ray.
"""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import time
from pathlib import Path

from benchmarks.drills.jobs import LONGEST_SECONDS, Job, done
from benchmarks.drills.moments import begin
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.place import Asked
from benchmarks.drills.states import content, store_state
from benchmarks.drills.warm import start

TIMES = 6
VICTIMS = ("ray::RaySwordfishActor", "eclip.products.crew.cleaner")
COPIES = 12  # of the feed: some windows' work


def drills(asked: Asked) -> list[Outcome]:
    """Kill each kind of process in turn; small: once each."""
    outcome = Outcome("ray", "a process of a Ray cluster is killed while it cleans (`prepare --runner ray`)")
    if importlib.util.find_spec("ray") is None:
        outcome.skipped = "no Ray (pip install 'eclip[ray]')"
        return [outcome]
    folder, draw = asked.fresh("ray"), random.Random(asked.seed)
    feed = longer_feed(asked.shop.feed, folder)
    (folder / "start").mkdir()
    images = ("--images", str(asked.shop.feed.parent))
    job = Job("prepare", folder / "start", ("prepare", str(feed), "--store", "{folder}/store", *images))
    work = begin(job, folder)
    done(*job.command(work))
    calm = content(store_state(work))
    for number in range(len(VICTIMS) if asked.is_small else TIMES):
        victim = VICTIMS[number % len(VICTIMS)]
        work = begin(job, folder)
        status, said, killed = disturbed([*job.command(work), "--runner", "ray"], victim, draw.uniform(0, 2))
        faults = [] if status == 0 else [f"status {status}: {said[-300:]}"]
        if status == 0 and content(store_state(work)) != calm:
            faults.append("the store is another one")
        outcome.tell(f"{victim.rpartition('.')[2]} {'killed' if killed else 'not found'}", faults,
                     "killed" if killed else "too late")  # fmt: skip
    return [outcome]


def longer_feed(feed: Path, folder: Path) -> Path:
    """The feed so many times over, each listing with an id of its own."""
    header, *rows = feed.read_text(encoding="utf-8").splitlines(keepends=True)
    longer = folder / "feed.csv"
    longer.write_text(header + "".join(f"{copy}-{row}" for copy in range(COPIES) for row in rows), encoding="utf-8")
    return longer


def disturbed(words: list[str], victim: str, after: float) -> tuple[int, str, bool]:
    """Run a command; kill a process of that name some seconds after it has appeared. Status, words, whether."""
    command, killed = start(words), False
    until = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < until and _runs(command.pid):
        found = below(command.pid, victim)
        if found:
            time.sleep(after)
            found = below(command.pid, victim)
            if found:
                os.kill(found[0], signal.SIGKILL)
                killed = True
                break
        time.sleep(0.05)
    status, said = command.communicate(LONGEST_SECONDS)
    return status, said, killed


def below(ancestor: int, name: str) -> list[int]:
    """Processes that one has started, directly or not, whose command line holds a name."""
    parents, named = {}, []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit():
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
                parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
                if name.encode() in (folder / "cmdline").read_bytes():
                    named.append(int(folder.name))
        except OSError:
            continue
    return [pid for pid in named if pid != ancestor and _is_below(pid, ancestor, parents)]


def _is_below(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid > 1 and pid != ancestor:
        pid = parents.get(pid, 0)
    return pid == ancestor


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
