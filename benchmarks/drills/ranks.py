"""Scale-out drill of training: two and four ranks, started by torchrun, come to what one process comes to.

The same pairs stand in the same global batches whatever the number of ranks, so that losses may differ in the last
digits of their sums only. Then each is told again in float32's own terms: the largest difference of a loss and of a
weight after so many steps.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from benchmarks.drills.jobs import LONGEST_SECONDS, done
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.place import Asked
from safetensors.numpy import load_file

from eclip.schema import MODEL_RUN, MODEL_WEIGHTS
from eclip.train.watch import read_log

WORLD_SIZES = (2, 4)
STEPS = 6
# A sum over ranks is taken in another order than one over a batch: float32, a few steps of Adam.
LOSS_TOLERANCE, WEIGHT_TOLERANCE = 1e-3, 2e-3
SETTINGS = ("image_size=16", "batch.size=16", "checkpoints.every_seconds=3600")


def drills(asked: Asked) -> list[Outcome]:
    """Two and four ranks against one."""
    folder = asked.fresh("ranks")
    words = train_words(asked.shop.store)
    done(*words, "--out", str(folder / "one"))
    outcomes = []
    for world_size in WORLD_SIZES:
        outcome = Outcome("ranks", f"training by torchrun on {world_size} gloo ranks against one process")
        out = folder / str(world_size)
        launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(world_size)]
        status, said = finish([start([*launch, "-m", "eclip", *words, "--out", str(out)])])[0]
        faults = [f"status {status}: {said[-300:]}"] if status else equal_faults(folder / "one", out, outcome)
        outcome.tell(f"{world_size} ranks", faults)
        outcomes.append(outcome)
    return outcomes


def train_words(store: Path, *more: str) -> list[str]:
    """A short training with all ranks' figures alike."""
    words = ["train", str(store), "--recipe", "tiny", "--steps", str(STEPS)]
    return [*words, "--set", *SETTINGS, *more]


def equal_faults(expected: Path, found: Path, outcome: Outcome) -> list[str]:
    """How a run differs from another; the largest differences become the outcome's note."""
    losses = [np.array([line["loss"] for line in read_log(out / MODEL_RUN)]) for out in (expected, found)]
    if len(losses[0]) != STEPS or len(losses[1]) != STEPS:
        return [f"{len(losses[1])} steps in the log, not {len(losses[0])}"]
    loss = float(np.abs(losses[1] / losses[0] - 1).max())
    weights = [load_file(out / MODEL_WEIGHTS) for out in (expected, found)]
    if weights[0].keys() != weights[1].keys():
        return ["the models have other weights"]
    weight = max(float(np.abs(weights[1][name] - values).max()) for name, values in weights[0].items())
    outcome.note = f"losses differ by {loss:.1e} at most, weights by {weight:.1e}, after {STEPS} steps"
    wrong = loss > LOSS_TOLERANCE or weight > WEIGHT_TOLERANCE
    return [outcome.note] if wrong else []


def start(
    arguments: Sequence[str], *, before: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `python ARGUMENTS`, in a session of its own.

    Args:
        arguments: Of Python.
        before: Words before it, as `ip netns exec NAME`.
        environment: More of it.
    """
    return subprocess.Popen(
        [*before, sys.executable, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(processes: Sequence[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    """Exit status of each and what it said; all are ended, with what they have started."""
    ended = []
    try:
        for process in processes:
            said, _ = process.communicate(timeout=LONGEST_SECONDS)
            ended.append((process.returncode, said))
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return ended
