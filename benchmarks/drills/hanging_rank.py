"""Drill of ranks: one of two training processes is stopped (SIGSTOP) or killed at a random step.

The other must end within the time that it was told to wait (`watch.rank_timeout_seconds`) and some seconds more, with
status 2 and one clear line; both started again must come to the model of an undisturbed run of two ranks, to the bit.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.drills.jobs import LONGEST_SECONDS
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.place import Asked
from benchmarks.drills.ranks import finish, start
from benchmarks.serve.shopservice import free_port

from eclip.model.folder import read_manifest
from eclip.schema import MODEL_RUN
from eclip.train.watch import read_log

TIMES, STEPS, TIMEOUT_SECONDS = 6, 12, 20
GRACE_SECONDS = 15  # to notice, to say so, to leave the group
FAULTS = {"hangs": signal.SIGSTOP, "dies": signal.SIGKILL}


def drills(asked: Asked) -> list[Outcome]:
    """Both faults, so many times each; small: the hang alone, once."""
    draw, folder = random.Random(asked.seed), asked.fresh("hanging")
    words = ["train", str(asked.shop.store), "--recipe", "tiny", "--steps", str(STEPS), "--set", "image_size=16"]
    words = [*words, "batch.size=16", "checkpoints.every_seconds=0", f"watch.rank_timeout_seconds={TIMEOUT_SECONDS}"]
    for status, said in finish(start_both([*words, "--out", str(folder / "calm")])):
        if status:
            raise SystemExit(f"training on two ranks failed undisturbed: {said[-500:]}")
    outcomes = []
    for fault, by in list(FAULTS.items())[: 1 if asked.is_small else None]:
        outcome, longest = Outcome("hanging-rank", f"one of two ranks of `train` {fault}"), 0.0
        for number in range(1 if asked.is_small else TIMES // 2):
            out, rank, step = folder / f"{fault}-{number}", draw.randrange(2), draw.randrange(2, STEPS - 2)
            faults, waited = disturbed([*words, "--out", str(out)], out, rank=rank, step=step, by=by)
            longest = max(longest, waited)
            if read_manifest(out)["digest"] != read_manifest(folder / "calm")["digest"]:
                faults.append("the rerun came to another model")
            outcome.tell(f"rank {rank} {fault} in step {step}", faults, f"{waited:.1f} s")
        outcome.note = f"the other one had ended {longest:.0f} s later at most (told to wait {TIMEOUT_SECONDS} s)"
        outcomes.append(outcome)
    return outcomes


def start_both(words: list[str]) -> list[subprocess.Popen[str]]:
    """Two ranks, as torchrun would start them, but without it: it would end the other one itself."""
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    return [
        start(["-m", "eclip", *words], environment={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank in range(2)
    ]


def disturbed(words: list[str], out: Path, *, rank: int, step: int, by: signal.Signals) -> tuple[list[str], float]:
    """Train until a step, put the fault on a rank, wait for the other; train again. What was wrong, and the wait."""
    both = start_both(words)
    try:
        while len(read_log(out / MODEL_RUN)) < step:
            if any(process.poll() is not None for process in both):
                return ["ended before its fault"], 0.0
            time.sleep(0.05)
        os.kill(both[rank].pid, by)
        began = time.monotonic()
        said, _ = both[1 - rank].communicate(timeout=LONGEST_SECONDS)
        waited = time.monotonic() - began
    finally:
        for process in both:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    faults = [] if waited < TIMEOUT_SECONDS + GRACE_SECONDS else [f"the other one took {waited:.0f} s to end"]
    lines = [line for line in said.splitlines() if line.startswith("eclip: ")]
    if both[1 - rank].returncode != 2 or len(lines) != 1 or "has ended or hangs" not in lines[0] or "Traceback" in said:
        faults.append(f"status {both[1 - rank].returncode}, said {said[-300:]!r}")
    return faults + [f"the rerun failed: {said[-300:]}" for status, said in finish(start_both(words)) if status], waited
