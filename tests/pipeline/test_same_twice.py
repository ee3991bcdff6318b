"""The same seed on the same machine gives the same everything; what a run leaves tells all of it, back to the feed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from commandline import Result, done, eclip
from safetensors.numpy import load_file

from eclip.products.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def again(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The main job a second time, from the same feed into another folder."""
    out = tmp_path_factory.mktemp("again") / "out"
    assert result.run(out).status == 0
    return out


def test_stores_are_equal_in_every_cell(result: Result, again: Path) -> None:
    one, two = Store.open(result.out / "store"), Store.open(again / "store")
    assert one.column_names == two.column_names
    assert one.digest == two.digest
    assert one.table(one.column_names).equals(two.table(two.column_names))  # splits, groups, vectors and all
    assert one.conflicts().equals(two.conflicts())
    assert one.rejects().equals(two.rejects())


def test_models_and_heads_are_equal_to_the_bit(result: Result, again: Path) -> None:
    for first in sorted((result.out / "model").rglob("*.safetensors")):
        place = first.relative_to(result.out / "model")
        if place.parts[0] == "run":
            continue
        one, two = load_file(first), load_file(again / "model" / place)
        assert one.keys() == two.keys()
        assert all(one[name].tobytes() == two[name].tobytes() for name in one), place
    for name in ("open_clip_config.json", "tokenizer.json"):
        assert (result.out / "model" / name).read_bytes() == (again / "model" / name).read_bytes()


def test_batches_and_losses_are_equal(result: Result, again: Path) -> None:
    def told(out: Path) -> list[dict[str, object]]:
        lines = (out / "model" / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        steps = [json.loads(line) for line in lines]
        return [{k: v for k, v in step.items() if k not in ("pairs_per_second", "memory_mb")} for step in steps]

    one = told(result.out)
    assert one == told(again)
    assert {"loss", "grad_norm", "false_negative_share"} <= one[0].keys()


def test_reports_are_equal_but_for_the_time_they_took(result: Result, again: Path) -> None:
    def told(out: Path) -> dict[str, object]:
        report = json.loads((out / "report" / "report.json").read_text(encoding="utf-8"))
        del report["facts"]["seconds"]
        return {**report, "facts": {name: timeless(str(fact), out) for name, fact in report["facts"].items()}}

    def timeless(text: str, out: Path) -> str:
        return re.sub(r"in \d+\.\d+ minutes", "in M minutes", text.replace(str(out), "OUT"))

    assert told(result.out) == told(again)
    draws = [load_file(out / "report" / "draws.safetensors") for out in (result.out, again)]
    assert all(np.array_equal(draws[0][name], draws[1][name], equal_nan=True) for name in draws[0])


def test_the_record_tells_settings_seed_versions_and_cost_of_each_stage(result: Result) -> None:
    record = json.loads((result.out / "record.json").read_text(encoding="utf-8"))
    done_stages = json.loads((result.out / "run.json").read_text(encoding="utf-8"))
    assert record["seed"] == record["training"]["seed"]
    assert record["feed"]["path"].endswith("feed.csv")
    assert "torch" in record["machine"]["libraries"]
    assert list(record["stages"]) == list(done_stages)
    for name, cost in record["stages"].items():
        assert {"read": cost["read"], "made": cost["made"]} == done_stages[name]
        assert cost["seconds"] > 0
        assert cost["peak_memory_bytes"] > 1 << 20


def test_answers_lead_back_to_model_store_and_feed(result: Result, tmp_path: Path) -> None:
    store, model = result.out / "store", result.out / "model"
    for name in ("answers.parquet", "answers.jsonl"):
        out = tmp_path / name
        done("enrich", result.feed, "--model", model, "--store", store, "--out", out)
        chain = json.loads(done("lineage", out, "--json").out)
        told = {each["step"]: each for each in chain}
        digest = json.loads((model / "eclip.json").read_text(encoding="utf-8"))["digest"]
        assert told["by the model"]["digest"] == digest
        assert told["by the model"]["now there"] == "the same model"
        assert told["compared with the store"]["digest"] == Store.open(store).digest
        assert told["of the feed"]["path"] == told["made of the feed"]["path"] == str(result.feed)
    assert b"eclip.lineage" in pq.read_metadata(tmp_path / "answers.parquet").metadata
    plain = [each["step"] for each in json.loads(done("lineage", model, "--json").out)]
    assert plain == ["model", "trained on the store", "made of the feed"]
    eclip("lineage", result.feed).assert_fault("feed.csv", "does not say where it comes from")


def test_the_doctor_finds_nothing_wrong_and_then_what_is(result: Result, tmp_path: Path) -> None:
    store = shutil.copytree(result.out / "store", tmp_path / "store")
    model = shutil.copytree(result.out / "model", tmp_path / "model", ignore=shutil.ignore_patterns("run"))
    whole = done("doctor", store, model, "--json")
    checks = [json.loads(line) for line in whole.out.splitlines()]
    assert {check["subject"] for check in checks} == {"installation", "store", "model"}
    assert "task category" in {check["name"] for check in checks}
    weights = model / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    (model / "tasks" / "category" / "task.json").write_text("{", encoding="utf-8")
    shutil.rmtree(store / "conflicts.lance" / "data", ignore_errors=True)
    for file in (store / "products.lance" / "data").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    hurt = eclip("doctor", store, model)
    assert hurt.status == 1
    assert "Traceback" not in hurt.out + hurt.err
    faults = [line for line in hurt.out.splitlines() if line.startswith("to mend: ")]
    for word in ("open_clip_model.safetensors", "task category", "store, content"):
        assert any(word in line for line in faults), (word, hurt.out)
    assert eclip("doctor", tmp_path / "nothing").status == 1
