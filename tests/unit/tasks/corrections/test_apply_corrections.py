"""Corrections over a catalogue, and the files that bring them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from eclip.errors import FeedError
from eclip.schema import CORRECTIONS_SCHEMA
from eclip.tasks.category.targets import category_target
from eclip.tasks.corrections.apply import corrected
from eclip.tasks.corrections.fields import read_corrections


def test_what_a_person_said_wins(catalogue):
    before = [list(catalogue.categories), list(catalogue.attributes), catalogue.policies.copy()]
    found = corrected(
        catalogue,
        {
            "p0": {"category": "home > vase", "policy": None, "attributes.colour": "red | gold"},
            "p1": {"category": None, "policy": "adult", "attributes.colour": None, "catalog_id": "mine"},
            "not there": {"category": "x"},
        },
    )
    assert found.categories[0] == ("home", "vase")
    assert found.categories[1] == ()
    assert (found.policies[0], found.policies[1]) == (None, "adult")
    assert found.attributes[0]["colour"] == ("red", "gold")
    assert "colour" not in found.attributes[1]
    assert found.catalog_ids[1] == "mine"
    assert found.categories[2:] == catalogue.categories[2:]
    assert [list(catalogue.categories), list(catalogue.attributes)] == before[:2]
    assert (catalogue.policies == before[2]).all()


def test_the_next_fit_learns_them(catalogue):
    rows = catalogue.rows_of("train")[:3]
    said = {catalogue.product_ids[row]: {"category": "home > vase"} for row in rows}
    target = category_target(corrected(catalogue, said))
    assert "home > vase" in target.labels
    assert "home > vase" not in category_target(catalogue).labels
    assert {target.labels[target.codes[row]] for row in rows} == {"home > vase"}


def test_a_catalog_that_was_inferred_counts_once_a_person_names_it(catalogue):
    """Else the listing would stand in it alone, and `fit` would learn nothing from the correction."""
    none = catalogue.catalog_ids.copy()
    none[:] = None
    bare = replace(catalogue, catalog_ids=none)
    inferred = ["found-1", "found-1", "found-1", "found-2", "found-2", *[None] * (catalogue.num_rows - 5)]
    said = {"p7": {"catalog_id": "found-1"}, "p1": {"catalog_id": None}}
    found = corrected(bare, said, inferred_catalogs=inferred).catalog_ids
    assert found[:8].tolist() == ["found-1", None, "found-1", None, None, None, None, "found-1"]
    assert corrected(bare, said).catalog_ids[:8].tolist() == [None] * 7 + ["found-1"]


def test_without_corrections_nothing_changes(catalogue):
    assert corrected(catalogue, {}) is catalogue


def test_the_pages_file_and_a_table_are_read_alike(tmp_path):
    told = [
        {
            "product_id": "a",
            "field": "category",
            "value": "x > y",
            "corrected_at": "2026-11-23T10:00:00Z",
            "source": "me",
        },
        {
            "product_id": "b",
            "field": "attributes.colour",
            "value": "",
            "corrected_at": "2026-11-23T10:00:00Z",
            "source": "",
        },
    ]
    (tmp_path / "c.json").write_text(json.dumps({"corrections": told}))
    (tmp_path / "c.csv").write_text(
        "\ufeffproduct_id,field,value,corrected_at,source\na,category,x > y,2026-11-23T10:00:00,me\n"
        "b,attributes.colour,,2026-11-23T10:00:00Z,\n"
    )
    of_json, of_csv = (read_corrections(tmp_path / name, source="who") for name in ("c.json", "c.csv"))
    assert of_json.equals(of_csv)
    assert of_json.schema.equals(CORRECTIONS_SCHEMA)
    assert of_json.to_pylist()[1] == {
        "product_id": "b",
        "field": "attributes.colour",
        "value": None,
        "corrected_at": datetime(2026, 11, 23, 10, tzinfo=UTC),
        "source": "who",
    }


def test_values_are_taken_as_they_are_meant(tmp_path):
    """Numbers of JSON, paths without blanks, and every sign that is no end of a CSV line."""
    (tmp_path / "c.json").write_text('[{"product_id": 7, "field": "attributes.size", "value": 0}]')
    (tmp_path / "c.csv").write_text(
        'product_id,field,value\na,category,Home>Mugs\nb,attributes.note,"one\ntwo"\nc,attributes.note,x\u2028y\n',
        encoding="utf-8",
    )
    said = [
        (row["product_id"], row["value"])
        for name in ("c.json", "c.csv")
        for row in read_corrections(tmp_path / name).to_pylist()
    ]
    assert said == [("7", "0"), ("a", "Home > Mugs"), ("b", "one\ntwo"), ("c", "x\u2028y")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("product_id,field,value\na,category,x\nb,category\n", "row 2: has another number of cells"),
        ("product_id,field,value\na,category,x,y\n", "row 1: has another number of cells"),
        ('[{"product_id": "a", "field": "attributes.size", "value": ["S", "M"]}]', "row 1: expected text"),
        ("product_id,field,value\na,colour,red\n", "row 1: unknown field 'colour', expected category, policy"),
        ("product_id,field,value\na,category,x\nb,policy,rude\n", "row 2: unknown policy 'rude'"),
        ("product_id,field,value\n,category,x\n", "row 1: names no listing"),
        ("product_id,value\na,x\n", "row 1: expected product_id, field and value"),
        ("product_id,field,value,corrected_at\na,category,x,today\n", "'today' is no time"),
        ("product_id,field,value\n", "holds no correction"),
        ("", "holds no correction"),
        ('{"rows": []}', "expected a list of corrections"),
        ('{"corrections": [', "can't be read"),
        ('{"corrections": [1]}', "row 1: expected product_id"),
    ],
)
def test_what_cannot_be_understood_is_told_by_row(tmp_path, text, words):
    path = tmp_path / "said.txt"
    path.write_text(text)
    with pytest.raises(FeedError, match=r"said\.txt") as fault:
        read_corrections(path)
    assert words in str(fault.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FeedError, match="no such file"):
        read_corrections(tmp_path / "none.json")
