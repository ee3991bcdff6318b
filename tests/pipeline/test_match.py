"""`eclip match`: pairs of a file, and listings of a feed against a store."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from commandline import Result, done, eclip

pytestmark = pytest.mark.slow

RECIPE = 'recipe = "text"\nencoder = "tiny"\nimage_size = 16\nepochs = 1\n[batch]\nsize = 32\n'


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pairs_file(folder: Path) -> Path:
    lines = ["left_title,left_price,right_title,right_price,label"]
    for item in range(80):
        lines.append(f"acme mug am{100 + item},{item + 1},mug am{100 + item} by acme,{item + 1},1")
        lines.append(f"acme mug am{100 + item},{item + 1},mug am{110 + item} by acme,{2 * item + 1},0")
    path = folder / "pairs.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_pairs_alone_go_the_whole_way(tmp_path: Path) -> None:
    pairs, recipe, model = pairs_file(tmp_path), tmp_path / "text.toml", tmp_path / "model"
    recipe.write_text(RECIPE, encoding="utf-8")
    done("train", pairs, "--recipe", recipe, "--steps", 2, "--out", model)
    early = eclip("match", pairs, "--model", model, "--out", tmp_path / "early.csv")
    early.assert_fault("task matching is not fitted")
    for options, expected in (
        (("--pairs", pairs), "a file of pairs teaches matching alone: add --task matching"),
        (("--pairs", pairs, "--task", "matching", "--heads", "mlp"), "are for the tasks of a store"),
        ((), "name a store, or a file of pairs"),
        ((tmp_path, "--pairs", pairs, "--task", "matching"), "name a store, or a file of pairs"),
    ):
        eclip("fit", *options, "--model", model).assert_fault(expected)
    assert "its cosines are left out" in done("fit", "--task", "matching", "--pairs", pairs, "--model", model).err
    asked = tmp_path / "asked.csv"
    asked.write_text("left,right\nacme mug am105,mug am105 by acme\nacme mug am105,mug am115 by acme\n")
    done("match", asked, "--model", model, "--out", tmp_path / "answers.csv")
    rows = read(tmp_path / "answers.csv")
    assert [row["same"] for row in rows] == ["1", "0"]
    assert rows[0]["reason"].startswith("same model number am105")
    assert rows[1]["reason"].startswith("model numbers differ (am105, am115)")


def test_listings_of_a_feed_find_their_catalogs(result: Result, tmp_path: Path) -> None:
    store, model = result.out / "store", result.out / "model"
    done("match", result.feed, "--store", store, "--model", model, "--out", tmp_path / "answers.csv")
    with result.feed.open(encoding="utf-8", newline="") as file:
        fed = list(csv.DictReader(file))
    rows = read(tmp_path / "answers.csv")
    assert len(rows) == len(fed)
    assert sum(bool(row["catalog_id"]) for row in rows) > 0.2 * len(rows)
    assert all(row["reason"] for row in rows)
    assert all(row["nearest_product_id"] != row["product_id"] for row in rows if row["nearest_product_id"])
    eclip("match", store, "--model", model, "--out", tmp_path / "other.csv").assert_fault("is a store")
