"""Ctrl-C and kill -9 in each stage: nothing that was finished is lost, and the same command goes on."""

from __future__ import annotations

import json
import signal
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from commandline import Outcome, Result, done, eclip, start

from eclip.embed import job, parts
from eclip.products.store import Store
from eclip.train import loop
from eclip.train.checkpoint import checkpoint_files, step_of
from eclip.vectors import vectors_from_arrow

pytestmark = pytest.mark.slow

# Put before a command: at the n-th call of a function the process says so, then waits to be stopped.
PAUSE = """
import sys, time
def pause_at(owner, name, call):
    real, calls = getattr(owner, name), [0]
    def counted(*args, **kwargs):
        calls[0] += 1
        if calls[0] == call:
            sys.stderr.write("HERE\\n")
            sys.stderr.flush()
            for _ in range(600):
                time.sleep(0.02)
        return real(*args, **kwargs)
    setattr(owner, name, counted)
"""


def stopped(*arguments: object, first: str, by: signal.Signals) -> Outcome:
    """Start a command, stop it where `first` pauses it, and wait for its end."""
    with start(*arguments, first=PAUSE + first) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line == "HERE\n":
                break
        process.send_signal(by)
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Outcome(process.returncode, out, "".join(said) + err)


def assert_interrupted(outcome: Outcome) -> None:
    # A library may have seen the Ctrl-C first; the process then dies by it, which a shell shows as 130 too.
    status = 128 - outcome.status if outcome.status < 0 else outcome.status
    Outcome(status, outcome.out, outcome.err).assert_fault("interrupted", status=130)


def model_digest(model: Path) -> str:
    return str(json.loads((model / "eclip.json").read_text())["digest"])


# Module, function and how many times it is called before Ctrl-C comes, in the order of the main job.
STOPS = (
    ("eclip.products.accept", "reject_repeated_ids", 1),
    ("eclip.products.prepare", "add_whole_feed_columns", 1),
    ("eclip.products.storefolder", "_put_in_place", 1),
    ("eclip.model.presets", "assemble", 1),
    ("eclip.train.step", "set_learning_rate", 3),
    ("eclip.train.trainer", "plot_log", 1),
    ("eclip.train.trainer", "save_model", 1),
    ("eclip.model.folder", "model_card", 1),
    ("eclip.embed.job", "encode_rows", 1),
    ("eclip.products.store", "put_columns", 1),
    ("eclip.tasks.fit", "fit_heads", 2),
    ("eclip.tasks.matching.fit", "fit_scorer", 1),
    ("eclip.model.encoder", "open_picture", 5),
    ("eclip.commands.evaluate", "_training_curves", 1),
    ("eclip.tasks.evaluation.report_data", "write_text", 1),
    ("eclip.tasks.evaluation.report", "write_text", 1),
)


def interrupt_at(monkeypatch: pytest.MonkeyPatch, module: str, name: str, call: int) -> None:
    """Send this process a Ctrl-C when a function is called for the n-th time."""
    owner = import_module(module)
    real, calls = getattr(owner, name), []

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == call:
            signal.raise_signal(signal.SIGINT)
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, counted)


def test_ctrl_c_in_each_stage_of_the_main_job(result: Result, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for stop in STOPS:
        with pytest.MonkeyPatch.context() as monkeypatch:
            interrupt_at(monkeypatch, *stop)
            outcome = result.run(out)
        assert_interrupted(outcome)
        assert [path for path in tmp_path.rglob("*partial*") if path != out / ".store.eclip-partial"] == [], stop
    assert result.run(out).status == 0
    assert not list(tmp_path.rglob("*partial*"))
    assert model_digest(out / "model") == model_digest(result.out / "model")
    for name in ("category", "matching", "clustering"):
        ours, theirs = (path / "model" / "tasks" / name / "task.json" for path in (out, result.out))
        assert ours.read_text() == theirs.read_text()


@pytest.mark.parametrize(
    "stop", [("eclip.inference.encoder", "open_picture", 9), ("eclip.tasks.enrich.windows", "find_repeats", 1)]
)
def test_ctrl_c_in_enrich(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: tuple[str, str, int]
) -> None:
    out = tmp_path / "enriched.parquet"
    interrupt_at(monkeypatch, *stop)
    arguments = ("enrich", result.feed, "--model", result.out / "model", "--out", out)
    assert_interrupted(eclip(*arguments))
    assert list(tmp_path.iterdir()) == []
    done(*arguments)
    assert out.is_file()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_enrich_goes_on_after_its_last_window(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: signal.Signals
) -> None:
    out = tmp_path / "enriched.jsonl"
    arguments = ("enrich", result.feed, "--model", result.out / "model", "--out", out)
    stopped(*arguments, first="import eclip.tasks.enrich.job as m\npause_at(m, 'write_answers', 1)", by=by)
    assert not out.exists()
    assert [path.suffix for path in tmp_path.iterdir()] == [".parts"]
    with monkeypatch.context() as patch:
        interrupt_at(patch, "eclip.inference.encoder", "open_picture", 1)  # no picture is looked at again
        done(*arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == [out.name, f"{out.name}.lineage.json"]
    done(*arguments[:-1], tmp_path / "whole.jsonl")
    assert out.read_text() == (tmp_path / "whole.jsonl").read_text()


def test_ctrl_c_in_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_at(monkeypatch, "eclip.sample.shop", "photograph", 5)
    arguments = ("sample", tmp_path / "shop", "--products", 12)
    assert_interrupted(eclip(*arguments))
    assert not (tmp_path / "shop").exists()
    done(*arguments)


@pytest.mark.parametrize(
    "first",
    [
        "import eclip.cli as m\npause_at(m, '_quiet_libraries', 1)",
        "import eclip.products.wholefeed as m\npause_at(m, 'assign_splits', 1)",
    ],
)
def test_ctrl_c_from_outside(result: Result, tmp_path: Path, first: str) -> None:
    """As a terminal sends it, to a process that waits or works in C."""
    arguments = ("prepare", result.feed, "--store", tmp_path / "store")
    assert_interrupted(stopped(*arguments, first=first, by=signal.SIGINT))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_training_ends_between_steps(result: Result, tmp_path: Path, by: signal.Signals) -> None:
    model = tmp_path / "model"
    arguments = ("train", result.out / "store", "--out", model, "--recipe", result.recipe, "--steps", 400)
    first = "import eclip.train.step as m\npause_at(m, 'set_learning_rate', 3)\ntime.sleep = lambda _: None"
    assert_interrupted(stopped(*arguments, first=first, by=by))
    step = step_of(checkpoint_files(model / "run")[0])
    assert step >= 3  # the step that was under way is finished and kept
    assert len((model / "run" / "metrics.jsonl").read_text().splitlines()) == step


def test_ctrl_c_ends_the_page_without_complaint(result: Result) -> None:
    arguments = ("serve", result.out / "store", "--model", result.out / "model", "--port", "0")
    with start(*arguments) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("Search page: http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == out == ""


class TestKilled:
    """kill -9: no chance to tidy up."""

    def steps_taken(self, model: Path) -> list[int]:
        lines = (model / "run" / "metrics.jsonl").read_text().splitlines()
        return [json.loads(line)["step"] for line in lines]

    def test_training_goes_on_from_its_checkpoint(
        self, result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        arguments = ("train", result.out / "store", "--recipe", result.recipe, "--steps", 6)
        arguments = (*arguments, "--set", "checkpoints.every_seconds=0")
        done(*arguments, "--out", tmp_path / "undisturbed")
        model = tmp_path / "model"
        first = """
import eclip.train.loop as m
pause_at(m.TrainingLoop, '_step', 4)
"""
        outcome = stopped(*arguments, "--out", model, first=first, by=signal.SIGKILL)
        assert outcome.status == -signal.SIGKILL
        assert not (model / "eclip.json").exists()
        taken = []
        real = loop.TrainingLoop._step

        def counted(self: loop.TrainingLoop, *args: Any) -> Any:
            taken.append(self.progress.step)
            return real(self, *args)

        monkeypatch.setattr(loop.TrainingLoop, "_step", counted)
        done(*arguments, "--out", model)
        assert taken == [3, 4, 5]
        assert self.steps_taken(model) == [0, 1, 2, 3, 4, 5]
        assert model_digest(model) == model_digest(tmp_path / "undisturbed")  # to the bit

    def test_training_killed_between_its_last_step_and_its_model(self, result: Result, tmp_path: Path) -> None:
        arguments = ("train", result.out / "store", "--recipe", result.recipe, "--steps", 2)
        done(*arguments, "--out", tmp_path / "undisturbed")
        model = tmp_path / "model"
        first = "import eclip.train.trainer as m\npause_at(m, 'save_model', 1)"
        stopped(*arguments, "--out", model, first=first, by=signal.SIGKILL)
        done(*arguments, "--out", model)
        ours, theirs = (json.loads((path / "eclip.json").read_text()) for path in (model, tmp_path / "undisturbed"))
        assert ours["digest"] == theirs["digest"]
        assert ours["facts"]["run_loss_above_floor"] == pytest.approx(theirs["facts"]["run_loss_above_floor"], abs=1e-4)

    EMBED = """
import eclip.embed.parts as p, eclip.embed.job as m
p.ROWS_A_PART = m.ROWS_A_PART = 32
"""

    @pytest.mark.parametrize("into", ["store", "file"])
    def test_embedding_goes_on_with_the_next_part(
        self, result: Result, store: Path, other_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, into: str
    ) -> None:
        out = tmp_path / "vectors.parquet"
        arguments = ("embed", store, "--model", other_model) if into == "store" else (
            "embed", result.feed, "--model", other_model, "--out", out
        )  # fmt: skip
        before = Store.open(store).vectors_digest
        outcome = stopped(*arguments, first=self.EMBED + "pause_at(m, 'encode_rows', 3)", by=signal.SIGKILL)
        assert outcome.status == -signal.SIGKILL
        assert Store.open(store).vectors_digest == before
        assert not out.exists()
        monkeypatch.setattr(parts, "ROWS_A_PART", 32)
        monkeypatch.setattr(job, "ROWS_A_PART", 32)
        encoded = []
        real = job.encode_rows
        monkeypatch.setattr(job, "encode_rows", lambda *args, **options: encoded.append(1) or real(*args, **options))
        done(*arguments)
        monkeypatch.undo()
        num_rows = len(result.feed.read_text(encoding="utf-8").splitlines()) - 1
        assert len(encoded) == -(-num_rows // 32) - 2  # two were there
        assert not list(tmp_path.rglob("*.parts"))
        done("embed", result.feed, "--model", other_model, "--out", tmp_path / "undisturbed.parquet")
        expected = pq.read_table(tmp_path / "undisturbed.parquet")["product_embedding"]
        table = Store.open(store).vectors(model_digest=None) if into == "store" else pq.read_table(out)
        found = table["product_embedding"]
        np.testing.assert_allclose(vectors_from_arrow(found), vectors_from_arrow(expected), atol=1e-5)

    def test_preparing_again_after_a_kill_keeps_the_old_store(self, result: Result, store: Path) -> None:
        digest = Store.open(store).vectors_digest
        first = "import eclip.products.prepare as m\npause_at(m, 'add_whole_feed_columns', 1)"
        arguments = ("prepare", result.feed, "--store", store)
        stopped(*arguments, first=first, by=signal.SIGKILL)
        assert Store.open(store).vectors_digest == digest
        done(*arguments)
        assert [path.name for path in store.parent.iterdir() if path.name.startswith("store")] == ["store"]

    def test_killed_while_an_old_store_with_a_cache_is_removed(self, result: Result, store: Path) -> None:
        first = "import eclip.products.storefolder as m\npause_at(m.shutil, 'rmtree', 1)"
        arguments = ("prepare", result.feed, "--store", store)
        stopped(*arguments, first=first, by=signal.SIGKILL)
        assert (store.parent / ".store.eclip-old" / "cache").is_dir()
        done(*arguments)
        assert not (store.parent / ".store.eclip-old").exists()
