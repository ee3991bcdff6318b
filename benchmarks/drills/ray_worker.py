"""Drill of Ray: processes of a cluster are killed while it prepares a feed, embeds a store, or answers new listings.

The cluster is one of this machine, as `--runner ray` starts it. At a random time one of its processes is killed (-9):
one that cleans, or the actor in which Daft works. What is made must be that of the same command without Ray; vectors
and confidences to five digits, as a machine may part its batches otherwise.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.drills.jobs import LONGEST_SECONDS, Job, done
from benchmarks.drills.moments import begin
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.place import Asked
from benchmarks.drills.states import content, store_state
from benchmarks.drills.warm import start

from eclip.products.store import Store
from eclip.schema import EMBEDDING_COLUMNS
from eclip.vectors import vectors_from_arrow

TIMES = 6
ACTOR, CLEANER = "->UDFProject", "eclip.products.crew.cleaner"  # an actor is named after the work that it is at
COPIES = 12  # of the feed: some windows' work
DIGITS = 1e-5

Faults = Callable[[Path, Path], Iterator[str]]
"""What is wrong in a folder, beside that of the same command without Ray."""


@dataclass(frozen=True)
class RayWork:
    """A command that a cluster may help.

    Attributes:
        job: Without Ray.
        victims: Processes that are killed in turn.
        seconds: Within so many after one was seen.
        faults: What it must not do.
    """

    job: Job
    victims: tuple[str, ...]
    faults: Faults
    seconds: float = 1.0


def drills(asked: Asked) -> list[Outcome]:
    """Kill each kind of process of each command in turn; small: once each."""
    outcomes = []
    for name, what in (("prepare", "cleans"), ("embed", "embeds a store"), ("enrich", "answers new listings")):
        outcome = Outcome("ray", f"a process of a Ray cluster is killed while it {what} (`{name} --runner ray`)")
        outcomes.append(outcome)
        if importlib.util.find_spec("ray") is None:
            outcome.skipped = "no Ray (pip install 'eclip[ray]')"
            continue
        folder, draw = asked.fresh("ray"), random.Random(f"{asked.seed} {name}")
        work = WORKS[name](asked, folder)
        done(*work.job.command(begin(work.job, folder)))
        calm = (folder / "work").rename(folder / "calm")
        for number in range(len(work.victims) if asked.is_small else TIMES):
            victim = work.victims[number % len(work.victims)]
            place = begin(work.job, folder)
            status, said, killed = disturbed(
                [*work.job.command(place), "--runner", "ray"], victim, draw.uniform(0, work.seconds)
            )
            faults = list(work.faults(calm, place)) if status == 0 else [f"status {status}: {said[-300:]}"]
            told = f"{victim.rpartition('.')[2].removeprefix('->')} {'killed' if killed else 'not found'}"
            outcome.tell(told, faults, "killed" if killed else "too late")
    return outcomes


def prepare_work(asked: Asked, folder: Path) -> RayWork:
    """Cleaning a feed."""
    feed = longer_feed(asked.shop.feed, folder)
    (folder / "start").mkdir()
    images = ("--images", str(asked.shop.feed.parent))
    job = Job("prepare", folder / "start", ("prepare", str(feed), "--store", "{folder}/store", *images))
    return RayWork(job, (ACTOR, CLEANER), other_store)


def embed_work(asked: Asked, folder: Path) -> RayWork:
    """Making the vectors of a store."""
    feed, images = longer_feed(asked.shop.feed, folder), str(asked.shop.feed.parent)
    done("prepare", str(feed), "--store", str(folder / "start" / "store"), "--images", images)
    words = ("embed", "{folder}/store", "--model", str(asked.shop.model), "--backend", "torch")
    return RayWork(Job("embed", folder / "start", words), (ACTOR,), other_vectors)


def enrich_work(asked: Asked, folder: Path) -> RayWork:
    """Answering a feed."""
    feed, images = longer_feed(asked.shop.feed, folder), str(asked.shop.feed.parent)
    shutil.copytree(asked.shop.fitted, folder / "start" / "model")
    shop = ("--store", str(asked.shop.embedded), "--images", images)
    words = ("enrich", str(feed), "--model", "{folder}/model", *shop, "--out", "{folder}/answers.jsonl", "--exact")
    return RayWork(Job("enrich", folder / "start", words), (ACTOR,), other_answers)


WORKS = {"prepare": prepare_work, "embed": embed_work, "enrich": enrich_work}


def other_store(calm: Path, now: Path) -> Iterator[str]:
    """Whether two folders hold different stores."""
    if content(store_state(calm)) != content(store_state(now)):
        yield "the store is another one"


def other_vectors(calm: Path, now: Path) -> Iterator[str]:
    """Whether their stores hold different vectors, or different rows."""
    yield from other_store(calm, now)
    stores = [Store.open(folder / "store") for folder in (calm, now)]
    for name in EMBEDDING_COLUMNS:
        one, other = (store.table([name])[name] for store in stores)
        same = np.allclose(vectors_from_arrow(one), vectors_from_arrow(other), atol=DIGITS, equal_nan=True)
        if not same:
            yield f"{name} differs"


def other_answers(calm: Path, now: Path) -> Iterator[str]:
    """Whether their answers differ, and the first listing of which they do."""
    one, other = ((folder / "answers.jsonl").read_text(encoding="utf-8").splitlines() for folder in (calm, now))
    if len(one) != len(other):
        yield f"{len(other)} answers in place of {len(one)}"
        return
    for number, (left, right) in enumerate(zip(one, other, strict=True)):
        if not alike(json.loads(left), json.loads(right)):
            yield f"answer {number} is another one"
            return


def alike(one: Any, other: Any) -> bool:
    """Equal, numbers to some digits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, abs_tol=DIGITS)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


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
