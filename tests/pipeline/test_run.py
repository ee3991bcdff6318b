"""`eclip run`: everything once; what is done and unchanged is kept, what changed is done again from there on."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from commandline import Outcome, Result, done

from eclip.errors import FeedError

pytestmark = pytest.mark.slow

STAGES = ("prepare", "train", "embed", "fit", "evaluate")


def kept(outcome: Outcome) -> tuple[str, ...]:
    """The stages that were not done again."""
    assert outcome.status == 0, outcome
    return tuple(line.split(":")[0] for line in outcome.err.splitlines() if line.endswith("done before, kept"))


def test_run_makes_store_model_and_report(result: Result) -> None:
    assert kept(result.first) == ()
    assert json.loads((result.out / "store" / "store.json").read_text())["num_rows"] > 100
    assert (result.out / "model" / "eclip.json").is_file()
    assert (result.out / "model" / "README.md").is_file()
    assert (result.out / "model" / "run" / "loss.png").is_file()
    report = json.loads((result.out / "report" / "report.json").read_text())
    assert {each["modality"] for each in report["results"] if each["task"] == "category"} == {"image", "text", "both"}
    assert {each["method"] for each in report["results"] if each["task"] == "category"} >= {"eclip", "tf-idf"}
    page = (result.out / "report" / "report.html").read_text(encoding="utf-8")
    assert "data:image/" in page  # pictures lie inside: it is readable offline
    assert "http-equiv" in page
    assert '<script src="http' not in page
    assert "eclip search" in result.first.out


def test_second_run_keeps_every_stage(result: Result, out: Path) -> None:
    assert kept(result.run(out)) == STAGES


def test_changed_seed_redoes_from_training_on(result: Result, out: Path) -> None:
    before = json.loads((out / "model" / "eclip.json").read_text())["digest"]
    assert kept(result.run(out, "--seed", 3)) == ("prepare",)
    assert json.loads((out / "model" / "eclip.json").read_text())["digest"] != before
    assert kept(result.run(out, "--seed", 3)) == STAGES


def test_changed_recipe_file_redoes_training(result: Result, out: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(result.recipe.read_text() + "optimizer.lr = 0.002\n")
    changed = Result(result.folder, result.shop, recipe, result.first)
    assert kept(changed.run(out)) == ("prepare",)


def test_changed_columns_redo_everything(result: Result, out: Path) -> None:
    assert kept(result.run(out, "--columns", "description=")) == ()


@pytest.mark.parametrize(
    ("artefact", "redone"),
    [
        # The same feed makes the same store: its model stays good, only the vectors are gone with the old one.
        ("store", {"prepare", "embed"}),
        ("model/eclip.json", {"train"}),
        ("model/tasks", {"fit"}),
        ("report/report.html", {"evaluate"}),
    ],
)
def test_deleted_artefact_is_made_again(result: Result, out: Path, artefact: str, redone: set[str]) -> None:
    path = out / artefact
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert set(kept(result.run(out))) == set(STAGES) - redone
    assert path.exists()
    assert kept(result.run(out)) == STAGES


def test_vectors_of_another_model_are_noticed(result: Result, out: Path, other_model: Path) -> None:
    done("embed", out / "store", "--model", other_model)
    assert "embed" not in kept(result.run(out))
    assert kept(result.run(out)) == STAGES


def test_damaged_record_of_stages_loses_nothing(result: Result, out: Path) -> None:
    digest = json.loads((out / "model" / "eclip.json").read_text())["digest"]
    (out / "run.json").write_text("{")
    assert kept(result.run(out)) == ()
    assert json.loads((out / "model" / "eclip.json").read_text())["digest"] == digest


def test_a_training_that_was_cut_short_starts_anew_under_other_settings(result: Result, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eclip.train.trainer.plot_log", _stop)  # its steps are done, its model is not
        outcome = result.run(out)
    assert outcome.status == 130, outcome
    outcome = result.run(out, "--seed", 3)
    assert outcome.status == 0, outcome
    assert "starts anew" in outcome.err
    assert json.loads((out / "model" / "eclip.json").read_text())["facts"]["seed"] == 3


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_pictures_that_changed_under_the_same_names_are_prepared_again(
    result: Result, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(*_: object, **__: object) -> None:
        raise FeedError("prepared again")

    monkeypatch.setattr("eclip.commands.run.prepare", again)
    picture = sorted((result.shop / "images").iterdir())[5]
    stat = picture.stat()
    os.utime(picture, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    try:
        result.run(out).assert_fault("prepared again")
    finally:
        os.utime(picture, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert result.run(out).status == 0
