from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import lance
import pytest
from PIL import Image

from eclip.errors import DiskError, FeedError, StoreError
from eclip.products import prepare
from eclip.products.prepare import PrepareSummary, plan_feed, prepare_store
from eclip.products.store import Store
from eclip.schema import PRODUCTS_SCHEMA, REJECTS_SCHEMA

FEED = """id,title,seller,image,category,catalog_id
1,Red shirt,a,red.png,A > B,c1
2,red SHIRT,a,red.png,A > B,c1
3,Blue shirt,a,blue.png,A > C,
3,Blue shirt again,a,blue.png,A > C,
4,,a,,,
5,few
6,방충망 😀,b,gone.png,,
"""


def run(feed: Path, store: Path, columns: str = "") -> PrepareSummary:
    return prepare_store(feed, store, images=None, columns=columns, category_separator=None)


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    for colour in ("red", "blue"):
        picture = Image.new("RGB", (40, 30), colour)
        picture.paste("white", (0, 0, 20, 30))
        picture.save(tmp_path / f"{colour}.png")
    path = tmp_path / "feed.csv"
    path.write_text(FEED, encoding="utf-8")
    return path


def test_a_feed_becomes_a_store(feed: Path, tmp_path: Path) -> None:
    summary = run(feed, tmp_path / "store")
    assert (summary.rows_read, summary.rows_kept, summary.pictures, summary.titles) == (7, 4, 3, 4)
    assert summary.rejected == {
        "repeated product id": 1,
        "no title and no picture": 1,
        "unreadable row": 1,
    }
    assert summary.flagged == {"unreadable picture": 1}
    assert (summary.duplicates, summary.catalogs, summary.categories) == (1, 1, 2)
    assert sum(summary.splits.values()) == 4
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["blue.png", "feed.csv", "red.png", "store"]

    store = Store.open(tmp_path / "store")
    table = store.table(PRODUCTS_SCHEMA.names)
    assert table.schema.equals(PRODUCTS_SCHEMA)
    assert table["product_id"].to_pylist() == ["1", "2", "3", "6"]
    assert table["title"].to_pylist() == ["Red shirt", "red SHIRT", "Blue shirt", "방충망"]
    assert table["duplicate_of"].to_pylist() == [None, "1", None, None]
    assert table["loss_group"].to_pylist() == [0, 0, 1, 2]
    assert table["split"][0] == table["split"][1]
    assert store.manifest["summary"]["rows_kept"] == store.num_rows == 4
    assert store.manifest["column_map"]["fields"]["product_id"] == "id"

    rejects = lance.dataset(str(tmp_path / "store" / "rejects.lance")).to_table()
    assert rejects.schema.equals(REJECTS_SCHEMA)
    assert rejects["row"].to_pylist() == [4, 5, 6]
    assert rejects["product_id"].to_pylist() == ["3", "4", "5"]
    assert "Blue shirt again" in rejects["raw"][0].as_py()


def test_the_digest_is_of_the_content(feed: Path, tmp_path: Path) -> None:
    digests = []
    for text in (FEED, FEED, FEED.replace("Blue", "Green")):
        feed.write_text(text, encoding="utf-8")
        run(feed, tmp_path / "store")
        digests.append(Store.open(tmp_path / "store").digest)
    assert digests[0] == digests[1] != digests[2]


def test_batches_and_appends_do_not_change_the_store(
    feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(feed, tmp_path / "whole")
    monkeypatch.setattr("eclip.products.accept._BATCH_ROWS", 1)
    monkeypatch.setattr("eclip.products.dataset._WRITE_BYTES", 1)
    run(feed, tmp_path / "pieces")
    whole, pieces = Store.open(tmp_path / "whole"), Store.open(tmp_path / "pieces")
    assert whole.digest == pieces.digest
    assert whole.table(PRODUCTS_SCHEMA.names).equals(pieces.table(PRODUCTS_SCHEMA.names))


def test_nothing_that_can_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("title,image\n,gone.png\n,\n")
    with pytest.raises(FeedError, match="none of 2 rows can be kept: 2 x no title and no picture"):
        run(tmp_path / "f.csv", tmp_path / "store")
    assert [entry.name for entry in tmp_path.iterdir()] == ["f.csv"]


def test_an_empty_folder_can_be_tried_again(feed: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "f.csv").write_text("title,image\n,gone.png\n")
    with pytest.raises(FeedError, match="can be kept"):
        run(tmp_path / "f.csv", tmp_path / "store")
    run(feed, tmp_path / "store")
    assert Store.open(tmp_path / "store").num_rows


def test_a_full_disk_ends_in_one_line(feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(feed, tmp_path / "store")
    before = Store.open(tmp_path / "store").manifest

    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(prepare.DatasetWriter, "_write", full)
    with pytest.raises(DiskError, match="the disk is full"):
        run(feed, tmp_path / "store")
    assert not (tmp_path / ".store.eclip-partial").exists()
    assert Store.open(tmp_path / "store").manifest == before


def test_folders_of_something_else_are_left_alone(feed: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    for target, expected in (("mine", "holds letter.txt, which is no part"), ("feed.csv", "is a file")):
        with pytest.raises(StoreError, match=expected):
            run(feed, tmp_path / target)
    run(feed, tmp_path / "store")
    (tmp_path / "store" / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"holds notes\.txt, which is no part of a store"):
        run(feed, tmp_path / "store")
    assert (tmp_path / "store" / "notes.txt").read_text() == "mine"
    (tmp_path / ".new.eclip-partial").mkdir()
    (tmp_path / ".new.eclip-partial" / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="in the way"):
        run(feed, tmp_path / "new")
    assert (tmp_path / ".new.eclip-partial" / "letter.txt").exists()


def test_copies_that_a_user_keeps_are_left_alone(feed: Path, tmp_path: Path) -> None:
    run(feed, tmp_path / "store")
    for name in ("store.old", "store.partial"):
        shutil.copytree(tmp_path / "store", tmp_path / name)
    (tmp_path / ".shop.eclip-old").mkdir()
    (tmp_path / ".shop.eclip-old" / "diary.txt").write_text("dear")
    run(feed, tmp_path / "store")
    for name in ("store.old", "store.partial"):
        assert Store.open(tmp_path / name).num_rows == 4
    with pytest.raises(StoreError, match="in the way"):
        run(feed, tmp_path / "shop")
    assert (tmp_path / ".shop.eclip-old" / "diary.txt").exists()


def test_two_at_once_make_one_store(feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = prepare.add_whole_feed_columns

    def meanwhile(*args: object, **options: object) -> None:
        monkeypatch.setattr(prepare, "add_whole_feed_columns", real)
        with pytest.raises(StoreError, match="another eclip is writing"):
            run(feed, tmp_path / "store")
        real(*args, **options)

    monkeypatch.setattr(prepare, "add_whole_feed_columns", meanwhile)
    assert run(feed, tmp_path / "store").rows_kept == 4
    assert Store.open(tmp_path / "store").num_rows == 4


def test_a_store_moved_aside_by_a_killed_run_comes_back(feed: Path, tmp_path: Path) -> None:
    run(feed, tmp_path / "store")
    (tmp_path / "store").rename(tmp_path / ".store.eclip-old")
    with pytest.raises(FeedError):
        run(tmp_path / "gone.csv", tmp_path / "store")
    (tmp_path / "bad.csv").write_text("title\n<b>\n")
    with pytest.raises(FeedError, match="none of 1 rows"):
        run(tmp_path / "bad.csv", tmp_path / "store")
    assert Store.open(tmp_path / "store").num_rows == 4


def test_a_dry_run_writes_nothing(feed: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    forecast = plan_feed(feed, images=None, columns="", category_separator=None)
    assert (forecast.rows, forecast.category_separator) == (7, ">")
    assert forecast.num_bytes > 0
    assert forecast.rejected == {"no title and no picture": 1, "unreadable row": 1}
    assert sorted(tmp_path.iterdir()) == before


KILLED = """
import sys, time
from pathlib import Path
from eclip.products import prepare
def stop(*args, **options): print("written", flush=True); time.sleep(60)
prepare.add_whole_feed_columns = stop
prepare.prepare_store(Path(sys.argv[1]), Path(sys.argv[2]), images=None, columns="", category_separator=None)
"""


@pytest.mark.slow
def test_a_killed_run_leaves_no_store_and_the_next_one_works(feed: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(feed), str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    time.sleep(0.1)
    assert (tmp_path / ".store.eclip-partial" / "products.lance").exists()
    with pytest.raises(StoreError, match="no such store"):
        Store.open(tmp_path / "store")
    with pytest.raises(StoreError, match="no finished store"):
        Store.open(tmp_path / ".store.eclip-partial")
    assert run(feed, tmp_path / "store").rows_kept == 4
    assert not (tmp_path / ".store.eclip-partial").exists()
