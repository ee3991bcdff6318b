"""Every command on a store at s3://: what it says and makes is what it would of a folder."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from commandline import Result, done, eclip, start

from eclip.products.store import Store
from eclip.schema import PRODUCTS_SCHEMA

COLUMNS = PRODUCTS_SCHEMA.names


@pytest.mark.slow
def test_a_store_in_object_storage_goes_through_every_command(
    s3_bucket: str, result: Result, store: Path, model: Path, tmp_path: Path
) -> None:
    address = f"s3://{s3_bucket}/europe/store"
    done("prepare", result.feed, "--store", address)
    mine, folder = Store.open(address), Store.open(store)
    assert mine.digest == folder.digest
    assert mine.table(COLUMNS).equals(folder.table(COLUMNS))
    trained = tmp_path / "trained"
    done("train", address, "--out", trained, "--recipe", result.recipe, "--steps", 2)
    done("train", store, "--out", tmp_path / "twin", "--recipe", result.recipe, "--steps", 2)
    digests = {json.loads((each / "eclip.json").read_text())["digest"] for each in (trained, tmp_path / "twin")}
    assert len(digests) == 1
    done("embed", address, "--model", model)
    assert Store.open(address).vectors(model_digest=None).equals(folder.vectors(model_digest=None))
    for place in (address, store):
        done("embed", place, "--model", model, "--out", tmp_path / f"{len(str(place))}.parquet")
    done("fit", address, "--model", model)
    done("evaluate", address, "--model", model, "--out", tmp_path / "report", "--compare", trained)
    asked = [("search", place, "red shoes", "--model", model, "--json") for place in (address, store)]
    assert done(*asked[0]).out == done(*asked[1]).out
    for kind in ("ivf", "disk"):
        for place in (address, store):
            done("index", place, "--model", model, "--kind", kind)
        assert done(*asked[0]).out == done(*asked[1]).out
    listed = ("--store", address, "--model", model, "--out", tmp_path / "answers.parquet")
    done("enrich", result.feed, *listed)
    daily = done("daily", result.feed, *listed)
    assert "unchanged" in daily.out
    first = mine.table(["product_id"])["product_id"][0].as_py()
    assert "deleted" in done("delete", address, "--ids", first).out
    assert "fragments" in done("compact", address).out
    assert first not in Store.open(address).vectors(model_digest=None)["product_id"].to_pylist()
    assert Store.open(address).num_rows == folder.num_rows - 1


@pytest.mark.slow
def test_a_killed_prepare_keeps_the_old_store(s3_bucket: str, result: Result, tmp_path: Path) -> None:
    address = f"s3://{s3_bucket}/store"
    feed = tmp_path / "feed.csv"
    feed.write_text("id,title\n" + "".join(f"{number},Thing number {number}\n" for number in range(500)))
    done("prepare", feed, "--store", address)
    before = Store.open(address)
    slow = """
        import time
        from eclip.products import prepare
        real = prepare.add_whole_feed_columns
        def slow(*args, **options):
            real(*args, **options)
            print("written", flush=True)
            time.sleep(60)
        prepare.add_whole_feed_columns = slow
    """
    with start("prepare", result.feed, "--store", address, first=slow) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        eclip("prepare", feed, "--store", address, "--update").assert_fault("another eclip is writing this store")
        process.kill()
    assert Store.open(address).manifest == before.manifest
    assert Store.open(address).table(COLUMNS).equals(before.table(COLUMNS))
    started = time.monotonic()
    done("prepare", result.feed, "--store", address)
    assert time.monotonic() - started < 60
    assert Store.open(address).num_rows > 100


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("prepare", "{feed}", "--store"),
        ("prepare", "{feed}", "--update", "--store"),
        ("daily", "{feed}", "--model", "{model}", "--out", "{out}.parquet", "--store"),
        ("enrich", "{feed}", "--model", "{model}", "--out", "{out}.parquet", "--store"),
        ("train", "--out", "{out}"),
        ("embed", "--model", "{model}"),
        ("fit", "--model", "{model}"),
        ("evaluate", "--model", "{model}", "--out", "{out}"),
        ("serve", "--model", "{model}"),
        ("delete", "--ids", "1"),
        ("compact",),
    ],
    ids=lambda arguments: " ".join(word for word in arguments if word[0] not in "{-"),
)
def test_a_place_that_can_not_be_is_one_line(
    s3_bucket: str, result: Result, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    names = {"feed": result.feed, "model": result.out / "model", "out": tmp_path / "out"}
    words = [word.format(**names) for word in arguments]
    for place, said in (
        ("s3:/bucket/store", "expected a folder or s3://bucket/prefix"),
        ("gs://bucket/store", "other object storage is not supported"),
        ("s3://no-such-bucket-here/store", "there is no such bucket"),
    ):
        eclip(words[0], *words[1:], place).assert_fault(place[:20], said)
