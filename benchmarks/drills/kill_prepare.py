"""Kill drill: commands that write a store are killed at many moments; the same command again must mend everything.

    python benchmarks/drills/kill_prepare.py [--jobs prepare replace update remove daily] [--moments 20] [--seed 0]

Each job is done twice undisturbed, then once a moment: started anew as a real process, killed, and done again.
Half of the moments are random times of the run, measured from its last step on the disk before (renames, folders,
files opened to write, removals), so that a busy machine does not shift them all; every fourth of these is a Ctrl-C.
The others lie just before a step, the last ones among them; there the process kills itself. After the kill the store
must be the old one or the new one, whole; after the rerun it must hold the same rows in the same order, rejects and
conflicts as the undisturbed one, and nothing may lie beside it. A line a moment; exits 1 when any is wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs import JOBS, Job, done, draw_feeds, make_job
from moments import Moment, Steps, begin, how_it_ended, interrupt_faults, stopped, time_steps

from eclip.errors import StoreError
from eclip.products.store import Store
from eclip.schema import EMBEDDING_COLUMNS

State = dict[str, str]


@dataclass
class Undisturbed:
    """What a job comes to when nobody kills it."""

    seconds: float
    steps: Steps
    before: State
    after: State


def main() -> int:
    """Do all jobs; 1 when a moment was wrong."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    arguments.add_argument("--moments", type=int, default=20)
    arguments.add_argument("--products", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=0)
    asked = arguments.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="eclip-drill-") as name:
        place = Path(name)
        draw_feeds(place, asked.products)
        for job in asked.jobs:
            wrong += drill(make_job(job, place), place, random.Random(asked.seed), asked.moments)
    print(f"{wrong} wrong" if wrong else "all well")
    return 1 if wrong else 0


def drill(job: Job, place: Path, rng: random.Random, moments: int) -> int:
    """Kill a job at so many moments; returns how many were wrong."""
    calm = run_undisturbed(job, place)
    print(f"{job.name}: undisturbed {calm.seconds:.1f} s, {len(calm.steps)} steps on the disk", flush=True)
    wrong = 0
    for moment in choose_moments(calm, moments, rng):
        faults, ended = try_moment(job, place, moment, calm)
        wrong += bool(faults)
        print(f"  {moment.in_words(calm.steps):76s} {ended:22s} {'; '.join(faults) or 'well'}", flush=True)
    return wrong


def run_undisturbed(job: Job, place: Path) -> Undisturbed:
    """Do a job twice: as it is, for its outcome; then watched, for its steps."""
    folder = begin(job, place)
    before = state_of(folder)
    done(*job.command(folder))
    after = state_of(folder)
    seconds, steps = time_steps(job, begin(job, place))
    return Undisturbed(seconds, steps, before, after)


def choose_moments(calm: Undisturbed, count: int, rng: random.Random) -> list[Moment]:
    """Half random times of the run, half steps on the disk: the last renames and the like, then the others."""
    removals = [n for n, (_, step) in enumerate(calm.steps, 1) if step.startswith(("os.remove", "os.rmdir"))]
    commits = [n for n in range(1, len(calm.steps) + 1) if n not in removals]
    rng.shuffle(removals)
    steps = sorted([*commits[::-1], *removals][: count // 2])
    moments = []
    for number, when in enumerate(sorted(rng.uniform(0, calm.seconds) for _ in range(count - len(steps)))):
        by = signal.SIGINT if number % 4 == 1 and when >= calm.steps[0][0] else signal.SIGKILL
        moments.append(Moment.at(when, calm.steps, by))
    return [*moments, *(Moment(step) for step in steps)]


def try_moment(job: Job, place: Path, moment: Moment, calm: Undisturbed) -> tuple[list[str], str]:
    """Start, kill, look, do again, look: what was wrong, and how the killed process ended."""
    folder = begin(job, place)
    status, said = stopped(job, folder, moment)
    by_user = moment.by == signal.SIGINT
    between = state_of(folder)
    finished = content(between) == content(calm.after)
    faults = interrupt_faults(status, said) if by_user and not finished else []
    stages = [calm.before, calm.after, *([without_store(calm.before)] if job.name == "replace" else [])]
    if job.name != "daily" and content(between) not in [content(stage) for stage in stages]:
        faults.append(f"after the kill the store is neither old nor new ({differing(between, calm)})")
    if by_user and status and [name for name in between if name.startswith("beside .")]:
        faults.append("an interrupted run left something beside the store")
    try:
        done(*job.command(folder))
    except subprocess.CalledProcessError as fault:
        return [*faults, f"the rerun failed: {fault.stderr.splitlines()[-1] if fault.stderr else fault}"], str(status)
    after = state_of(folder)
    if after != calm.after:
        names = [name for name in {*after, *calm.after} if after.get(name) != calm.after.get(name)]
        faults.append(f"the rerun differs in {', '.join(sorted(names))}")
    return faults, how_it_ended(status)


def state_of(folder: Path) -> State:
    """Everything that must be the same: a digest a column, rejects, conflicts, and the names of what lies there."""
    state = {f"beside {path.name}": "" for path in folder.iterdir()}
    try:
        store = Store.open(folder / "store")
    except StoreError:
        return state
    state |= {f"inside {path.name}": "" for path in store.path.iterdir()}
    names = [name for name in store.column_names if name not in EMBEDDING_COLUMNS]
    state |= {name: digest(values) for name, values in store.table(names).to_pydict().items()}
    state["rejects"] = digest(store.rejects().to_pylist())
    state["conflicts"] = digest(store.conflicts().to_pylist())
    return state | {"manifest digest": store.digest, "vectors": str(store.vectors_digest)}


def content(state: State) -> State:
    """A state without the names of files: what a reader of the store sees."""
    return {name: value for name, value in state.items() if not name.startswith(("beside", "inside"))}


def without_store(state: State) -> State:
    """The moment between two renames: the old store aside, the new one not yet in its place."""
    return {name: value for name, value in state.items() if name.startswith("beside")}


def differing(between: State, calm: Undisturbed) -> str:
    """What of a store is neither wholly old nor new."""
    found = content(between)
    parts: Sequence[tuple[str, State]] = (("old", calm.before), ("new", calm.after))
    return ", not the ".join(
        f"{word} {'/'.join(name for name in sorted({*found, *content(stage)}) if found.get(name) != stage.get(name))}"
        for word, stage in parts
    )


def digest(values: object) -> str:
    """A short digest of plain values."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
