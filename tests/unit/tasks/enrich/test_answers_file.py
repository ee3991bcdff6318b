"""The file of answers: what is written is read back, whatever its kind."""

from __future__ import annotations

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eclip.errors import FeedError
from eclip.schema import ENRICHED_SCHEMA
from eclip.tasks.enrich.output import SUFFIXES, plain_rows, read_answers, write_answers
from eclip.tasks.enrich.summary import EnrichSummary

ROWS = [
    {
        "product_id": 'a,"1"',
        "category": ["패션", "Shirts & Tops"],
        "category_confidence": 0.5,
        "category_leaves": [("패션 > Shirts & Tops", 0.5), ("패션 > Hats", 0.25)],
        "category_unknown": False,
        "attributes": [("colour", "navy\nblue"), ("size", "1/2")],
        "attribute_confidences": [("colour", 0.25), ("size", 1.0)],
        "attribute_sources": [("colour", "picture"), ("size", "span")],
        "attribute_conflicts": [("colour", "the picture says navy, the title says blue")],
        "attribute_review": ["colour"],
        "same_product_ids": ["b", "c"],
        "same_product_confidences": [0.75, 0.5],
        "cluster_id": "a",
        "cluster_confidence": 0.125,
        "duplicate_ids": [],
        "duplicate_reason": None,
        "duplicate_place": None,
        "same_product_reason": 'same "x", colours differ',
        "catalog_id": "cat1",
        "adult_probability": 0.75,
        "policy": "adult",
        "policy_reason": "term, seller",
        "policy_review": True,
    },
    {"product_id": "unusable"},
    {"product_id": "c", "attributes": [], "same_product_ids": [], "duplicate_ids": ["a"], "duplicate_place": "feed"},
]


def tables() -> list[pa.Table]:
    whole = pa.Table.from_pylist(ROWS, schema=ENRICHED_SCHEMA)
    return [whole.slice(0, 1), whole.slice(1)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read_back(tmp_path, suffix):
    out = tmp_path / f"answers{suffix}"
    assert write_answers(tables(), out) == 3
    assert read_answers(out).equals(pa.concat_tables(tables()).combine_chunks())
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_json_lines_and_csv_are_plain(tmp_path):
    write_answers(tables(), tmp_path / "a.jsonl")
    first = json.loads((tmp_path / "a.jsonl").read_text().splitlines()[0])
    assert first["attributes"] == {"colour": "navy\nblue", "size": "1/2"}
    assert first["category"] == ["패션", "Shirts & Tops"]
    write_answers(tables(), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["category"] == "패션 > Shirts & Tops"
    assert json.loads(rows[0]["attribute_confidences"]) == {"colour": 0.25, "size": 1.0}
    assert set(rows[1].values()) == {"unusable", ""}


def test_a_fault_half_way_leaves_the_old_file(tmp_path):
    out = tmp_path / "a.csv"
    out.write_text("old")

    def broken():
        yield tables()[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_answers(broken(), out)
    assert out.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_answers_of_an_earlier_eclip_lack_columns(tmp_path):
    pq.write_table(pa.table({"product_id": ["a"], "category": [["x"]]}), tmp_path / "old.parquet")
    assert next(plain_rows(read_answers(tmp_path / "old.parquet")))["adult_probability"] is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "x"),
        ("a.jsonl", "{"),
        ("a.jsonl", '{"id": 1}'),
        ("a.csv", "id\n1\n"),
        ("a.parquet", "no"),
        ("no.csv", ""),
    ],
)
def test_files_of_something_else_are_told(tmp_path, name, text):
    if text:
        (tmp_path / name).write_text(text)
    with pytest.raises(FeedError, match="eclip enrich") as fault:
        read_answers(tmp_path / name)
    assert name in str(fault.value)


def test_the_summary_counts_what_goes_by(tmp_path):
    summary = EnrichSummary(out=tmp_path)
    list(summary.counting(tables()))
    assert (summary.rows, summary.with_category, summary.with_same_products) == (3, 1, 1)
    assert (summary.with_duplicates, summary.suspected_adult, summary.unusable) == (1, 1, 1)
