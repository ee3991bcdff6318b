"""A rank that dies or hangs: the others end soon with one clear line, and the run goes on from its checkpoint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ranked import finish, start_ranks
from safetensors.numpy import load_file

from eclip.products.store import Store
from eclip.schema import MODEL_WEIGHTS
from eclip.train.checkpoint import checkpoint_files, step_of

SCRIPT = Path(__file__).with_name("faulty_train.py")
TIMEOUT = 20  # how long a hanging rank is waited for
PATIENCE = 120  # where ranks start at different times: they wait for each other so long too
SETTINGS = ("image_size=16", "batch.size=16", "checkpoints.every_seconds=0")

pytestmark = pytest.mark.slow


def train_words(store: Store, out: Path, *, timeout: int = PATIENCE) -> list[str]:
    words = ["train", str(store.path), "--out", str(out), "--recipe", "tiny", "--steps", "6"]
    return [*words, "--set", *SETTINGS, f"watch.rank_timeout_seconds={timeout}"]


def logged(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "run" / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("fault", "lost"), [("dies", 1), ("dies", 0), ("hangs", 1)])
def test_the_others_end_soon_and_say_why(small_store: Store, tmp_path: Path, fault: str, lost: int) -> None:
    out = tmp_path / "model"
    processes = start_ranks([str(SCRIPT), fault, str(lost), "3", *train_words(small_store, out, timeout=TIMEOUT)], 2)
    try:
        while not (out / "run" / "metrics.jsonl").is_file() or len(logged(out)) < 3:
            assert all(process.poll() is None for process in processes), "ended before its fault"
            time.sleep(0.1)
        started = time.monotonic()
        _, said = processes[1 - lost].communicate(timeout=90)
        waited = time.monotonic() - started
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert waited < 3 * TIMEOUT
    assert processes[1 - lost].returncode == 2
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if line.startswith("eclip: ")]
    assert len(lines) == 1
    assert "another process of this run has ended or hangs" in lines[0]
    assert "goes on from the last checkpoint" in lines[0]
    assert step_of(checkpoint_files(out / "run")[0]) == 3
    assert not (out / MODEL_WEIGHTS).exists()


def torchrun(*words: str) -> subprocess.CompletedProcess[str]:
    """A real torchrun on this machine, within a bound."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=200)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, said)


def test_torchrun_restarts_a_run_where_its_checkpoint_is(small_store: Store, tmp_path: Path) -> None:
    calm, restarted = tmp_path / "calm", tmp_path / "restarted"
    for status, said in finish(start_ranks(["-m", "eclip", *train_words(small_store, calm)], 2)):
        assert status == 0, said
    ranks = ("--max-restarts", "2", "--nproc-per-node", "2")
    answer = torchrun(*ranks, str(SCRIPT), "dies", "1", "4", *train_words(small_store, restarted))
    assert answer.returncode == 0, answer.stdout
    assert [line["step"] for line in logged(restarted)] == [0, 1, 2, 3, 4, 5]
    assert [line["loss"] for line in logged(restarted)] == [line["loss"] for line in logged(calm)]
    expected, found = load_file(calm / MODEL_WEIGHTS), load_file(restarted / MODEL_WEIGHTS)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_a_run_goes_on_with_another_number_of_ranks(small_store: Store, tmp_path: Path) -> None:
    calm, changed = tmp_path / "calm", tmp_path / "changed"
    alone = subprocess.run(
        [sys.executable, "-m", "eclip", *train_words(small_store, calm)], capture_output=True, text=True, timeout=200
    )
    assert alone.returncode == 0, alone.stderr
    finish(start_ranks([str(SCRIPT), "dies", "1", "3", *train_words(small_store, changed)], 2))
    assert step_of(checkpoint_files(changed / "run")[0]) == 3
    again = subprocess.run(
        [sys.executable, "-m", "eclip", *train_words(small_store, changed)], capture_output=True, text=True, timeout=200
    )
    assert again.returncode == 0, again.stderr
    assert [line["step"] for line in logged(changed)] == [0, 1, 2, 3, 4, 5]
    # The same pairs in the same batches: sums over ranks differ in their last bits only.
    losses = [[line["loss"] for line in logged(out)] for out in (calm, changed)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)
    np.testing.assert_allclose(losses[1][:2], losses[0][:2], rtol=1e-5)
