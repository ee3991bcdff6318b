"""A shop without pictures goes the whole way; a file of pairs trains a model."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from commandline import Result, done, eclip

RECIPE = """recipe = "text"
encoder = "tiny"
image_size = 16
epochs = 1
[batch]
size = 32
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "text.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.fixture
def titles(result: Result, tmp_path: Path) -> Path:
    """The sample shop's feed without its pictures."""
    path = tmp_path / "titles.csv"
    with result.feed.open(encoding="utf-8", newline="") as feed, path.open("w", encoding="utf-8", newline="") as out:
        rows = list(csv.DictReader(feed))
        names = [name for name in rows[0] if "image" not in name]
        writer = csv.DictWriter(out, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_feed_without_pictures_goes_the_whole_way(titles: Path, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "training" in done("run", titles, "--out", out, "--recipe", recipe, "--dry-run").out
    done("run", titles, "--out", out, "--recipe", recipe)
    assert json.loads((out / "model" / "eclip.json").read_text())["modalities"] == ["text"]
    found = json.loads((out / "report" / "report.json").read_text())["results"]
    assert {each["modality"] for each in found if each["method"] == "eclip"} <= {"text", "both"}
    assert {each["task"] for each in found} >= {"category", "matching"}
    done("search", out / "store", "--model", out / "model", "red shoe")
    enriched = tmp_path / "enriched.parquet"
    done("enrich", titles, "--model", out / "model", "--store", out / "store", "--out", enriched)
    assert enriched.is_file()


def test_titles_alone_find_no_pictures(result: Result, titles: Path, recipe: Path, tmp_path: Path) -> None:
    """A model of titles beside a shop with pictures: they count as missing, and a query by picture is refused."""
    out = tmp_path / "out"
    done("prepare", result.feed, "--store", out / "store")
    done("train", out / "store", "--out", out / "model", "--recipe", recipe)
    done("embed", out / "store", "--model", out / "model")
    picture = next(path for path in result.shop.rglob("*") if path.suffix in (".jpg", ".png"))
    arguments = ("search", out / "store", "--model", out / "model", "--image", picture)
    eclip(*arguments).assert_fault("learned from titles alone")


def test_a_file_of_pairs_trains_a_model(recipe: Path, tmp_path: Path) -> None:
    lines = [f"COL title VAL lamp {n} white\tCOL title VAL white lamp no {n} COL price VAL 9\t1" for n in range(40)]
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("\n".join([*lines, "broken"]), encoding="utf-8")
    outcome = done("train", pairs, "--recipe", recipe, "--out", tmp_path / "model")
    assert "1 lines are no pairs and were left out, first line 41" in outcome.err
    assert json.loads((tmp_path / "model" / "eclip.json").read_text())["facts"]["training_pairs"] == 80
    eclip("train", pairs, "--recipe", "tiny", "--out", tmp_path / "other").assert_fault(
        "0 products to train on with both"
    )
