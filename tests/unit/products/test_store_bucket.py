"""Stores at s3://: as those in folders, row by row; whole or not there; one writer; faults in one line."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from eclip.commands.arguments import require_file, require_folder
from eclip.errors import ConfigError, FeedError, StoreError
from eclip.products import delete as deleting
from eclip.products import lease as leases
from eclip.products import prepare, update
from eclip.products.bucket import Bucket
from eclip.products.compact import compact_store
from eclip.products.delete import delete_listings
from eclip.products.lease import Lease, hold_lease
from eclip.products.place import holds_store, store_place
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.products.storebucket import BucketPlace
from eclip.products.update import update_store
from eclip.schema import STORE_LOCK, vectors_schema

pytestmark = pytest.mark.slow

FIRST = """id,title,image,seller,gtin
a,Red shoe,a.png,One,4006381333931
b,"Blue hat, wool",b.png,One,
c,Red shoe of ours,a.png,Two,4006381333931
d,Yellow glove,,Two,
,,,Two,
"""
SECOND = FIRST.replace("Blue hat", "Blue cap").replace("d,Yellow glove,,Two,\n", "") + "e,White shirt,e.png,One,\n"
OPTIONS: dict[str, Any] = {"images": None, "columns": "", "category_separator": None}
DIM = 4


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for index, name in enumerate("abe"):
        noise = np.random.default_rng(index).integers(0, 255, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{name}.png")
    (tmp_path / "feed.csv").write_text(FIRST)
    (tmp_path / "next.csv").write_text(SECOND)
    return tmp_path


@pytest.fixture
def address(s3_bucket: str, shop: Path) -> str:
    """A store in object storage, made of the first feed."""
    name = f"s3://{s3_bucket}/europe/store"
    prepare_store(shop / "feed.csv", name, **OPTIONS)
    return name


def everything(store: str | Path) -> dict[str, Any]:
    opened = Store.open(store)
    names = sorted(opened.column_names)
    return {
        "rows": opened.table(names).to_pydict(),
        "pictures": opened.images(range(opened.num_rows)),
        "rejects": opened.rejects().to_pydict(),
        "digest": opened.digest,
        "model": opened.vectors_digest,
        "conflicts": opened.conflicts().to_pylist(),
        "deleted": opened.manifest["deleted"],
    }


def embedded(store: str | Path) -> None:
    opened = Store.open(store)
    table = opened.table(["product_id"]).take(opened.rows_without_vectors("M"))
    ids = table["product_id"].to_pylist()
    block = np.array([[ord(each), 1, 2, 3] for each in ids], dtype="f4")
    opened.write_vectors(pa.table([ids, *[block.tolist()] * 3], schema=vectors_schema(DIM)), model_digest="M")


def keys(address: str) -> list[str]:
    place = store_place(address)
    assert isinstance(place, BucketPlace)
    pages = Bucket(place.bucket)._pages(place.prefix)
    return [entry["Key"].removeprefix(place.prefix) for page in pages for entry in page.get("Contents", ())]


def test_it_is_what_a_folder_would_be(address: str, shop: Path) -> None:
    folder = shop / "store"
    prepare_store(shop / "feed.csv", folder, **OPTIONS)
    assert everything(address) == everything(folder)
    steps: list[Callable[[str | Path], object]] = [
        embedded,
        lambda store: update_store(shop / "next.csv", store, remove_missing=True, **OPTIONS),
        embedded,
        lambda store: delete_listings(store, product_ids=["a"]),
        compact_store,
        lambda store: prepare_store(shop / "next.csv", store, **OPTIONS),
    ]
    for step in steps:
        step(address)
        step(folder)
        assert everything(address) == everything(folder)
    assert Store.open(address).rejects()["reason"].to_pylist() == ["deleted on request", "no title and no picture"]
    assert Store.open(address).digest[:16] in (Store.open(address).place.read_text("report.html") or "")


def test_deleting_leaves_no_object_that_holds_it(address: str, shop: Path) -> None:
    embedded(address)
    update_store(shop / "next.csv", address, remove_missing=False, **OPTIONS)
    cache = store_place(address).cache
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "x").write_bytes(b"Blue hat")
    picture = (shop / "b.png").read_bytes()
    place = store_place(address)
    assert isinstance(place, BucketPlace)
    bucket = Bucket(place.bucket)

    def holding() -> list[str]:
        found = {key: bucket.get(place.prefix + key) for key in keys(address)}
        return [key for key, each in found.items() if each and (b"Blue" in each.data or picture in each.data)]

    assert len(holding()) == 2  # the old version's and the new one's
    assert delete_listings(address, product_ids=["b"]).deleted == 1
    assert holding() == []
    assert not cache.exists()


def test_who_opened_it_before_reads_on(address: str, shop: Path) -> None:
    before = Store.open(address)
    titles = before.table(["title"])
    prepare_store(shop / "next.csv", address, **OPTIONS)
    assert before.table(["title"]).equals(titles)
    assert before.images([0]) == [(shop / "a.png").read_bytes()]
    assert Store.open(address).num_rows == 4


STEPS: dict[str, tuple[Any, str, Callable[[Path, str], object]]] = {
    "prepare, writing": (prepare, "add_whole_feed_columns", lambda shop, s: prepare_store(shop / "next.csv", s)),
    "prepare, manifest": (prepare, "write_manifest", lambda shop, s: prepare_store(shop / "next.csv", s)),
    "update, appending": (
        update, "append_rows", lambda shop, s: update_store(shop / "next.csv", s, remove_missing=True),
    ),
    "update, describing": (
        update, "describe", lambda shop, s: update_store(shop / "next.csv", s, remove_missing=True),
    ),
    "delete, compacting": (deleting, "compact_rows", lambda shop, s: delete_listings(s, product_ids=["a"])),
    "delete, manifest": (deleting, "write_manifest", lambda shop, s: delete_listings(s, product_ids=["a"])),
}  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_killed_halfway_the_old_store_is_whole_and_again_finishes(
    address: str, shop: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    owner, name, work = STEPS[step]
    real = getattr(owner, name)
    prepare_store(shop / "feed.csv", shop / "twin", **OPTIONS)
    work(shop, str(shop / "twin"))

    class Killed(BaseException):
        pass

    def killed(*args: object, **options: object) -> None:
        if name != "write_manifest":
            real(*args, **options)
        raise Killed

    before = everything(address)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        patch.setattr(Lease, "give_back", lambda lease: lease._ended.set())  # nobody tidies up after a kill
        with pytest.raises(Killed):
            work(shop, address)
    assert everything(address) == before
    assert STORE_LOCK in keys(address)
    monkeypatch.setattr(leases, "is_running", lambda pid: False)
    work(shop, address)
    assert everything(address) == everything(shop / "twin")
    assert STORE_LOCK not in keys(address)


def test_a_first_store_that_fails_leaves_nothing(s3_bucket: str, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"s3://{s3_bucket}/store"
    (shop / "empty.csv").write_text("id,title\n1,\n")
    with pytest.raises(FeedError, match="none of 1 rows can be kept"):
        prepare_store(shop / "empty.csv", address, **OPTIONS)
    assert keys(address) == []
    with monkeypatch.context() as patch:  # killed: nobody tidies up, and the next one goes over it
        patch.setattr(Lease, "give_back", lambda lease: lease._ended.set())
        patch.setattr(Bucket, "delete_below", lambda bucket, prefix: None)
        patch.setattr(prepare, "write_manifest", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepare_store(shop / "feed.csv", address, **OPTIONS)
    assert "rejects.lance" in store_place(address).names()
    with pytest.raises(StoreError, match=r"no finished store \(no readable store.json\)"):
        Store.open(address)
    monkeypatch.setattr(leases, "is_running", lambda pid: False)
    prepare_store(shop / "next.csv", address, **OPTIONS)
    assert Store.open(address).num_rows == 4


def test_other_objects_are_never_touched(s3_bucket: str, shop: Path) -> None:
    bucket = Bucket(s3_bucket)
    bucket.put("mine/letter.txt", b"dear")
    with pytest.raises(StoreError, match=r"holds letter\.txt, which is no part of a store"):
        prepare_store(shop / "feed.csv", f"s3://{s3_bucket}/mine", **OPTIONS)
    bucket.put("pages/report.html", b"mine")
    with pytest.raises(StoreError, match="holds other objects and no product store"):
        prepare_store(shop / "feed.csv", f"s3://{s3_bucket}/pages", **OPTIONS)
    bucket.put("shop2/x", b"neighbour")
    prepare_store(shop / "feed.csv", f"s3://{s3_bucket}/shop", **OPTIONS)
    delete_listings(f"s3://{s3_bucket}/shop", product_ids=["a"])
    assert [found and found.data for found in map(bucket.get, ("mine/letter.txt", "pages/report.html", "shop2/x"))] == [
        b"dear", b"mine", b"neighbour",
    ]  # fmt: skip


def test_a_second_writer_is_told(address: str, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(leases, "_LOOK_SECONDS", 0.1)
    place = store_place(address)
    with place.only_writer(), pytest.raises(StoreError, match="another eclip is writing this store; wait"):
        update_store(shop / "next.csv", address, remove_missing=False, **OPTIONS)
    assert update_store(shop / "next.csv", address, remove_missing=False, **OPTIONS).new == 1


def test_a_silent_writer_loses_its_right(address: str, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that slept while another took over must not put its manifest over the other's."""
    monkeypatch.setattr(leases, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(leases, "_LOOK_SECONDS", 0.1)
    monkeypatch.setattr(leases, "RENEW_SECONDS", 60.0)
    sleeper = Store.open(address)
    started = time.monotonic()
    with sleeper.changing():
        update_store(shop / "next.csv", address, remove_missing=False, **OPTIONS)
        assert time.monotonic() - started > 0.3
        with pytest.raises(StoreError, match="another eclip took over"):
            sleeper.place.write_text("store.json", "{}")
    assert Store.open(address).num_rows == 5


def test_the_manifest_goes_only_over_the_one_that_was_found(address: str) -> None:
    place = store_place(address)
    assert isinstance(place, BucketPlace)
    with place.only_writer():
        Bucket(place.bucket).put(place.prefix + "store.json", b"{}")
        with pytest.raises(StoreError, match="was changed by another command"):
            place.write_text("store.json", "mine")


def test_a_lease_is_renewed_and_given_back(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    bucket = Bucket(s3_bucket)
    with hold_lease(bucket, "lock", "store"):
        tags = set()
        until = time.monotonic() + 5
        while len(tags) < 3 and time.monotonic() < until:
            found = bucket.get("lock")
            assert found is not None
            tags.add(found.tag)
        assert len(tags) == 3
    assert bucket.get("lock") is None


def test_conditions_are_kept_and_a_repeated_request_counts_once(s3_bucket: str) -> None:
    bucket = Bucket(s3_bucket)
    tag = bucket.put("a", b"one", absent=True)
    assert tag
    assert bucket.put("a", b"one", absent=True) == tag  # as when the first answer was lost
    assert bucket.put("a", b"two", absent=True) is None
    assert bucket.put("a", b"two", tag='"other"') is None
    assert bucket.put("gone", b"two", tag=tag) is None
    assert bucket.put("a", b"two", tag=tag) != tag
    bucket.delete("a", tag=tag)
    assert bucket.get("a") is not None
    bucket.put("b/c", b"")
    bucket.delete_below("a")
    assert bucket.names("") == {"b"}
    assert bucket.num_bytes("") == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("s3:/bucket/store", "give the address as text"),
        ("gs://bucket/store", "other object storage is not supported"),
        ("s3://", "expected s3://bucket/prefix"),
        ("s3://bucket//store", "expected s3://bucket/prefix"),
        ("s3://bucket/../store", "expected s3://bucket/prefix"),
    ],
)
def test_an_address_that_can_not_be_is_told(name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Store.open(name)


def test_places_are_told_apart() -> None:
    assert str(store_place("s3://bucket/a/b/")) == "s3://bucket/a/b"
    assert store_place("s3://bucket").dataset("products.lance") == "s3://bucket/products.lance"
    assert str(store_place(Path("a/b"))) == "a/b"
    assert holds_store("s3://bucket/store")
    assert not holds_store("sqlite:///shop.db")
    assert not holds_store("feed.csv")


def test_a_server_that_can_not_help_is_told_soon(
    s3_bucket: str, shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="no such store; make one with `eclip prepare FEED --store s3://"):
        Store.open(f"s3://{s3_bucket}/nothing")
    with pytest.raises(StoreError, match="s3://no-such-bucket-at-all: there is no such bucket"):
        prepare_store(shop / "feed.csv", "s3://no-such-bucket-at-all/store", **OPTIONS)
    with pytest.raises(StoreError, match="Invalid bucket name"):
        Store.open("s3://B@d/store")
    started = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        with pytest.raises(StoreError, match=r"no answer from http://127.0.0.1:9; check AWS_ENDPOINT_URL"):
            Store.open(f"s3://{s3_bucket}/store")
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "localhost:9000")
        with pytest.raises(StoreError, match="Invalid endpoint"):
            Store.open(f"s3://{s3_bucket}/store")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    from eclip.products.bucket import _client

    _client.cache_clear()  # a process reads its credentials once
    with pytest.raises(StoreError, match="no usable credentials"):
        Store.open(f"s3://{s3_bucket}/store")
    _client.cache_clear()
    assert time.monotonic() - started < 20


def test_only_stores_may_lie_there() -> None:
    with pytest.raises(ConfigError, match=r"--out s3:/bucket/model: only stores may lie in object storage"):
        require_folder("out", Path("s3://bucket/model"))
    with pytest.raises(ConfigError, match="only stores may lie in object storage"):
        require_file("out", Path("s3://bucket/answers.parquet"), suffix=".parquet")
