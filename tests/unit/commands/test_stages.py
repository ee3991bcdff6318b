"""A stage is kept when it read the same and what it made is still there, and not otherwise."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from eclip.commands.run import _training_config, run
from eclip.commands.runrecord import RunRecord
from eclip.commands.stages import Stages, tree_digest


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., list[str]]:
    """Two stages that write files, the second from the first; returns those that worked."""

    def run(*, words: str = "a", seed: int = 0) -> list[str]:
        worked: list[str] = []
        stages = Stages(tmp_path / "run.json", RunRecord(tmp_path / "record.json", {}))
        first, second = tmp_path / "first", tmp_path / "second"

        def make(folder: Path, text: str) -> None:
            worked.append(folder.name)
            folder.mkdir(exist_ok=True)
            (folder / "file").write_text(text)

        made = stages.do("first", {"words": words}, lambda: tree_digest(first), lambda: make(first, words.lower()))
        stages.do("second", {"first": made, "seed": seed}, lambda: tree_digest(second), lambda: make(second, made))
        return worked

    return run


def test_what_is_done_is_kept(job: Callable[..., list[str]]) -> None:
    assert job() == ["first", "second"]
    assert job() == []


def test_a_changed_setting_redoes_its_stage_and_what_reads_it(job: Callable[..., list[str]]) -> None:
    job()
    assert job(seed=1) == ["second"]
    assert job(words="b", seed=1) == ["first", "second"]
    assert job(words="B", seed=1) == ["first"]  # other words, the same artefact


@pytest.mark.parametrize(("name", "redone"), [("first", ["first"]), ("second", ["second"])])
def test_a_missing_or_changed_artefact_is_made_again(
    job: Callable[..., list[str]], tmp_path: Path, name: str, redone: list[str]
) -> None:
    job()
    (tmp_path / name / "file").unlink()
    assert job() == redone
    (tmp_path / name / "file").write_text("by another hand")
    assert job() == redone
    assert job() == []


@pytest.mark.parametrize("record", ["{", "[]", '{"first": 3}'])
def test_a_damaged_record_counts_as_none(job: Callable[..., list[str]], tmp_path: Path, record: str) -> None:
    job()
    (tmp_path / "run.json").write_text(record)
    assert job() == ["first", "second"]


def test_a_stage_that_fails_is_not_done(tmp_path: Path) -> None:
    stages = Stages(tmp_path / "run.json", RunRecord(tmp_path / "record.json", {}))

    def fail() -> None:
        (tmp_path / "half").mkdir()
        (tmp_path / "half" / "file").write_text("half")
        raise InterruptedError

    for _ in range(2):
        with pytest.raises(InterruptedError):
            stages.do("half", {}, lambda: tree_digest(tmp_path / "half"), fail)
        (tmp_path / "half" / "file").unlink()
        (tmp_path / "half").rmdir()
    assert not (tmp_path / "run.json").exists()


def test_a_trees_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    assert tree_digest(tmp_path / "none") is None
    digests = {tree_digest(tmp_path)}  # of a fit that found no label: nothing, but done
    assert None not in digests
    for name, text in (("a", "x"), ("b", "x"), ("b", "y")):
        path = tmp_path / name
        path.write_text(text)
        digests.add(tree_digest(tmp_path))
    assert len(digests) == 4


def test_a_recipes_own_seed_holds_unless_another_is_given(tmp_path: Path) -> None:
    recipe = tmp_path / "own.toml"
    recipe.write_text('recipe = "tiny"\nseed = 5\n', encoding="utf-8")
    assert _training_config({"recipe": str(recipe), "seed": None})["seed"] == 5
    assert _training_config({"recipe": str(recipe), "seed": 3})["seed"] == 3
    assert inspect.signature(run).parameters["seed"].default is None
