"""Kill drill of training: `eclip train` is killed at many moments; the same command again must come to the same model.

The recipe averages weights, draws category blocks and writes a checkpoint every 0.2 seconds. Of the kills (-9) half
come at random times while steps are taken, a quarter just before steps on the disk that begin the run or end its last
checkpoint, a quarter before those that write the model. Signals (Ctrl-C, SIGTERM in turn) come at random times, too.

After a kill no file may be taken for whole that is not: the newest checkpoint is at least the one before the last that
was begun, the log has each step once up to there, and a model that is there is the undisturbed one's. After a signal no
step is lost. The rerun must begin at that checkpoint without a word of damage, and come to the weights and the losses
of the undisturbed run to the bit, with nothing left beside.
"""

from __future__ import annotations

import hashlib
import random
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from benchmarks.drills.jobs import FailedError, Job, Shop, done, make_train_job
from benchmarks.drills.moments import Moment, Steps, begin, how_it_ended, interrupt_faults, stopped, time_steps
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.place import Asked

from eclip.errors import ModelError
from eclip.model.folder import read_manifest
from eclip.schema import MODEL_RUN, MODEL_WEIGHTS
from eclip.train.checkpoint import CHECKPOINTS, checkpoint_files, step_of
from eclip.train.watch import read_log

BATCH = 16
SIGNALS = 4  # one for each so many kills
KEPT = re.compile(rf"STEP os\.rename .*{CHECKPOINTS}/\.step-(\d+)\.safetensors")  # told just before it is done


@dataclass(frozen=True)
class Trained:
    """What a finished run comes to.

    Attributes:
        digest: Of the model, as it says itself.
        weights: Digest of their file.
        log: Step and loss of each line.
        names: Files that a run leaves, but for whole checkpoints and those of TensorBoard.
    """

    digest: str
    weights: str
    log: list[tuple[int, float]]
    names: list[str]


def drill(place: Path, shop: Shop, *, kills: int, steps: int, seed: int) -> Outcome:
    """Stop the run at all moments."""
    outcome, lost = Outcome("kill", "`train`: kill -9, or a signal, at a moment"), [0]
    job = make_train_job(place, shop, steps=steps, batch_size=BATCH)
    folder = begin(job, place)
    seconds, disk_steps = time_steps(job, folder)
    calm = outcome_of(folder)
    print(f"train: undisturbed {seconds:.1f} s, {len(calm.log)} steps, {len(disk_steps)} steps on the disk", flush=True)
    for moment in choose_moments(disk_steps, random.Random(seed), kills=kills, signals=kills // SIGNALS):
        faults, ended, num_lost = try_moment(job, place, moment, calm)
        outcome.tell(moment.in_words(disk_steps), faults, ended)
        lost.append(num_lost)
    outcome.note = f"at most {max(lost)} steps taken twice"
    return outcome


def choose_moments(steps: Steps, rng: random.Random, *, kills: int, signals: int) -> list[Moment]:
    """Random times while steps are taken, checkpoints on their way, steps that write the model; then signals."""
    checkpoints = [when for when, step in steps if step.startswith("os.rename") and CHECKPOINTS in step]
    first, last = checkpoints[0], checkpoints[-1]

    def at_random(by: signal.Signals) -> Moment:
        return Moment.at(rng.uniform(first, last), steps, by)

    # By name, as checkpoints come by the clock: of those only the last one is always written.
    opening = {step for when, step in steps if when < first and "/step-" not in step}
    begun = sorted(opening | {step for when, step in steps if when == last})
    closing = list(dict.fromkeys(step for when, step in steps if when > last))
    before = [rng.sample(names, min(kills // 4, len(names))) for names in (begun, closing)]
    named = [Moment(step) for names in before for step in names]
    times = [at_random(signal.SIGKILL) for _ in range(kills - len(named))]
    stops = [at_random((signal.SIGINT, signal.SIGTERM)[number % 2]) for number in range(signals)]
    return [*times, *named, *stops]


def try_moment(job: Job, place: Path, moment: Moment, calm: Trained) -> tuple[list[str], str, int]:
    """Start, stop, look, do again, look: what was wrong, how the stopped process ended, steps that were lost."""
    folder = begin(job, place)
    status, said = stopped(job, folder, moment)
    run = folder / "model" / MODEL_RUN
    logged = [line["step"] for line in read_log(run)]
    kept = step_of(checkpoint_files(run)[0]) if checkpoint_files(run) else 0
    lost = len(logged) - kept
    faults = faults_between(folder, said, calm)
    if logged != list(range(len(logged))):
        faults.append("steps are missing from the log, or there twice")
    if moment.by != signal.SIGKILL:
        faults += interrupt_faults(status, said)
        faults += [f"{lost} steps lost after a signal"] if lost and status else []
    try:
        again = done(*job.command(folder))
    except FailedError as fault:
        return [*faults, f"the rerun failed: {fault}"], how_it_ended(status), lost
    taken = re.search(r"^Training: ([\d,]+) pairs in", again, flags=re.MULTILINE)
    if taken is None or int(taken[1].replace(",", "")) != (len(calm.log) - kept) * BATCH:
        faults.append(f"the rerun did not begin at step {kept}")
    if "going on from the checkpoint before" in again or "is damaged" in again:
        faults.append("a half-written file was taken for whole")
    return [*faults, *differing(outcome_of(folder), calm)], how_it_ended(status), lost


def faults_between(folder: Path, said: str, calm: Trained) -> list[str]:
    """What is wrong with what a stopped process left."""
    faults, model = [], folder / "model"
    begun = [int(step) for step in KEPT.findall(said)]
    newest = step_of(kept[0]) if (kept := checkpoint_files(model / MODEL_RUN)) else 0
    if len(begun) > 1 and newest < begun[-2]:
        faults.append(f"the checkpoint of step {begun[-2]} is lost")
    try:
        digest = read_manifest(model)["digest"]
    except ModelError:
        return faults
    if (digest, digest_of(model / MODEL_WEIGHTS)) != (calm.digest, calm.weights):
        faults.append("a model that is not whole is taken for whole")
    return faults


def outcome_of(folder: Path) -> Trained:
    """What a finished run has come to."""
    model = folder / "model"
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return Trained(
        digest=read_manifest(model)["digest"],
        weights=digest_of(model / MODEL_WEIGHTS),
        log=[(line["step"], line["loss"]) for line in read_log(model / MODEL_RUN)],
        names=sorted(
            name for name in names if not re.search(rf"{CHECKPOINTS}/step-\d+\.safetensors$|/tensorboard/", name)
        ),
    )


def differing(found: Trained, calm: Trained) -> list[str]:
    """How a rerun differs from the undisturbed run."""
    faults = [
        f"the rerun differs in its {word}"
        for word in ("digest", "weights")
        if getattr(found, word) != getattr(calm, word)
    ]
    if found.log != calm.log:
        faults.append("the rerun's log has other steps or losses")
    beside = sorted({*found.names} ^ {*calm.names})
    return [*faults, *([f"one of them has {', '.join(beside)}"] if beside else [])]


def digest_of(path: Path) -> str:
    """A short digest of a file; empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else ""


def drills(asked: Asked) -> list[Outcome]:
    """The drill at the size that was asked for."""
    kills, steps = _SMALL if asked.is_small else _FULL
    return [drill(asked.work, asked.shop, kills=kills, steps=steps, seed=asked.seed)]


_FULL, _SMALL = (16, 150), (3, 40)  # kills, steps of the training
