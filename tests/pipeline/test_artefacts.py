"""What embed, enrich, search, fit and evaluate leave: their schemas, row by row."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commandline import Result, done

from eclip.products.store import Store
from eclip.schema import EMBEDDING_COLUMNS, ENRICHED_SCHEMA
from eclip.vectors import vectors_from_arrow

pytestmark = pytest.mark.slow


def feed_rows(result: Result) -> list[dict[str, str]]:
    with result.feed.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def assert_vectors(table: pa.Table, model: Path) -> None:
    """The schema of vectors: lists of one length, float32, unit length, null where missing."""
    dim = json.loads((model / "open_clip_config.json").read_text())["model_cfg"]["embed_dim"]
    assert table.schema.names == ["product_id", *EMBEDDING_COLUMNS]
    assert table.schema.field("product_id").type == pa.string()
    for name in EMBEDDING_COLUMNS:
        assert table.schema.field(name).type.value_type == pa.float32()
        lengths = {len(value) for value in table[name].to_pylist() if value is not None}
        assert lengths <= {dim}
        if not lengths:
            continue
        matrix = vectors_from_arrow(table[name])
        norms = np.linalg.norm(matrix[~np.isnan(matrix).any(axis=1)], axis=1)
        np.testing.assert_allclose(norms, 1, atol=1e-5)
    image, text, product = (np.array(table[name].is_valid()) for name in EMBEDDING_COLUMNS)
    np.testing.assert_array_equal(product, image | text)


class TestEmbed:
    """`eclip embed`."""

    def test_feed_and_store_give_the_same_vectors(self, result: Result, tmp_path: Path) -> None:
        model = result.out / "model"
        done("embed", result.feed, "--model", model, "--out", tmp_path / "feed.parquet")
        done("embed", result.out / "store", "--model", model, "--out", tmp_path / "store.parquet")
        of_feed, of_store = (pq.read_table(tmp_path / name) for name in ("feed.parquet", "store.parquet"))
        assert of_feed["product_id"].to_pylist() == [row["product_id"] for row in feed_rows(result)]
        assert_vectors(of_feed, model)
        assert_vectors(of_store, model)
        assert of_feed["image_embedding"].null_count == len(
            [flags for flags in Store.open(result.out / "store").table(["image"])["image"].to_pylist() if flags is None]
        )
        in_store = Store.open(result.out / "store").vectors(model_digest=None)
        for name in EMBEDDING_COLUMNS:
            for table in (of_feed, of_store):
                np.testing.assert_allclose(
                    vectors_from_arrow(table[name]), vectors_from_arrow(in_store[name]), atol=1e-5
                )
        assert [path.name for path in tmp_path.iterdir() if path.suffix != ".parquet"] == []  # no parts are left

    def test_titles_alone(self, result: Result, tmp_path: Path) -> None:
        feed = tmp_path / "titles.csv"
        feed.write_text("title\nRed shoe\n\n파란 셔츠 👕\n")
        done("embed", feed, "--model", result.out / "model", "--out", tmp_path / "vectors.parquet")
        table = pq.read_table(tmp_path / "vectors.parquet")
        assert_vectors(table, result.out / "model")
        assert table["product_id"].to_pylist() == ["1", "2"]
        assert table["image_embedding"].null_count == 2
        text, product = (vectors_from_arrow(table[name]) for name in EMBEDDING_COLUMNS[1:])
        np.testing.assert_allclose(text, product, atol=1e-6)

    def test_columns_are_mapped(self, result: Result, tmp_path: Path) -> None:
        feed = tmp_path / "titles.tsv"
        feed.write_text("code\tproductDisplayName\tsecond\na1\tRed shoe\tBlue hat\n")
        model = result.out / "model"
        done("embed", feed, "--model", model, "--out", tmp_path / "hat.parquet", "--columns", "title=second")
        done("embed", feed, "--model", model, "--out", tmp_path / "shoe.parquet")
        tables = [pq.read_table(tmp_path / f"{name}.parquet") for name in ("hat", "shoe")]
        hat, shoe = (vectors_from_arrow(table["text_embedding"]) for table in tables)
        assert not np.allclose(hat, shoe)

    def test_another_model_replaces_the_vectors_at_once(self, result: Result, store: Path, other_model: Path) -> None:
        done("embed", store, "--model", other_model)
        opened = Store.open(store)
        assert opened.vectors_digest == json.loads((other_model / "eclip.json").read_text())["digest"]
        before = Store.open(result.out / "store").vectors(model_digest=None)["text_embedding"]
        after = opened.vectors(model_digest=None)["text_embedding"]
        assert not np.allclose(vectors_from_arrow(before), vectors_from_arrow(after), equal_nan=True)


class TestEnrich:
    """`eclip enrich`."""

    @pytest.fixture
    def listings(self, result: Result, tmp_path: Path) -> list[dict[str, str]]:
        """The feed's first rows; then the first one again under another id, an unusable and a broken one."""
        rows = feed_rows(result)[:40]
        shutil.copytree(result.shop / "images", tmp_path / "images")
        again = {**rows[0], "product_id": "again"}
        unusable = {**dict.fromkeys(rows[0], ""), "product_id": "unusable"}
        broken = {**rows[1], "product_id": "broken", "title": "", "image": "images/not-there.jpg"}
        return [*rows, again, unusable, broken]

    @pytest.mark.parametrize("within_store", [False, True])
    def test_one_row_a_listing_in_order(
        self, result: Result, tmp_path: Path, listings: list[dict[str, str]], within_store: bool
    ) -> None:
        feed = write_rows(tmp_path / "new.csv", listings)
        store = ("--store", result.out / "store") if within_store else ()
        out = tmp_path / "enriched.parquet"
        said = done("enrich", feed, "--model", result.out / "model", "--out", out, *store).out
        assert re.search(r"^unusable +2 *$", said, flags=re.MULTILINE)
        table = pq.read_table(out)
        assert table.schema.equals(ENRICHED_SCHEMA)
        ids = [row["product_id"] for row in listings]
        assert table["product_id"].to_pylist() == ids
        known = {row["product_id"] for row in feed_rows(result)} if within_store else set(ids)
        place = "store" if within_store else "feed"
        by_id = {row["product_id"]: row for row in table.to_pylist()}
        for product_id, row in by_id.items():
            if product_id in ("unusable", "broken"):
                assert all(value is None for name, value in row.items() if name != "product_id"), row
                continue
            leaves = dict(row["category_leaves"])
            assert list(leaves.values()) == sorted(leaves.values(), reverse=True)
            assert 0 < row["category_confidence"] <= 1
            if row["category"]:  # its leaf, or a parent
                assert any(leaf.startswith(" > ".join(row["category"])) for leaf in leaves)
            assert 0 <= row["adult_probability"] <= 1
            confidences = dict(row["attribute_confidences"])
            assert set(dict(row["attributes"])) <= set(confidences)
            assert all(0 <= value <= 1 for value in confidences.values())
            for name in ("same_product_ids", "duplicate_ids"):
                assert product_id not in row[name]
                assert set(row[name]) <= known | ({"again"} if name == "duplicate_ids" else set())
                assert len(set(row[name])) == len(row[name])
        assert ids[0] in by_id["again"]["duplicate_ids"]
        assert ids[0] in by_id["again"]["same_product_ids"]
        assert by_id["again"]["duplicate_place"] == place
        assert by_id["again"]["duplicate_reason"].startswith("same title")
        assert "again" in by_id[ids[0]]["duplicate_ids"]

    def test_planted_duplicates_are_found(self, result: Result, tmp_path: Path) -> None:
        with (result.shop / "truth.csv").open(encoding="utf-8", newline="") as file:
            truth = list(csv.DictReader(file))
        planted = {row["product_id"]: row["duplicate_of"] for row in truth if "exact_duplicate" in row["defects"]}
        assert planted
        out = tmp_path / "enriched.parquet"
        done("enrich", result.feed, "--model", result.out / "model", "--out", out)
        found = {row["product_id"]: row["duplicate_ids"] for row in pq.read_table(out).to_pylist()}
        assert all(original in found[copy] for copy, original in planted.items())

    def test_tasks_that_were_not_fitted_stay_null(self, result: Result, other_model: Path, tmp_path: Path) -> None:
        out = tmp_path / "enriched.parquet"
        done("enrich", result.feed, "--model", other_model, "--out", out)
        table = pq.read_table(out)
        assert table.schema.equals(ENRICHED_SCHEMA)
        told = {"product_id", "duplicate_ids", "duplicate_reason", "duplicate_place"}
        told |= {"adult_probability", "policy", "policy_reason", "policy_review"}  # terms of titles need no labels
        for name in set(ENRICHED_SCHEMA.names) - told:
            assert table[name].null_count == table.num_rows, name


class TestSearch:
    """`eclip search`."""

    def test_json_is_one_object_a_line(self, result: Result) -> None:
        answer = done(
            "search", result.out / "store", "red shoes", "--model", result.out / "model", "--top-k", 4, "--json"
        )
        hits = [json.loads(line) for line in answer.out.splitlines()]
        assert len(hits) == 4
        assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
        known = {row["product_id"] for row in feed_rows(result)}
        for hit in hits:
            assert {hit["product_id"], *hit["same_product_ids"]} <= known
            assert hit["product_id"] not in hit["same_product_ids"]

    def test_a_products_own_picture_finds_it(self, result: Result) -> None:
        store = Store.open(result.out / "store")
        images = store.table(["product_id", "image", "image_hash"]).to_pylist()
        unlike = [row["image_hash"] for row in images]
        row = next(row for row in images if row["image"] and unlike.count(row["image_hash"]) == 1)
        path = result.shop / "images" / f"{row['product_id']}.jpg"
        arguments = ("search", store.path, "--model", result.out / "model", "--image", path, "--json", "--top-k", 1)
        hit = json.loads(done(*arguments).out)
        assert hit["product_id"] == row["product_id"]
        assert hit["score"] > 0.999

    def test_table_for_people(self, result: Result) -> None:
        answer = done("search", result.out / "store", "red shoes", "--model", result.out / "model")
        assert len(answer.out.splitlines()) >= 12
        assert "score" in answer.out


class TestFitAndEvaluate:
    """`eclip fit` and `eclip evaluate` alone."""

    def test_one_task_alone(
        self, result: Result, bare_store: Path, store: Path, other_model: Path, tmp_path: Path
    ) -> None:
        model = Path(shutil.copytree(other_model, tmp_path / "other"))
        done("embed", store, "--model", model)
        done("fit", store, "--model", model, "--task", "matching")
        assert [path.name for path in (model / "tasks").iterdir()] == ["matching"]
        done("fit", store, "--model", model, "--task", "category")
        assert {path.name for path in (model / "tasks").iterdir()} == {"matching", "category"}
        assert json.loads((model / "tasks" / "matching" / "task.json").read_text())["level"] == "catalog"

    def test_evaluation_of_nothing_fitted_says_so(self, store: Path, other_model: Path, tmp_path: Path) -> None:
        done("embed", store, "--model", other_model)
        said = done("evaluate", store, "--model", other_model, "--out", tmp_path / "report").out
        for task in ("category", "matching", "clustering"):
            assert f"left out: {task}: not fitted: run `eclip fit" in said
        report = json.loads((tmp_path / "report" / "report.json").read_text())
        assert {each["task"] for each in report["results"]} == {"retrieval"}

    def test_comparison_with_another_model(self, store: Path, model: Path, other_model: Path, tmp_path: Path) -> None:
        done("evaluate", store, "--model", model, "--out", tmp_path / "report", "--compare", other_model)
        report = json.loads((tmp_path / "report" / "report.json").read_text())
        assert {each["method"] for each in report["results"] if each["task"] == "retrieval"} >= {"eclip", "clip"}
