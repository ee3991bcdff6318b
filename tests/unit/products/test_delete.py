"""Deletion on request: nothing of a listing is left in any file; the rest is as it was; it does not come back."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from eclip.commands.delete import delete
from eclip.errors import ConfigError, DiskError, StoreError
from eclip.products import delete as deleting
from eclip.products.compact import compact_store
from eclip.products.delete import DeleteSummary, delete_listings
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.products.update import update_store
from eclip.schema import PRODUCTS_SCHEMA, vectors_schema

# d1 and d3 are one offer; bad rows of the same seller hold his texts too.
FEED = """id,title,image,seller,price,gtin
d1,WALNUTTABLE with drawers,0.png,Harbor Goods,10,4006381333931
listing-0002,CEDARCHAIR&nbsp;of oak,1.png,Harbor Goods,20,
d3,WALNUTTABLE with drawers,0.png,Harbor Goods,10,4006381333931
d4,PLUMSOCK in wool,2.png,Mill and Sons,30,
d4,PLUMSOCK again,2.png,Mill and Sons,30,
d5,LINENSHIRT white,3.png,North Lane,40,
d6,LINENSHIRT&nbsp;blue,4.png,North Lane,40,
,TEALMUG without id,,Harbor Goods,5,
"""
OPTIONS = {"images": None, "columns": "", "category_separator": None}
DIM = 4


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for index in range(5):
        noise = np.random.default_rng(index).integers(0, 255, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{index}.png")
    (tmp_path / "feed.csv").write_text(FEED)
    prepare_store(tmp_path / "feed.csv", tmp_path / "store", **OPTIONS)
    return tmp_path


def files_with(folder: Path, *needles: bytes) -> list[str]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return sorted(file.name for file in files if any(needle in file.read_bytes() for needle in needles))


def rows(store: Path, *columns: str) -> dict[str, list]:
    table = Store.open(store).table(["product_id", *columns]).to_pydict()
    return {key: values for key, *values in zip(*table.values(), strict=True)}


def without(store: Path, ids: Collection[str] = (), sellers: Collection[str] = ()) -> DeleteSummary:
    return delete_listings(store, product_ids=ids, sellers=sellers)


def embedded(store: Path) -> pa.Table:
    opened = Store.open(store)
    ids = opened.table(["product_id"])["product_id"].to_pylist()
    block = (np.arange(len(ids), dtype="f4") + 1)[:, None].repeat(DIM, axis=1)
    opened.write_vectors(pa.table([ids, *[block.tolist()] * 3], schema=vectors_schema(DIM)), model_digest="M")
    return Store.open(store).vectors(model_digest="M")


def test_no_file_of_the_store_holds_what_was_deleted(shop: Path) -> None:
    store = shop / "store"
    vectors = embedded(store)
    (shop / "next.csv").write_text(FEED.replace("CEDARCHAIR&nbsp;of oak", "CEDARCHAIR&nbsp;of beech"))
    update_store(shop / "next.csv", store, remove_missing=False, **OPTIONS)
    (store / "cache").mkdir()
    (store / "cache" / "pretrained.arrow").write_bytes(b"CEDARCHAIR")
    left = shop / ".store.eclip-partial"  # of a run that was killed
    (left / "cache").mkdir(parents=True)
    (left / "cache" / "x").write_bytes(b"CEDARCHAIR")
    chair = (b"CEDARCHAIR", b"Cedarchair", (shop / "1.png").read_bytes(), b"listing-0002")
    assert {"pretrained.arrow", "x", "store.json"} < set(files_with(shop, *chair[:1]))
    assert len(files_with(store / "products.lance", chair[2])) > 1  # old versions too
    summary = without(store, ["listing-0002"])
    assert (summary.deleted, summary.rejects_deleted, summary.not_found, summary.rows_kept) == (1, 0, 0, 5)
    assert summary.freed_bytes > 0
    assert files_with(store, *chair) == []
    assert not left.exists()
    kept = Store.open(store).vectors(model_digest="M")
    assert kept.equals(vectors.filter(pa.compute.not_equal(vectors["product_id"], "listing-0002")))


def test_all_of_a_seller_goes_with_rejected_rows(shop: Path) -> None:
    assert "rejects.lance" in {file.parent.parent.name for file in (shop / "store").rglob("data/*")}
    summary = without(shop / "store", sellers=[" Harbor  Goods "])
    assert (summary.deleted, summary.rejects_deleted, summary.not_found) == (3, 1, 0)
    texts = (b"WALNUTTABLE", b"CEDARCHAIR", b"TEALMUG", b"Harbor Goods", (shop / "0.png").read_bytes())
    assert files_with(shop / "store", *texts) == []
    assert Store.open(shop / "store").rejects()["product_id"].to_pylist() == ["d4"]
    assert list(rows(shop / "store")) == ["d4", "d5", "d6"]


def test_the_rest_is_as_if_the_others_had_never_been(shop: Path) -> None:
    store = shop / "store"
    before = rows(store, "split")
    assert rows(store, "duplicate_of")["d3"] == ["d1"]
    without(store, ["d1", "d5"])
    lines = [line for line in FEED.splitlines() if not line.startswith(("d1", "d5"))]
    (shop / "rest.csv").write_text("\n".join(lines))
    prepare_store(shop / "rest.csv", shop / "fresh", **OPTIONS)
    told = [name for name in PRODUCTS_SCHEMA.names if name != "split"]
    mine, fresh = (Store.open(path).table(told) for path in (store, shop / "fresh"))
    assert mine.equals(fresh)
    assert Store.open(store).digest == Store.open(shop / "fresh").digest
    assert Store.open(store).manifest["summary"]["duplicates"] == 0
    assert rows(store, "split") == {key: before[key] for key in ("listing-0002", "d3", "d4", "d6")}


def test_again_finds_nothing_and_changes_nothing(shop: Path) -> None:
    without(shop / "store", ["d1"], ["Mill and Sons"])
    before = Store.open(shop / "store")
    summary = without(shop / "store", ["d1"], ["Mill and Sons", "Nobody"])
    assert (summary.deleted, summary.rejects_deleted, summary.not_found) == (0, 0, 3)
    assert summary.not_found_examples == ["d1", "Mill and Sons", "Nobody"]
    after = Store.open(shop / "store")
    assert after.digest == before.digest
    assert after.table(PRODUCTS_SCHEMA.names).equals(before.table(PRODUCTS_SCHEMA.names))


def test_what_was_deleted_does_not_come_back(shop: Path) -> None:
    store = shop / "store"
    without(store, ["d6"], ["Harbor Goods"])
    (shop / "next.csv").write_text(FEED + "d9,OCHREBOWL new,,Harbor Goods,4,\nd10,Grey lamp,,North Lane,4,\n")
    summary = update_store(shop / "next.csv", store, remove_missing=False, **OPTIONS)
    assert (summary.new, summary.rejected["deleted on request"]) == (1, 6)
    assert list(rows(store)) == ["d4", "d5", "d10"]
    assert (
        files_with(store, b"WALNUTTABLE", b"OCHREBOWL", b"TEALMUG", b"LINENSHIRT blue", b"&nbsp;blue", b"Harbor Goods")
        == []
    )
    prepare_store(shop / "next.csv", store, **OPTIONS)  # nor by a store of that name made anew
    assert list(rows(store)) == ["d4", "d5", "d10"]
    assert (
        files_with(store, b"WALNUTTABLE", b"OCHREBOWL", b"TEALMUG", b"LINENSHIRT blue", b"&nbsp;blue", b"Harbor Goods")
        == []
    )
    prepare_store(shop / "next.csv", shop / "other", **OPTIONS)
    assert len(rows(shop / "other")) == 8


STEPS = (
    "delete_products",
    "add_whole_feed_columns",
    "compact_rows",
    "describe",
    "_without_rejects",
    "write_manifest",
    "write_store_report",
    "erase_old_versions",
)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_stopped_anywhere_it_is_old_or_new_and_again_finishes(
    shop: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    real: Callable[..., object] = getattr(deleting, step)

    def stopped(*args: object, **options: object) -> None:
        if when == "after":
            real(*args, **options)
        raise OSError("LanceError(IO): No space left on device (os error 28)")

    store = shop / "store"
    before = rows(store, "title", "split", "duplicate_of")
    with monkeypatch.context() as patch:
        patch.setattr(deleting, step, stopped)
        with pytest.raises(DiskError, match="the disk is full"):
            without(store, ["d1"], ["Mill and Sons"])
    is_new = STEPS.index(step) > STEPS.index("write_manifest") or (step, when) == ("write_manifest", "after")
    assert (rows(store, "title", "split", "duplicate_of") == before) is not is_new
    without(store, ["d1"], ["Mill and Sons"])
    assert list(rows(store)) == ["listing-0002", "d3", "d5", "d6"]
    assert rows(store, "duplicate_of")["d3"] == [None]
    assert files_with(store, b"PLUMSOCK", (shop / "2.png").read_bytes()) == []


def test_not_everything_can_be_deleted(shop: Path) -> None:
    with pytest.raises(StoreError, match="every listing of the store; remove the store"):
        without(shop / "store", sellers=["Harbor Goods", "Mill and Sons", "North Lane"])
    assert len(rows(shop / "store")) == 6


def test_the_command_reads_ids_from_words_and_files(shop: Path) -> None:
    (shop / "ids.txt").write_text("\ufeffd5\r\n\r\n d6 \nd5\n")
    assert delete(shop / "store", ids=f"@{shop / 'ids.txt'}").deleted == 2
    assert delete(shop / "store", ids="d1, listing-0002,gone").not_found_examples == ["gone"]
    with pytest.raises(ConfigError, match="nothing to delete"):
        delete(shop / "store")
    with pytest.raises(ConfigError, match="holds no id"):
        delete(shop / "store", ids=" , ")
    with pytest.raises(ConfigError, match="can't be read"):
        delete(shop / "store", ids="@nowhere.txt")


def test_compacting_changes_nothing_but_the_size(shop: Path) -> None:
    store = shop / "store"
    embedded(store)
    for price in range(3):
        (shop / "next.csv").write_text(FEED.replace("LINENSHIRT white,3.png,North Lane,40", f"X,,Y,{price}"))
        update_store(shop / "next.csv", store, remove_missing=False, **OPTIONS)
    before = Store.open(store)
    names = before.column_names
    told, pictures, rejects = before.table(names), before.images(range(6)), before.rejects()
    summary = compact_store(store)
    assert summary.fragments_before > summary.fragments == 1
    assert 0 < summary.num_bytes < summary.num_bytes + summary.freed_bytes
    assert summary.num_bytes == sum(f.stat().st_size for f in store.rglob("*") if f.is_file())
    after = Store.open(store)
    assert after.table(names).equals(told)
    assert after.images(range(6)) == pictures
    assert after.rejects().equals(rejects)
    same = {key: after.manifest[key] for key in before.manifest if "version" not in key}
    assert same == {key: before.manifest[key] for key in same}
    assert compact_store(store).fragments == 1
    assert Store.open(store).table(names).equals(told)
    assert Store.open(store).conflicts().num_rows == 0


def test_only_one_writes(shop: Path) -> None:
    from eclip.products.writelock import only_writer

    if os.name == "posix":
        with only_writer(shop / "store"), pytest.raises(StoreError, match="another eclip is writing"):
            compact_store(shop / "store")


def test_rejects_of_an_update_whose_feed_has_other_columns_go_too(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("id,title,seller\n1,Red shoe,Harbor\n2,Blue hat,North\n")
    (tmp_path / "next.csv").write_text(
        "sku,name,shop\n1,Red boot,Harbor\n2,Blue hat,North\n,TEALMUG without id,Harbor\n"
    )
    prepare_store(tmp_path / "feed.csv", tmp_path / "store")
    columns = "product_id=sku,title=name,seller=shop"
    update_store(tmp_path / "next.csv", tmp_path / "store", remove_missing=False, columns=columns)
    assert without(tmp_path / "store", sellers=["Harbor"]).rejects_deleted == 1
    assert files_with(tmp_path / "store", b"TEALMUG") == []
