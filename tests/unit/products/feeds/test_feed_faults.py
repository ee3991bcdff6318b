"""Feeds that change while they are read, that are made to harm, or that are not what their names say."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from PIL import Image

from eclip.errors import EclipError, FeedError
from eclip.products.cells import parse_price
from eclip.products.feeds import Feed, delimited, encoding, jsonfeed, merchant_xml, open_feed
from eclip.products.listings import plan_listings, planned_listings
from eclip.products.prepare import prepare_store

HEAD = "id,title\n"
ROWS = [{"id": f"A{row}", "title": f"Shoe {row}"} for row in range(3000)]


def write_csv(path: Path) -> None:
    path.write_text(HEAD + "".join(f"{row['id']},{row['title']}\n" for row in ROWS))


def write_parquet(path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=100)


def write_arrow(path: Path) -> None:
    feather.write_feather(pa.Table.from_pylist(ROWS), str(path), compression="uncompressed", chunksize=100)


def write_xml(path: Path) -> None:
    items = "".join(f"<item><id>{row['id']}</id><title>{row['title']}</title></item>" for row in ROWS)
    path.write_text(f"<rss><channel>{items}</channel></rss>")


FORMATS: dict[str, Callable[[Path], None]] = {
    "feed.csv": write_csv,
    "feed.parquet": write_parquet,
    "feed.arrow": write_arrow,
    "feed.xml": write_xml,
}


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"A9999,One more\n")


def shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def replace(path: Path) -> None:
    aside = path.with_suffix(".aside")
    aside.write_bytes(path.read_bytes())
    aside.replace(path)


def touch(path: Path) -> None:
    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns + 1))


CHANGES = {"grow": grow, "shrink": shrink, "replace": replace, "touch": touch, "delete": Path.unlink}


@pytest.mark.parametrize("write", [pq.write_table, feather.write_feather])
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, write: Callable[..., None]) -> None:
    """Which of the two would be read nobody could tell."""
    table = pa.table([pa.array(["1"]), pa.array(["Shoe"]), pa.array(["Hat"])], names=["id", "title", "title"])
    write(table, str(tmp_path / "feed"))
    with pytest.raises(FeedError, match=r"'title'.*has this column twice"):
        open_feed(tmp_path / "feed")


class TestAFeedThatChanges:
    """Rows of two states of a feed make no store."""

    @pytest.mark.parametrize("name", FORMATS)
    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.parametrize("when", ["between", "within"])
    def test_it_is_noticed(self, tmp_path: Path, name: str, change: str, when: str) -> None:
        path = tmp_path / name
        FORMATS[name](path)
        feed = open_feed(path)
        batches = feed.batches(50)
        if when == "within":
            next(batches)
        CHANGES[change](path)
        with pytest.raises(FeedError, match=r"(changed|was deleted) while it was read") as told:
            list(batches)
        assert str(path) in str(told.value)

    def test_no_store_is_made_of_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "feed.csv"
        write_csv(path)
        plan = plan_listings(path)
        grow(path)
        monkeypatch.setattr("eclip.products.prepare.plan_listings", lambda *_, **__: plan)
        with pytest.raises(FeedError, match=r"changed while it was read \([\d,]+ bytes then, [\d,]+ now\)"):
            prepare_store(path, tmp_path / "store")
        assert [each.name for each in tmp_path.iterdir()] == ["feed.csv"]

    def test_one_that_stays_is_read_as_often_as_needed(self, tmp_path: Path) -> None:
        for name, write in FORMATS.items():
            write(tmp_path / name)
            feed = open_feed(tmp_path / name)
            assert [sum(len(batch.rows) for batch in feed.batches(70)) for _ in range(2)] == [3000, 3000]

    def test_pictures_that_vanish_cost_their_rows(self, tmp_path: Path) -> None:
        for name in "abc":
            Image.new("RGB", (20, 20), (ord(name), 0, 0)).save(tmp_path / f"{name}.png")

        class Vanishing(type(open_feed(tmp_path))):  # type: ignore[misc]
            def numbered_rows(self) -> Iterator:
                rows = list(super().numbered_rows())
                (tmp_path / "b.png").unlink(missing_ok=True)
                return iter(rows)

        feed: Feed = Vanishing(tmp_path)
        (listings,) = planned_listings(plan_listings(feed), batch_size=10)
        assert listings["reject_reason"].to_pylist() == [None, "no title and no picture", None]
        assert feed.facts()["files"] == 2


class TestHarmfulFeeds:
    """What is too long or too large costs its row, or the feed, but not the machine."""

    @pytest.fixture
    def short_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (encoding, jsonfeed, delimited):
            monkeypatch.setattr(module, "MAX_LINE_CHARS", 1000)
        monkeypatch.setattr(encoding, "_LONGEST_LINE", 64)

    def faults(self, path: Path) -> list[str | None]:
        return [fault for batch in open_feed(path).batches(50) for fault in batch.faults]

    @pytest.mark.usefixtures("short_lines")
    @pytest.mark.parametrize("size", [1000, 1001, 5000])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_a_line_without_end_costs_itself(self, tmp_path: Path, size: int, end: str) -> None:
        path = tmp_path / "feed.csv"
        path.write_text(end.join(["id,title", "1,Shoe", "2," + "y" * size, "3,Hat", ""]), newline="")
        assert [fault and "characters" in fault for fault in self.faults(path)] == [None, True, None]
        path = tmp_path / "feed.jsonl"
        path.write_text('{"id":1}\n{"title":"' + "y" * size + '"}\n{"id":3}\n')
        assert [fault and "characters" in fault for fault in self.faults(path)] == [None, True, None]

    @pytest.mark.usefixtures("short_lines")
    def test_a_long_line_within_quotes_costs_no_other_row(self, tmp_path: Path) -> None:
        path = tmp_path / "feed.csv"
        path.write_text('id,title\n1,"open\n' + "y" * 5000 + '\n2,Hat\n3,"two\nlines"\n')
        rows = [row for batch in open_feed(path).batches(50) for row in batch.table.to_pylist()]
        assert {"id": "3", "title": "two\nlines"} in rows
        assert {"id": "2", "title": "Hat"} in rows

    @pytest.mark.usefixtures("short_lines")
    def test_a_file_of_one_long_line_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "feed.csv"
        path.write_text("y" * 5000)
        with pytest.raises(FeedError, match="the header can't be read: a line of more than"):
            open_feed(path)

    def test_an_xml_item_without_end_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(merchant_xml, "_MAX_ITEM_BYTES", 100_000)
        write_xml(tmp_path / "whole.xml")  # longer in all, but no item is
        assert (tmp_path / "whole.xml").stat().st_size > 100_000
        assert len(self.faults(tmp_path / "whole.xml")) == 3000
        (tmp_path / "long.xml").write_text(f"<rss><item><title>{'y' * 200_000}</title></item></rss>")
        with pytest.raises(FeedError, match="an item of more than 100,000 bytes"):
            open_feed(tmp_path / "long.xml")

    @pytest.mark.parametrize("text", [HEAD + "1,Shoe\n" * 1000 + "\0" * 3_000_000, HEAD + "1,Shoe\n" * 400_000])
    def test_a_file_that_unpacks_without_end_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        path = tmp_path / "feed.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))
        monkeypatch.setattr(encoding, "_UNPACKED_TIMES", 50)
        assert open_feed(path).num_rows  # below a size that any machine can take
        monkeypatch.setattr(encoding, "_UNPACKED_BYTES", 1 << 20)
        with pytest.raises(FeedError, match="unpacks to more than 50 times its size"):
            assert open_feed(path).num_rows

    def test_a_hundred_thousand_columns_take_no_minute(self, tmp_path: Path) -> None:
        path = tmp_path / "feed.csv"
        names = ",".join(f"c{index}" for index in range(100_000))
        path.write_text(f"id,title,{names}\n1,Shoe,{',' * 99_999}\n")
        started = time.monotonic()
        assert len(open_feed(path).columns) == 100_002
        assert time.monotonic() - started < 20  # each name against each other: minutes
        path.write_text(f"{names}\n1{',' * 99_999}\n")
        with pytest.raises(FeedError, match="and 99,940 more") as told:
            plan_listings(path)
        assert len(str(told.value)) < 1000

    @pytest.mark.parametrize(
        ("name", "text", "words"),
        [
            ("cut.json", '[{"id": 1}, {"id": 2}, {"id": ', "breaks off after 2 objects"),
            ("cut.xml", "<rss><item><title>Shoe</title></item><item><ti", "is not well-formed XML.*line 1"),
        ],
    )
    def test_what_breaks_off_is_refused_with_its_place(self, tmp_path: Path, name: str, text: str, words: str) -> None:
        (tmp_path / name).write_text(text)
        with pytest.raises(FeedError, match=words):
            open_feed(tmp_path / name)


class TestWhatIsRead:
    """Odd, but whole."""

    @pytest.mark.parametrize("name", ["utf-32", "utf-32-le", "utf-32-be"])
    def test_utf_32(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / "feed.csv"
        mark = "" if name == "utf-32" else "\ufeff"
        path.write_bytes(f"{mark}id,title\n1,빨간 신발\n".encode(name))
        (batch,) = open_feed(path).batches(10)
        assert batch.table.to_pylist() == [{"id": "1", "title": "빨간 신발"}]
        (tmp_path / "feed.xls").write_bytes(path.read_bytes())  # by its content
        assert open_feed(tmp_path / "feed.xls").columns == ("id", "title")

    def test_null_bytes(self, tmp_path: Path) -> None:
        path = tmp_path / "feed.csv"
        path.write_bytes(b"id,title\n1,Sh\0oe\n2,\0\n3,Hat\n")
        (listings,) = planned_listings(plan_listings(path), batch_size=10)
        assert listings["title"].to_pylist()[::2] == ["Sh oe", "Hat"]
        assert listings["reject_reason"].to_pylist() == [None, "no title and no picture", None]

    def test_a_header_that_is_no_utf_8(self, tmp_path: Path) -> None:
        path = tmp_path / "feed.csv"
        path.write_bytes("id,title,Farb\udcfe\n1,빨간 신발,빨간\n".encode("utf-8", "surrogateescape"))
        (batch,) = open_feed(path).batches(10)
        assert batch.table.column_names == ["id", "title", "Farb?"]

    def test_a_picture_whose_name_is_no_utf_8(self, tmp_path: Path) -> None:
        for name in (b"a.png", b"\xff.png"):
            Image.new("RGB", (20, 20)).save(tmp_path / "some.png")
            (tmp_path / "some.png").rename(tmp_path / os.fsdecode(name))
        (listings,) = planned_listings(plan_listings(tmp_path), batch_size=10)
        assert listings["reject_reason"].to_pylist() == [None, "unreadable row"]
        assert listings["reject_detail"].to_pylist()[1] == "its name is no UTF-8: b'\\xff.png'"

    def test_a_file_that_may_not_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        write_csv(tmp_path / "feed.csv")
        monkeypatch.setattr(Path, "open", refused)
        with pytest.raises(FeedError, match="can't be read: Permission denied"):
            open_feed(tmp_path / "feed.csv")

    @pytest.mark.parametrize("place", ["sqlite://shop.db", "sqlite:///", "SQLITE://host/shop.db"])
    def test_a_garbled_name_of_a_database(self, place: str) -> None:
        with pytest.raises(FeedError, match=r"names no file: expected sqlite:///FILE") as told:
            open_feed(place, sql="SELECT 1")
        assert place in str(told.value)


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("12.345 KWD", 12.345),
        ("KWD12.345", 12.345),
        ("BD 3.750", 3.75),
        ("12.345 د.ك", 12.345),
        ("1,234.500 OMR", 1234.5),
        ("12,345 TND", 12.345),
        ("1.234,567 TND", 1234.567),
        ("12,345 KWD", 12345),
        ("1.234.567 KWD", 1234567),
        ("12.345 EUR", 12345),
        ("12.345", 12345),
        ("0.500", 0.5),
        ("0,500 kg", 0.5),
    ],
)
def test_prices_of_three_decimals(text: str, price: float) -> None:
    assert parse_price(text) == price


def test_a_fault_is_one_line_that_can_be_printed() -> None:
    fault = str(FeedError("two\nlines\0 and \udcff", path="a\tb"))
    assert fault == "a?b: two lines? and ?"
    assert str(EclipError("빨간 신발")) == "빨간 신발"
