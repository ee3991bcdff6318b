"""Pictures that changed under the same names are told by size and time."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eclip.products.feeds import open_feed
from eclip.products.picturefacts import picture_facts

FEED = "id,title,image,extra_images\n1,Shoe,a.jpg,b.jpg|c.jpg\n2,Hat,file:d.jpg,\n3,Sock,gone.jpg,http://shop/e.jpg\n"


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    for name in "abcd":
        (tmp_path / f"{name}.jpg").write_bytes(name.encode())
    (tmp_path / "feed.csv").write_text(FEED)
    return tmp_path / "feed.csv"


def facts(feed: Path, images: Path | None = None) -> str:
    return picture_facts(open_feed(feed), images=images)


@pytest.mark.parametrize("name", ["a", "b", "c", "d", "gone"])
@pytest.mark.parametrize("change", ["other size", "other time"])
def test_each_picture_counts(feed: Path, name: str, change: str) -> None:
    before = facts(feed)
    assert facts(feed) == before
    path = feed.parent / f"{name}.jpg"
    stat = path.stat() if path.exists() else feed.stat()
    path.write_bytes(b"longer" if change == "other size" else name[:1].encode())
    os.utime(path, ns=(0, stat.st_mtime_ns + (change == "other time")))
    assert facts(feed) != before


def test_a_main_pictures_name_is_one_name(tmp_path: Path) -> None:
    (tmp_path / "front|back.jpg").write_bytes(b"one")
    (tmp_path / "feed.csv").write_text("id,title,image\n1,Shoe,front|back.jpg\n")
    before = facts(tmp_path / "feed.csv")
    (tmp_path / "front|back.jpg").write_bytes(b"another")
    assert facts(tmp_path / "feed.csv") != before


def test_what_the_feed_does_not_name_does_not_count(feed: Path) -> None:
    before = facts(feed)
    (feed.parent / "other.jpg").write_bytes(b"x")
    assert facts(feed) == before


def test_another_folder_of_pictures(feed: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.jpg").write_bytes(b"not the same")
    assert facts(feed, tmp_path / "more") != facts(feed)


def test_pictures_inside_a_feed_are_not_told(tmp_path: Path) -> None:
    """They change with the feed, whose own size and time tell it."""
    for name, pictures in (("one", [b"one", b"two"]), ("other", [b"three", b"four"])):
        whole = pa.array([{"bytes": picture, "path": None} for picture in pictures])
        table = pa.table({"title": ["Shoe", "Hat"], "image": pictures, "extra_images": whole})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    assert facts(tmp_path / "one.parquet") == facts(tmp_path / "other.parquet")


def test_lists_of_names_count(feed: Path) -> None:
    table = pa.table({"title": ["Shoe", "Hat"], "image": ["a.jpg", None], "extra_images": [["b.jpg", "c.jpg"], None]})
    pq.write_table(table, feed.parent / "feed.parquet")
    before = facts(feed.parent / "feed.parquet")
    (feed.parent / "c.jpg").write_bytes(b"longer")
    assert facts(feed.parent / "feed.parquet") != before


def test_a_name_that_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("id,title,image\n1,Shoe,a\0b.jpg\n2,Hat," + "x" * 5000 + "\n")
    assert facts(tmp_path / "feed.csv")
