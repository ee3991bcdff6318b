from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eclip.errors import FeedError
from eclip.products.feeds import Feed, columnar, open_feed


def write(path: Path, text: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def rows_of(feed: Feed, batch_size: int = 2) -> list[dict[str, object] | str]:
    rows: list[dict[str, object] | str] = []
    for batch in feed.batches(batch_size):
        assert batch.rows == list(range(len(rows) + 1, len(rows) + len(batch.rows) + 1))
        assert batch.table.num_rows == len(batch.rows) == len(batch.faults) <= batch_size
        for row, fault in zip(batch.table.to_pylist(), batch.faults, strict=True):
            rows.append(fault if fault is not None else row)
    assert feed.num_rows == len(rows)
    return rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp949"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    feed = open_feed(write(tmp_path / "f.csv", "id,title\r\n007,방충망 롤\r\n8,NA\r\n", encoding))
    assert feed.columns == ("id", "title")
    assert rows_of(feed) == [{"id": "007", "title": "방충망 롤"}, {"id": "8", "title": "NA"}]


@pytest.mark.parametrize(("name", "sign"), [("f.tsv", "\t"), ("f.csv", ";"), ("f.csv", ","), ("f.CSV", "\t")])
def test_delimiters_quotes_and_blank_lines(tmp_path: Path, name: str, sign: str) -> None:
    text = f'\nid{sign}title\n\n1{sign}"a{sign}""b""\nc"\n2{sign}\n'
    expected = [{"id": "1", "title": f'a{sign}"b"\nc'}, {"id": "2", "title": None}]
    if name.endswith("CSV"):
        sign = "\t"
    assert rows_of(open_feed(write(tmp_path / name.replace("CSV", "tsv"), text))) == expected


def test_a_huge_field_is_read(tmp_path: Path) -> None:
    long = "x" * 3_000_000
    (row,) = rows_of(open_feed(write(tmp_path / "f.csv", f"id,title\n1,{long}\n")))
    assert row == {"id": "1", "title": long}


def test_a_bad_csv_row_costs_only_itself(tmp_path: Path) -> None:
    lines = [
        b"id,title,note",
        b"1,fine,a",
        b"2,too,many,fields",
        b"3,few",
        b'4,5" wheel,c',
        b'5,"wheel" set,c',
        b'6,"never closed,c',
        b"7,fine,d",
        b"8,broken \xff\xfe bytes,e",
        b'9,"also, fine",f,',
        '10,"멋진"'.encode() + b',"end never closed',
        b"11,last,g",
    ]
    rows = rows_of(open_feed(write(tmp_path / "f.csv", b"\n".join(lines) + b"\n")))
    titles = [row if isinstance(row, str) else row["title"] for row in rows]
    assert titles == [
        "fine",
        "4 fields where the header has 3",
        "2 fields where the header has 3",
        '5" wheel',
        "wheel set",
        "a quote is opened and never closed",
        "fine",
        "not readable as utf-8",
        "also, fine",
        "a quote is opened and never closed",
        "last",
    ]


def test_a_quote_never_closed_is_given_up_in_a_long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eclip.products.feeds.delimited._MAX_RECORD_LINES", 10)
    text = 'id,title\n1,"open\n' + "".join(f"{index},t\n" for index in range(2, 40))
    rows = rows_of(open_feed(write(tmp_path / "f.csv", text)))
    assert len(rows) == 39
    assert [row for row in rows if isinstance(row, str)] == ["a quote is opened and never closed"]


def test_json_lines_keep_texts_and_structure(tmp_path: Path) -> None:
    lines = [
        '{"id": 7, "title": "NA", "price": 1.10, "category": ["가", "b/c"]}',
        "",
        '{"id": "007", "adult": true, "title": ""}',
        "{broken",
        "[1]",
        '{"title": "half \\ud83d"}',
        '{"attributes": {"a": 1}, "price": NaN}',
    ]
    feed = open_feed(write(tmp_path / "f.jsonl", "\n".join(lines)))
    assert feed.columns == ("id", "title", "price", "category", "adult", "attributes")
    rows = rows_of(feed)
    assert isinstance(rows[0], dict)
    assert rows[0] | {"adult": None} == {
        "id": "7",
        "title": "NA",
        "price": "1.10",
        "category": '["가", "b/c"]',
        "adult": None,
        "attributes": None,
    }
    assert [isinstance(row, str) for row in rows] == [False, False, True, True, False, False]
    assert "expected a JSON object, found list" in str(rows[3])


def test_parquet_keeps_types_and_reads_few_large_rows_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"id": list(range(10)), "image": [bytes([i]) * 1000 for i in range(10)]})
    pq.write_table(table, tmp_path / "f.parquet", compression="none", use_dictionary=False)
    feed = open_feed(tmp_path / "f.parquet")
    assert rows_of(feed, 4)[9] == {"id": 9, "image": b"\x09" * 1000}
    monkeypatch.setattr(columnar, "_MAX_BATCH_BYTES", 3000)
    assert max(len(batch.rows) for batch in feed.batches(10)) < 4


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("gone.csv", None, "no such file"),
        ("f.xlsx", b"x", "no readable Excel"),
        ("f.xlsx", b"", "is empty"),
        ("f.arrow", b"nope", "no readable Arrow"),
        ("f.foo", b"nothing known", "unknown ending '.foo'; expected .csv, .tsv"),
        ("f.foo", b"\0\1\2", "unknown ending"),
        ("f.xls", b"<html><table><tr><td>id", "is a web page"),
        ("f.xml", b"", "is empty"),
        ("f.xml", b"<rss><channel></channel></rss>", "no Google Merchant feed"),
        ("f.json", b'[{"id": 1}, {"id": 2}', "breaks off after 2 objects"),
        ("f.csv.gz", b"\x1f\x8b\x08 cut", "can't be read"),
        ("f.csv", b"", "is empty"),
        ("f.csv", b"\n \n", "is empty"),
        ("f.csv", b"id,title\n", "header but no rows"),
        ("f.csv", b"id,id\n1,2\n", "twice"),
        ("f.csv", b'"id,title\n1,2\n', "header can't be read"),
        ("f.jsonl", b"", "is empty"),
        ("f.jsonl", b"nope\n", "no row can be read"),
        ("f.parquet", b"", "is empty"),
        ("f.parquet", b"nope", "no readable Parquet"),
    ],
)
def test_feeds_that_are_none_end_in_one_line(tmp_path: Path, name: str, content: bytes | None, expected: str) -> None:
    if content is not None:
        write(tmp_path / name, content)
    with pytest.raises(FeedError, match=expected) as caught:
        open_feed(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_folder_is_no_feed(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="folder without feeds"):
        open_feed(tmp_path)


def test_a_parquet_feed_without_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"title": pa.array([], pa.string())}), tmp_path / "f.parquet")
    with pytest.raises(FeedError, match="no rows"):
        open_feed(tmp_path / "f.parquet")


def test_of_several_files_some_may_have_a_header_and_no_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,title\n")
    pq.write_table(pa.table({"title": pa.array([], pa.string())}), tmp_path / "b.parquet")
    (tmp_path / "c.csv").write_text("id,title\n1,Red shoe\n")
    assert [feed.num_rows for feed in (open_feed(tmp_path), open_feed(f"{tmp_path}/*.csv"))] == [1, 1]
    (tmp_path / "c.csv").unlink()
    with pytest.raises(FeedError, match=r"no rows"):
        open_feed(tmp_path)
    (tmp_path / "d.csv").write_text("")  # as a failed export leaves it
    with pytest.raises(FeedError, match=r"d\.csv: is empty"):
        open_feed(tmp_path)
