"""JSON arrays, gzip, Excel, XML, Arrow, folders of pictures, several files: each kind read back as it was written."""

from __future__ import annotations

import datetime
import gzip
import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from PIL import Image

from eclip.errors import ConfigError, FeedError
from eclip.products.feeds import Feed, feed_facts, open_feed
from eclip.products.prepare import prepare_store
from eclip.products.store import Store

ROWS = [{"id": "007", "title": "NA"}, {"id": "8", "title": "방충망 롤"}]


def rows_of(feed: Feed, batch_size: int = 2) -> list[dict[str, object] | str]:
    rows: list[dict[str, object] | str] = []
    for batch in feed.batches(batch_size):
        rows += [f if f is not None else r for r, f in zip(batch.table.to_pylist(), batch.faults, strict=True)]
    assert feed.num_rows == len(rows)
    return rows


def csv_text(sign: str = ",") -> str:
    return f"id{sign}title\n007{sign}NA\n8{sign}방충망 롤\n"


class TestText:
    def test_gzipped_feeds(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv.gz").write_bytes(gzip.compress(csv_text().encode("cp949")))
        (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, ROWS)).encode()))
        (tmp_path / "c.tsv").write_bytes(gzip.compress(csv_text("\t").encode("utf-16")))  # the name does not say it
        for name in ("a.csv.gz", "b.jsonl.gz", "c.tsv"):
            assert rows_of(open_feed(tmp_path / name)) == ROWS

    def test_a_western_feed(self, tmp_path: Path) -> None:
        path = tmp_path / "f.csv"
        path.write_bytes("id;title\n1;Crème brûlée für zwei, 12 €\n2;Größe M\n".encode("cp1252"))
        assert [row["title"] for row in rows_of(open_feed(path))] == ["Crème brûlée für zwei, 12 €", "Größe M"]

    def test_commas_inside_quoted_names_part_no_columns(self, tmp_path: Path) -> None:
        path = tmp_path / "f.csv"
        path.write_text('id;"title, long, longer"\n1;a,b\n')
        assert rows_of(open_feed(path)) == [{"id": "1", "title, long, longer": "a,b"}]

    @pytest.mark.parametrize(
        ("name", "text"),
        [("f.txt", csv_text("\t")), ("f.dat", csv_text(";")), ("f.xls", csv_text("\t")), ("f", json.dumps(ROWS))],
    )
    def test_content_decides_where_the_ending_does_not(self, tmp_path: Path, name: str, text: str) -> None:
        (tmp_path / name).write_text(text)
        assert rows_of(open_feed(tmp_path / name)) == ROWS


class TestJson:
    @pytest.mark.parametrize("frame", ["{}", '{{"products": {}}}', "\ufeff {}\n"])
    @pytest.mark.parametrize("indent", [None, 2])
    def test_an_array_of_objects(self, tmp_path: Path, frame: str, indent: int | None) -> None:
        path = tmp_path / "f.json"
        path.write_text(frame.format(json.dumps(ROWS, indent=indent, ensure_ascii=False)))
        assert rows_of(open_feed(path)) == ROWS

    def test_an_array_longer_than_a_chunk_equals_the_whole(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("eclip.products.feeds.jsonfeed._CHUNK_CHARS", 7)
        items = [{"id": str(i), "title": "x" * (i % 50), "price": i / 8} for i in range(200)]
        path = tmp_path / "f.json"
        path.write_text(json.dumps(items))
        expected = [{"id": i["id"], "title": i["title"] or None, "price": str(i["price"])} for i in items]
        assert rows_of(open_feed(path)) == expected

    def test_items_that_are_no_objects_cost_only_themselves(self, tmp_path: Path) -> None:
        path = tmp_path / "f.json"
        path.write_text('[{"title": "a"}, 3, {"title": "b", "tags": ["x"]}]')
        rows = rows_of(open_feed(path))
        assert rows[1] == "expected a JSON object, found str"
        assert rows[2] == {"title": "b", "tags": '["x"]'}


class TestExcel:
    def test_cells_keep_what_a_person_sees(self, tmp_path: Path) -> None:
        book = openpyxl.Workbook()
        book.active.title = "empty"
        sheet = book.create_sheet("products")
        sheet.append([])
        sheet.append(["id", "title", "price", "gtin", "since", "adult", "seen"])
        day, minute = datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4)
        sheet.append(["007", "NA", 7.0, 8801234567893, day, True, minute])
        sheet.append([])
        sheet.append(["8", "방충망 롤", 7.25, None, None, False, None])
        book.save(tmp_path / "f.xlsx")
        assert rows_of(open_feed(tmp_path / "f.xlsx")) == [
            {
                "id": "007",
                "title": "NA",
                "price": "7",
                "gtin": "8801234567893",
                "since": "2026-01-02",
                "adult": "true",
                "seen": "2026-01-02 03:04:00",
            },
            {
                "id": "8",
                "title": "방충망 롤",
                "price": "7.25",
                "gtin": None,
                "since": None,
                "adult": "false",
                "seen": None,
            },
        ]

    def test_a_hidden_sheet_is_passed_over(self, tmp_path: Path) -> None:
        book = openpyxl.Workbook()
        book.active.append(["title"])
        book.active.append(["hidden"])
        book.active.sheet_state = "hidden"
        shown = book.create_sheet("shown")
        shown.append(["title"])
        shown.append(["shown"])
        book.save(tmp_path / "f.csv")  # a wrong ending: the content tells
        assert rows_of(open_feed(tmp_path / "f.csv")) == [{"title": "shown"}]

    def test_empty_workbooks_and_repeated_names(self, tmp_path: Path) -> None:
        book = openpyxl.Workbook()
        book.save(tmp_path / "empty.xlsx")
        with pytest.raises(FeedError, match="no visible sheet"):
            open_feed(tmp_path / "empty.xlsx")
        book.active.append(["title", "title"])
        book.save(tmp_path / "twice.xlsx")
        with pytest.raises(FeedError, match=r"'title'.*twice"):
            open_feed(tmp_path / "twice.xlsx")


@pytest.mark.parametrize("kind", ["file", "stream"])
def test_arrow(tmp_path: Path, kind: str) -> None:
    table = pa.table({"id": ["007", "8", "9"], "image": [b"a", None, b"c"]})
    open_sink = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
    with open_sink(str(tmp_path / "f.arrow"), table.schema) as sink:
        sink.write_table(table, max_chunksize=2)
    feed = open_feed(tmp_path / "f.arrow")
    assert rows_of(feed) == table.to_pylist()
    assert [b.table.column_names for b in feed.batches(9, columns=["image"])] == [["image"], ["image"]]


class TestPictureFolders:
    def test_pictures_alone(self, tmp_path: Path) -> None:
        for name in ("shoes/red/1.png", "shoes/red/1.jpg", "shoes/2.JPG", "top.png", ".hidden/3.png"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (9, 9), "red").save(tmp_path / name)
        (tmp_path / "notes.txt").write_text("no picture")
        assert rows_of(open_feed(tmp_path)) == [
            {"product_id": "top", "image": "top.png", "category": None},
            {"product_id": "shoes/2", "image": "shoes/2.JPG", "category": '["shoes"]'},
            {"product_id": "shoes/red/1", "image": "shoes/red/1.jpg", "category": '["shoes", "red"]'},
            {"product_id": "shoes/red/1.png", "image": "shoes/red/1.png", "category": '["shoes", "red"]'},
        ]
        prepare_store(tmp_path, tmp_path.parent / "store", images=None, columns="", category_separator=None)
        table = Store.open(tmp_path.parent / "store").table(["category", "image"])
        assert table["category"].to_pylist() == [None, ["shoes"], ["shoes", "red"], ["shoes", "red"]]
        assert table["image"].null_count == 0

    def test_a_flat_folder_has_no_categories(self, tmp_path: Path) -> None:
        Image.new("RGB", (9, 9)).save(tmp_path / "a.b.png")
        assert rows_of(open_feed(tmp_path)) == [{"product_id": "a.b", "image": "a.b.png"}]


class TestSeveral:
    def test_union_of_columns_and_rows_that_can_be_found_again(self, tmp_path: Path) -> None:
        for shop in ("a", "b"):
            (tmp_path / shop / "img").mkdir(parents=True)
            Image.new("RGB", (9, 9), "red" if shop == "a" else "blue").save(tmp_path / shop / "img" / "1.png")
        (tmp_path / "a" / "f.csv").write_text("id,title,image\na1,Red,img/1.png\na2,,\n")
        (tmp_path / "b" / "f.jsonl").write_text('{"id": "b1", "title": "Blue", "image": "img/1.png", "brand": "B"}\nno')
        feed = open_feed(tmp_path)
        assert feed.columns == ("id", "title", "image", "brand")
        assert [row for batch in feed.batches(10) for row in batch.rows] == [1, 2, 3, 4]
        prepare_store(tmp_path, tmp_path.parent / "store", images=None, columns="", category_separator=None)
        store = Store.open(tmp_path.parent / "store")
        kept = store.table(["product_id", "image", "brand", "image_hash"]).to_pylist()
        assert [(row["product_id"], row["brand"]) for row in kept] == [("a1", None), ("b1", "B")]
        assert kept[0]["image_hash"] != kept[1]["image_hash"]
        assert store.manifest["feed"]["files"] == [str(tmp_path / "a" / "f.csv"), str(tmp_path / "b" / "f.jsonl")]
        import lance

        rejects = lance.dataset(str(tmp_path.parent / "store" / "rejects.lance")).to_table().to_pylist()
        assert [row["row"] for row in rejects] == [2, 4]
        assert rejects[0]["detail"].startswith("a/f.csv row 2: ")
        assert rejects[1]["detail"].startswith("b/f.jsonl row 2: no JSON")

    def test_a_pattern(self, tmp_path: Path) -> None:
        for name in ("x1.csv", "x2.csv", "y.csv"):
            (tmp_path / name).write_text(f"title\n{name}\n")
        feed = open_feed(f"{tmp_path}/x*.csv")
        assert [row["title"] for row in rows_of(feed)] == ["x1.csv", "x2.csv"]
        with pytest.raises(FeedError, match="no file matches"):
            open_feed(f"{tmp_path}/z*.csv")

    def test_a_damaged_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("title\nx\n")
        (tmp_path / "b.parquet").write_text("nope")
        with pytest.raises(FeedError, match=r"b\.parquet: is no readable Parquet"):
            open_feed(tmp_path)

    def test_what_it_was_made_of_tells_when_it_changed(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("title\nx\n")
        before = feed_facts(tmp_path)
        assert before == feed_facts(tmp_path)
        (tmp_path / "b.csv").write_text("title\nx\n")
        assert feed_facts(tmp_path) != before

    def test_a_store_is_no_feed(self, tmp_path: Path) -> None:
        (tmp_path / "store.json").write_text("{}")
        with pytest.raises(FeedError, match="is a product store"):
            open_feed(tmp_path)


def test_names_that_are_no_feeds(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"ftp://shop/x: is no feed; expected \.csv"):
        open_feed("ftp://me:secret@shop/x")
    with pytest.raises(ConfigError, match="--sql needs a database"):
        open_feed(tmp_path / "f.csv", sql="select 1")
    with pytest.raises(ConfigError, match="expected one of shopify, magento, google or none"):
        open_feed(tmp_path / "f.csv", platform="amazon")


MEASURE = """
import resource, sys
from eclip.products.feeds import open_feed
feed = open_feed(sys.argv[1])
next(feed.batches(1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for batch in feed.batches(1000):
    cells = batch.table.to_pylist()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_descriptions_of_a_megabyte_stay_bounded(tmp_path: Path) -> None:
    """200 rows of 1 MB: what is held at once is a batch of 16 MB and its copies, not the 200 MB of the file."""
    with (tmp_path / "f.csv").open("w") as file:
        file.write("id,title,description\n")
        file.writelines(f'{row},Title,"{"d, " * 350_000}"\n' for row in range(200))
    held = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "f.csv"], capture_output=True, text=True, check=True
    )
    assert int(held.stdout) * 1024 < 160e6, f"{int(held.stdout) / 1024:.0f} MiB"
    assert (tmp_path / "f.csv").stat().st_size > 200e6
