"""Updates: what is new, changed, unchanged, gone; whole or not there; vectors and splits that stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from eclip.errors import DiskError, FeedError, StoreError
from eclip.products import update
from eclip.products.dataset import open_dataset
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.products.update import UpdateSummary, update_store
from eclip.schema import EMBEDDING_COLUMNS, vectors_schema

FIRST = """id,title,image,price
a,Red shoe,a.png,10
b,"Blue hat, wool",b.png,20
c,Green sock,c.png,30
o'd,Yellow glove,,40
"""
# b: other price; c: other title; o'd is gone; e is new.
SECOND = """id,title,image,price
a,Red shoe,a.png,10
b,"Blue hat, wool",b.png,25
c,Green socks,c.png,30
e,White shirt,e.png,50
"""
DIM = 4


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for index, name in enumerate("abce"):
        Image.new("RGB", (20, 20), (index * 60, 0, 0)).save(tmp_path / f"{name}.png")
    (tmp_path / "feed.csv").write_text(FIRST)
    (tmp_path / "next.csv").write_text(SECOND)
    prepare_store(tmp_path / "feed.csv", tmp_path / "store", images=None, columns="", category_separator=None)
    return tmp_path


def merge(shop: Path, feed: str = "next.csv", *, remove_missing: bool = False) -> UpdateSummary:
    options = {"images": None, "columns": "", "category_separator": None}
    return update_store(shop / feed, shop / "store", remove_missing=remove_missing, **options)


def counts(summary: UpdateSummary) -> tuple[int, ...]:
    return (summary.new, summary.changed, summary.unchanged, summary.removed, summary.missing)


def rows(store: Path, *columns: str) -> dict[str, tuple]:
    table = Store.open(store).table(["product_id", *columns]).to_pydict()
    return {key: values for key, *values in zip(*table.values(), strict=True)}


def vectors(ids: list[str], start: float) -> pa.Table:
    block = (start + np.arange(len(ids), dtype="f4"))[:, None].repeat(DIM, axis=1)
    return pa.table([ids, *[block.tolist()] * 3], schema=vectors_schema(DIM))


def test_what_changed_is_told_and_stored(shop: Path) -> None:
    summary = merge(shop)
    assert counts(summary) == (1, 2, 1, 0, 1)
    assert summary.rows_kept == 5
    found = rows(shop / "store", "title", "price")
    assert found == {
        "a": ["Red shoe", 10],
        "b": ["Blue hat, wool", 25],
        "c": ["Green socks", 30],
        "o'd": ["Yellow glove", 40],
        "e": ["White shirt", 50],
    }
    store = Store.open(shop / "store")
    order = store.table(["product_id"])["product_id"].to_pylist()
    pictures = dict(zip(order, store.images(range(5)), strict=True))
    assert pictures == {
        name: (shop / f"{name}.png").read_bytes() if len(name) == 1 else None for name in ("a", "b", "c", "o'd", "e")
    }
    assert store.manifest["summary"]["pictures"] == 4


def test_listings_that_are_gone_are_removed_when_asked(shop: Path) -> None:
    assert counts(merge(shop, remove_missing=True)) == (1, 2, 1, 1, 0)
    assert set(rows(shop / "store")) == {"a", "b", "c", "e"}


def test_the_same_feed_again_changes_nothing(shop: Path) -> None:
    merge(shop)
    before = Store.open(shop / "store").manifest
    assert counts(merge(shop)) == (0, 0, 4, 0, 1)
    after = Store.open(shop / "store").manifest
    assert [after[key] for key in ("digest", "dataset_version")] == [
        before[key] for key in ("digest", "dataset_version")
    ]


def test_an_update_comes_to_what_a_fresh_store_holds(shop: Path) -> None:
    merge(shop, remove_missing=True)
    prepare_store(shop / "next.csv", shop / "fresh", images=None, columns="", category_separator=None)
    told = ("listing_hash", "title", "image_hash", "catalog_id", "duplicate_of", "split")
    assert rows(shop / "store", *told) == rows(shop / "fresh", *told)


def test_listings_keep_their_split(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(shop / "store", "split")
    monkeypatch.setattr("eclip.products.split.split_of", lambda name: "elsewhere")  # whatever a hash would say now
    merge(shop)
    after = rows(shop / "store", "split")
    assert {key: after[key] for key in before} == before
    assert after["e"] == ["elsewhere"]


def test_vectors_of_what_a_model_would_see_alike_stay(shop: Path) -> None:
    store = Store.open(shop / "store")
    store.write_vectors(vectors(["a", "b", "c", "o'd"], 1.0), model_digest="M")
    summary = merge(shop)
    assert summary.without_vectors == 2
    updated = Store.open(shop / "store")
    assert updated.vectors_digest is None
    with pytest.raises(StoreError, match="came by an update have no vectors yet; run `eclip embed"):
        updated.vectors(model_digest="M")
    ids = updated.table(["product_id"])["product_id"].to_pylist()
    assert [ids[row] for row in updated.rows_without_vectors("M")] == ["c", "e"]  # c has another title
    assert updated.rows_without_vectors("another") == [0, 1, 2, 3, 4]
    updated.write_vectors(vectors(["e", "c"], 8.0), model_digest="M")
    table = Store.open(shop / "store").vectors(model_digest="M")
    found = {key: value[0] for key, value in zip(ids, table[EMBEDDING_COLUMNS[0]].to_pylist(), strict=True)}
    assert found == {"a": 1.0, "b": 2.0, "o'd": 4.0, "e": 8.0, "c": 9.0}


def test_a_listing_that_came_and_went_leaves_no_vectors_missing(shop: Path) -> None:
    store = Store.open(shop / "store")
    store.write_vectors(vectors(["a", "b", "c", "o'd"], 1.0), model_digest="M")
    (shop / "more.csv").write_text(FIRST + "f,Pink scarf,,5\n")
    assert merge(shop, "more.csv").without_vectors == 1
    assert Store.open(shop / "store").vectors_digest is None
    summary = merge(shop, "feed.csv", remove_missing=True)
    assert (summary.removed, summary.without_vectors) == (1, 0)
    assert Store.open(shop / "store").vectors(model_digest="M").num_rows == 4


def test_counts_of_the_store_follow_an_update(shop: Path) -> None:
    merge(shop)
    summary = Store.open(shop / "store").manifest["summary"]
    assert (summary["rows_kept"], summary["titles"], summary["pictures"], summary["loss_groups"]) == (5, 5, 4, 5)
    assert sum(summary["splits"].values()) == 5
    assert summary["rows_read"] == 4  # of the last feed


def test_what_a_killed_write_left_in_the_store_is_its_own(shop: Path) -> None:
    (shop / "store" / ".report.html.999999999.partial").write_text("half")
    prepare_store(shop / "next.csv", shop / "store", images=None, columns="", category_separator=None)
    assert Store.open(shop / "store").num_rows == 4


STEPS: dict[str, tuple[object, str]] = {
    "staging": (update, "_stage_changes"),
    "deleting": (update, "delete_products"),
    "appending": (update, "append_rows"),
    "second pass": (update, "add_whole_feed_columns"),
    "describing": (update, "describe"),
    "manifest": (update, "write_manifest"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stopped_update_keeps_the_old_store_and_the_next_one_is_whole(
    shop: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    owner, name = STEPS[step]
    real: Callable[..., object] = getattr(owner, name)

    def stopped(*args: object, **options: object) -> None:
        if when == "after":
            real(*args, **options)
        raise OSError("LanceError(IO): No space left on device (os error 28)")

    before = rows(shop / "store", "title", "price", "split")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, stopped)
        with pytest.raises(DiskError, match="the disk is full"):
            merge(shop)
    if (step, when) != ("manifest", "after"):
        assert rows(shop / "store", "title", "price", "split") == before
    assert not (shop / "store" / "incoming").exists()
    merge(shop)
    disturbed = Store.open(shop / "store")
    (shop / "other").mkdir()
    prepare_store(shop / "feed.csv", shop / "other" / "store", images=None, columns="", category_separator=None)
    update_store(
        shop / "next.csv", shop / "other" / "store",
        images=None, columns="", category_separator=None, remove_missing=False,
    )  # fmt: skip
    undisturbed = Store.open(shop / "other" / "store")
    assert disturbed.digest == undisturbed.digest
    assert disturbed.table(["product_id", "title", "split"]).equals(undisturbed.table(["product_id", "title", "split"]))


def test_rows_that_another_wrote_at_the_same_time_are_told(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = update.append_rows

    def twice(address: str, rows: pa.Table) -> None:
        real(address, rows)
        real(address, rows)  # as of a writer that had slept through its lease

    before = rows(shop / "store", "title", "split")
    monkeypatch.setattr(update, "append_rows", twice)
    with pytest.raises(StoreError, match="has 8 rows, not the 5 that were written: another command wrote it"):
        merge(shop)
    assert rows(shop / "store", "title", "split") == before


def test_a_feed_that_lost_a_column_is_refused(shop: Path) -> None:
    (shop / "next.csv").write_text("id,title\na,Red shoe\n")
    with pytest.raises(FeedError, match="has no column for image, price, which the store was made with"):
        merge(shop)
    options = {"images": None, "columns": "image=,price=", "category_separator": None}
    summary = update_store(shop / "next.csv", shop / "store", remove_missing=False, **options)
    assert (summary.changed, summary.missing) == (1, 3)


def test_rows_without_ids_take_no_others_place(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("title\nRed shoe\nBlue hat\n")
    (tmp_path / "next.csv").write_text("title\nGreen sock\n")
    (tmp_path / "longer.csv").write_text("title\nRed shoe\nBlue hat\nGreen sock\n")
    prepare_store(tmp_path / "feed.csv", tmp_path / "store")
    with pytest.raises(FeedError, match=r"no column of ids, and its row 1 is another.*--columns product_id=COLUMN"):
        update_store(tmp_path / "next.csv", tmp_path / "store", remove_missing=False)
    assert rows(tmp_path / "store", "title") == {"1": ["Red shoe"], "2": ["Blue hat"]}
    summary = update_store(tmp_path / "longer.csv", tmp_path / "store", remove_missing=False)
    assert counts(summary) == (1, 0, 2, 0, 0)


def test_without_a_store_there_is_nothing_to_update(shop: Path) -> None:
    with pytest.raises(StoreError, match="no such store; make one with `eclip prepare"):
        update_store(
            shop / "next.csv", shop / "gone", images=None, columns="", category_separator=None, remove_missing=False
        )


def test_many_versions_of_a_killed_update_do_not_push_out_the_store(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eclip.products.dataset._KEEP_OLD_FOR", timedelta(0))
    monkeypatch.setattr("eclip.products.dataset._KEEP_OLD_VERSIONS", 1)
    before = rows(shop / "store", "title", "split")
    with monkeypatch.context() as context:
        context.setattr(update, "write_manifest", interrupt)
        with pytest.raises(KeyboardInterrupt):
            merge(shop)
    dataset = open_dataset(shop / "store" / "products.lance")
    assert dataset.version > Store.open(shop / "store").manifest["dataset_version"] + 1
    assert counts(merge(shop, "feed.csv")) == (0, 0, 4, 0, 0)  # changes nothing, and tidies up
    assert rows(shop / "store", "title", "split") == before
    assert Store.open(shop / "store").conflicts().num_rows == 0
    assert counts(merge(shop)) == (1, 2, 1, 0, 1)


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "line",
    [
        "c,,gone.png,30",  # neither title nor picture today
        "c,Green sock, long,c.png,30",  # a comma without quotes
        'c,"Green sock,c.png,30',  # a quote that is never closed
        "c,Green",
    ],
)
@pytest.mark.parametrize("remove_missing", [True, False])
def test_a_listing_whose_row_is_broken_today_is_not_gone(shop: Path, line: str, *, remove_missing: bool) -> None:
    before = rows(shop / "store", "title", "price", "split")["c"]
    (shop / "broken.csv").write_text(f"id,title,image,price\na,Red shoe,a.png,10\n{line}\ne,White shirt,e.png,50\n")
    summary = merge(shop, "broken.csv", remove_missing=remove_missing)
    gone = (2, 0) if remove_missing else (0, 2)
    assert (*counts(summary), summary.rejected_but_kept) == (1, 0, 1, *gone, 1)
    assert sum(summary.rejected.values()) == 1
    assert rows(shop / "store", "title", "price", "split")["c"] == before


def test_a_broken_row_beside_a_whole_one_of_its_id_holds_nothing(shop: Path) -> None:
    (shop / "twice.csv").write_text(f"{FIRST}c,Green sock, long,c.png,30\n")
    assert (*counts(merge(shop, "twice.csv", remove_missing=True)),) == (0, 0, 4, 0, 0)


def test_broken_rows_in_several_files_tell_their_ids_too(shop: Path) -> None:
    (shop / "days").mkdir()
    head = "id,title,image,price\n"
    (shop / "days" / "1.csv").write_text(f"{head}a,Red shoe,../a.png,10\nc,Green sock, long,../c.png,30\n")
    (shop / "days" / "2.csv").write_text(f"{head}o'd,Yellow glove,,40\n")
    summary = merge(shop, "days", remove_missing=True)
    assert (summary.removed, summary.rejected_but_kept) == (1, 1)
    assert "c" in rows(shop / "store")


def test_of_a_broken_row_nothing_is_kept_but_whose_it_is(shop: Path) -> None:
    text = 'id,title,seller\na,Red shoe,North\nb,Blue hat, secret,South\nc,"Green,East\n'
    (shop / "sellers.csv").write_text(text)
    prepare_store(shop / "sellers.csv", shop / "other")
    rejects = Store.open(shop / "other").rejects().to_pylist()
    assert [(row["product_id"], row["raw"]) for row in rejects] == [
        ("b", '{"id": "b", "seller": "secret"}'),
        ("c", '{"id": "c"}'),
    ]


def test_a_broken_row_of_a_feed_without_ids_is_told_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("title\nRed shoe\nBlue hat\nGreen sock\n")
    (tmp_path / "next.csv").write_text("title\nRed shoe\nBlue, hat\n")
    prepare_store(tmp_path / "feed.csv", tmp_path / "store")
    summary = update_store(tmp_path / "next.csv", tmp_path / "store", remove_missing=True)
    assert (summary.rejected_but_kept, summary.removed, set(rows(tmp_path / "store"))) == (1, 1, {"1", "2"})


@pytest.mark.parametrize(
    "line",
    [
        '{"title": "Blue", "id": 7, "price": "1',
        '{"id": 7, "title": Blue}',
        '{"id":7,"x":{"id":8},}',
        '{"id":7,"x":"' + '\\"' * 50_000,  # looked at once, not once from each quote
    ],
)
def test_the_id_of_a_broken_json_line_is_found(tmp_path: Path, line: str) -> None:
    whole = '{"id": 6, "title": "Red shoe"}\n'
    (tmp_path / "feed.jsonl").write_text(whole + '{"id": 7, "title": "Blue hat"}\n')
    (tmp_path / "next.jsonl").write_text(whole + line)
    prepare_store(tmp_path / "feed.jsonl", tmp_path / "store")
    summary = update_store(tmp_path / "next.jsonl", tmp_path / "store", remove_missing=True)
    assert (summary.rejected_but_kept, summary.removed) == (1, 0)
