"""Answers that say where they come from, and what is said once the model or store has moved on."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from eclip.commands.embed import embed
from eclip.commands.lineage import lineage
from eclip.errors import ConfigError
from eclip.lineage import lineage as told_of
from eclip.lineage import model_facts, read_lineage, store_facts
from eclip.model.folder import save_model
from eclip.model.presets import tiny
from eclip.products.store import Store
from eclip.schema import ENRICHED_SCHEMA
from eclip.tasks.enrich.output import read_answers, write_answers

MODEL = {
    "digest": "m1",
    "eclip_version": "0.1.0",
    "facts": {"seed": 3, "run_steps": 9, "store_digest": "s1", "optimizer.lr": 1},
}


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_answers_of_every_kind_carry_it(tmp_path: Path, suffix: str) -> None:
    table = pa.Table.from_pylist([{"product_id": "a"}], schema=ENRICHED_SCHEMA)
    out, told = tmp_path / f"answers{suffix}", told_of(model=model_facts(MODEL, "m"), store=None, feed={"path": "f"})
    assert write_answers([table], out, lineage=told) == 1
    assert read_lineage(out) == told
    assert told["model"] == {
        "path": "m",
        "digest": "m1",
        "eclip": "0.1.0",
        "seed": 3,
        "run_steps": 9,
        "store_digest": "s1",
    }
    assert read_answers(out)["product_id"].to_pylist() == ["a"]
    first = out.read_bytes()
    write_answers([table], out, lineage=told)
    assert out.read_bytes() == first  # no time is in it


def test_the_chain_says_what_lies_there_now(small_store: Store, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "eclip.json").write_text(json.dumps({**MODEL, "digest": "m2"}), encoding="utf-8")
    out = tmp_path / "answers.parquet"
    store = store_facts(small_store.manifest, small_store.place)
    told = told_of(model=model_facts(MODEL, model), store=store, feed={"path": "new.csv", "modified_ns": 10**18})
    write_answers([ENRICHED_SCHEMA.empty_table()], out, lineage=told)
    steps = dict(lineage(out).steps)
    assert list(steps) == [
        "answers",
        "of the feed",
        "by the model",
        "compared with the store",
        "made of the feed",
    ]
    assert steps["of the feed"] == {"path": "new.csv", "changed": "2001-09-09T01:46:40+00:00"}
    assert steps["by the model"]["now there"] == "another model (m2)"
    assert steps["compared with the store"]["now there"].startswith("the same listings, version")
    assert steps["made of the feed"]["path"].endswith("feed.csv")
    assert dict(lineage(out, model=tmp_path / "gone").steps)["by the model"]["now there"] == "no model any more"


def test_a_model_and_a_store_tell_their_own(small_store: Store, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    trained = {**MODEL, "facts": {"store_digest": small_store.digest}}
    (model / "eclip.json").write_text(json.dumps(trained), encoding="utf-8")
    steps = [step for step, _ in lineage(model, store=small_store.path).steps]
    assert steps == ["model", "trained on the store", "made of the feed"]
    assert [step for step, _ in lineage(small_store.path).steps] == ["store", "made of the feed"]
    (model / "eclip.json").write_text(json.dumps(MODEL), encoding="utf-8")
    other = lineage(model, store=small_store.path).steps[1][0]
    assert other == "beside another store, not the one it was trained on"


def test_a_file_without_it_is_told(tmp_path: Path) -> None:
    write_answers([ENRICHED_SCHEMA.empty_table()], tmp_path / "old.parquet")
    with pytest.raises(ConfigError, match=r"old\.parquet: does not say where it comes from"):
        lineage(tmp_path / "old.parquet")
    with pytest.raises(ConfigError, match="no file of answers, model or store"):
        lineage(tmp_path / "nothing.csv")


def test_vectors_say_of_what_and_by_which_model(small_store: Store, tmp_path: Path) -> None:
    titles = small_store.table(["title"])["title"].to_pylist()
    encoder = tiny(titles, image_size=16)
    encoder.module.eval()
    model = Path(str(save_model(encoder, tmp_path / "model", facts={}).path))
    (tmp_path / "new.csv").write_text("id,title\na,Red mug\n", encoding="utf-8")
    of_feed, of_store = tmp_path / "feed.parquet", tmp_path / "store.parquet"
    embed(tmp_path / "new.csv", model=model, out=of_feed, backend="torch")
    embed(small_store.path, model=model, out=of_store, backend="torch")
    told = dict(lineage(of_feed).steps)
    assert list(told) == ["vectors", "of the feed", "by the model"]
    assert told["of the feed"]["path"].endswith("new.csv")
    assert told["by the model"]["now there"] == "the same model"
    assert [step for step, _ in lineage(of_store).steps] == [
        "vectors",
        "by the model",
        "of the store",
        "made of the feed",
    ]
