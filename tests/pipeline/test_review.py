"""Answers, a page of the least certain ones, what people say of them, and the fit that learns it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commandline import Result, done, eclip

from eclip.products.store import Store
from eclip.tasks.catalogue import read_catalogue
from eclip.tasks.enrich.output import SUFFIXES, read_answers

pytestmark = pytest.mark.slow


@pytest.fixture
def answers(result: Result, tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl"
    done("enrich", result.feed, "--model", result.out / "model", "--store", result.out / "store", "--out", path)
    return path


def test_each_kind_of_file_says_the_same(result: Result, tmp_path: Path) -> None:
    tables = []
    for suffix in SUFFIXES:
        out = tmp_path / f"answers{suffix}"
        done("enrich", result.feed, "--model", result.out / "model", "--out", out)
        tables.append(read_answers(out).combine_chunks())
    assert tables[0].num_rows > 100
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])


def test_what_people_say_reaches_the_next_fit(
    result: Result, answers: Path, store: Path, model: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    said = done("review", answers, "--out", page, "--store", store, "--top", 30).out
    assert re.search(r"answers +30", said)
    ids = re.findall(r'data-id="([^"]+)" data-field="category"', page.read_text())
    assert ids
    train = [
        row["product_id"]
        for row in Store.open(store).table(["product_id", "split", "duplicate_of"]).to_pylist()
        if row["split"] == "train" and row["duplicate_of"] is None
    ][:20]
    told = [
        {"product_id": each, "field": "category", "value": "Home > Wonders", "corrected_at": "", "source": "me"}
        for each in [*train, "not in the store"]
    ]
    file = tmp_path / "corrections.json"
    file.write_text(json.dumps({"corrections": told}))
    said = done("correct", file, "--store", store).out
    assert re.search(r"not in store +1\b", said)
    opened = Store.open(store)
    catalogue = read_catalogue(opened, opened.vectors_digest or "")
    categories = dict(zip(catalogue.product_ids, catalogue.categories, strict=True))
    assert {categories[each] for each in train} == {("Home", "Wonders")}
    done("fit", store, "--model", model, "--task", "category")
    assert "Home > Wonders" in (model / "tasks" / "category" / "both" / "heads.json").read_text()


def test_the_page_can_show_the_feed_that_was_answered(result: Result, answers: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done("review", answers, "--out", page, "--feed", result.feed, "--top", 10)
    assert page.read_text().count('class="doubt"') == 10
    assert "data:image/jpeg;base64," in page.read_text()


def test_bad_calls_are_told_in_one_line(result: Result, answers: Path, store: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    eclip("review", answers, "--out", page).assert_fault("--store STORE or --feed FEED")
    eclip("review", answers, "--out", tmp_path / "page.txt", "--store", store).assert_fault(".html")
    eclip("review", tmp_path / "none.jsonl", "--out", page, "--store", store).assert_fault("none.jsonl")
    eclip("review", answers, "--out", page, "--store", store, "--top", 0).assert_fault("--top", "above 0")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("product_id,field,value\nL1,colour,red\n")
    eclip("correct", wrong, "--store", store).assert_fault("row 1", "unknown field 'colour'")
    assert Store.open(store).corrections().num_rows == 0


def test_a_model_that_changed_since_its_tasks_were_fitted(
    result: Result, model: Path, other_model: Path, tmp_path: Path
) -> None:
    for file in other_model.iterdir():
        if file.is_file():
            (model / file.name).write_bytes(file.read_bytes())
    out = tmp_path / "answers.csv"
    eclip("enrich", result.feed, "--model", model, "--out", out).assert_fault("fitted on vectors of model", "eclip fit")
    assert not out.exists()


def test_unknown_columns_and_nothing_fitted(result: Result, other_model: Path, tmp_path: Path) -> None:
    feed = tmp_path / "strange.csv"
    feed.write_text("foo,bar\n1,2\n")
    out = tmp_path / "answers.csv"
    eclip("enrich", feed, "--model", other_model, "--out", out).assert_fault("strange.csv", "title")
    eclip("enrich", feed, "--model", other_model, "--out", out, "--columns", "title=name").assert_fault("name")
    said = done("enrich", result.feed, "--model", other_model, "--out", out).err
    assert "not fitted: category, attributes, matching, clustering, adult (by terms of titles alone)" in said
