"""Kill drill: commands that write are killed at many moments; the same command again must mend everything.

Each job is done once undisturbed, then once a moment: started anew as a real process, killed, and done again.
Half of the moments are random times of the run, measured from its last step on the disk before (renames, folders,
files opened to write, removals), so that a busy machine does not shift them all; every fourth of these is a Ctrl-C.
The others lie just before a step, the last ones among them; there the process kills itself. After the kill a reader
must find what was there before or what was to come, whole; after the rerun what an undisturbed run leaves (the same
rows in the same order, rejects, conflicts, vectors to the bit, tasks' files, answers), and nothing may lie beside it.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.drills.jobs import FailedError, Job, Shop, done, make_job
from benchmarks.drills.moments import Moment, Steps, begin, how_it_ended, interrupt_faults, stopped, time_steps
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.states import State, content, names_only


@dataclass
class Undisturbed:
    """What a job comes to when nobody kills it."""

    seconds: float
    steps: Steps
    before: State
    after: State


def drill(name: str, place: Path, shop: Shop, *, moments: int, seed: int) -> Outcome:
    """Kill a job at so many moments."""
    outcome = Outcome("kill", f"`{name}`: kill -9, or Ctrl-C, at a moment")
    job = make_job(name, place, shop)
    calm = run_undisturbed(job, place)
    print(f"{name}: undisturbed {calm.seconds:.1f} s, {len(calm.steps)} steps on the disk", flush=True)
    for moment in choose_moments(calm, moments, random.Random(seed)):
        faults, ended = try_moment(job, place, moment, calm)
        outcome.tell(moment.in_words(calm.steps), faults, ended)
    return outcome


def run_undisturbed(job: Job, place: Path) -> Undisturbed:
    """Do a job, its steps on the disk watched."""
    folder = begin(job, place)
    before = job.look(folder)
    seconds, steps = time_steps(job, folder)
    return Undisturbed(seconds, steps, before, job.look(folder))


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
    between = job.look(folder)
    finished = content(between) == content(calm.after)
    faults = interrupt_faults(status, said) if by_user and not finished else []
    if not is_whole(job, between, calm):
        faults.append(f"after the kill it is neither old nor new ({differing(between, calm)})")
    if by_user and status and [name for name in between if name.startswith("beside .")]:
        faults.append("an interrupted run left something beside it")
    return [*faults, *rerun_faults(job, folder, calm)], how_it_ended(status)


def is_whole(job: Job, found: State, calm: Undisturbed) -> bool:
    """Whether a reader finds what was there before, or what was to come."""
    if job.commits == "in steps":
        return True
    old, new = content(calm.before), content(calm.after)
    if job.commits == "part by part":
        return all(value in (old.get(name), new.get(name)) for name, value in content(found).items())
    stages = [old, new, *([content(names_only(calm.before))] if job.name == "replace" else [])]
    return content(found) in stages


def rerun_faults(job: Job, folder: Path, calm: Undisturbed) -> list[str]:
    """Do the job again: how what it leaves differs from what an undisturbed run leaves."""
    try:
        done(*job.command(folder))
    except FailedError as fault:
        return [f"the rerun failed: {fault}"]
    after = job.look(folder)
    names = [name for name in {*after, *calm.after} if after.get(name) != calm.after.get(name)]
    return [f"the rerun differs in {', '.join(sorted(names))}"] if names else []


def differing(between: State, calm: Undisturbed) -> str:
    """What is neither wholly old nor new."""
    found = content(between)
    parts: Sequence[tuple[str, State]] = (("old", calm.before), ("new", calm.after))
    return ", not the ".join(
        f"{word} {'/'.join(name for name in sorted({*found, *content(stage)}) if found.get(name) != stage.get(name))}"
        for word, stage in parts
    )
