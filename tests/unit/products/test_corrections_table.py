"""The table of corrections: added to, never lost, and gone with the listings that are deleted on request."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from eclip.products import corrections as corrections_module
from eclip.products.compact import compact_store
from eclip.products.corrections import add_corrections, latest_corrections
from eclip.products.delete import delete_listings
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.products.update import update_store
from eclip.schema import CORRECTIONS_DATASET, CORRECTIONS_SCHEMA
from eclip.tasks.corrections.apply import store_catalogs
from eclip.train.pairs import read_pairs

WHEN = datetime(2026, 11, 23, tzinfo=UTC)


def said(*rows: tuple[str, str, str | None], when: datetime = WHEN) -> pa.Table:
    told = [
        {"product_id": product_id, "field": name, "value": value, "corrected_at": when, "source": "me"}
        for product_id, name, value in rows
    ]
    return pa.Table.from_pylist(told, schema=CORRECTIONS_SCHEMA)


FIRST = said(("1", "category", "Home > Mugs"), ("2", "policy", "adult"))
SECOND = said(("1", "category", "Home > Lamps"), ("99", "attributes.colour", None))
BOTH = {"1": {"category": "Home > Lamps"}, "2": {"policy": "adult"}, "99": {"attributes.colour": None}}


@pytest.fixture
def path(small_store, tmp_path):
    return shutil.copytree(small_store.path, tmp_path / "store")


def test_the_latest_wins_and_all_are_kept(path):
    store = Store.open(path)
    assert store.corrections().num_rows == 0
    add_corrections(store, FIRST)
    add_corrections(store, SECOND)
    assert Store.open(path).corrections().equals(pa.concat_tables([FIRST, SECOND]))
    assert latest_corrections(store.corrections()) == BOTH


def test_what_was_said_last_counts_whenever_it_comes():
    late = said(("1", "category", "late"), when=WHEN + timedelta(hours=1))
    assert latest_corrections(pa.concat_tables([late, FIRST]))["1"] == {"category": "late"}
    assert latest_corrections(pa.concat_tables([FIRST, late, SECOND]))["1"] == {"category": "late"}


def test_training_sees_the_corrected_category(path):
    store = Store.open(path)
    pairs = read_pairs(store, "train")
    ids = store.table(["product_id"])["product_id"].take(pairs.rows[:2]).to_pylist()
    add_corrections(store, said((ids[0], "category", "Home > Mugs"), (ids[1], "category", None)))
    found = read_pairs(store, "train").categories
    assert found[:2] == [("Home", "Mugs"), ()]
    assert found[2:] == pairs.categories[2:]


def test_two_who_opened_the_store_at_once_both_keep_theirs(path):
    one, other = Store.open(path), Store.open(path)
    add_corrections(one, FIRST)
    add_corrections(other, SECOND)
    assert latest_corrections(Store.open(path).corrections()) == BOTH
    assert one.corrections().num_rows == 2  # as it was when he wrote


def test_a_catalog_that_a_person_named_is_the_listings(path):
    """What new listings are assigned to, by `match` and `enrich`, is what people have said."""
    store = Store.open(path)
    before = store_catalogs(store)
    assert before == store.table(["catalog_id"])["catalog_id"].to_pylist()
    ids = store.table(["product_id"])["product_id"].to_pylist()
    add_corrections(
        store, said((ids[0], "catalog_id", "mine"), (ids[1], "catalog_id", None), ("99", "catalog_id", "x"))
    )
    assert store_catalogs(store) == ["mine", None, *before[2:]]


def test_killed_before_the_manifest_nothing_was_said(path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    for rows, expected in ((FIRST, 0), (SECOND, 2)):
        with monkeypatch.context() as patch:
            patch.setattr(corrections_module, "write_manifest", killed)
            with pytest.raises(KeyboardInterrupt):
                add_corrections(Store.open(path), rows)
        assert Store.open(path).corrections().num_rows == expected
        add_corrections(Store.open(path), rows)
    assert latest_corrections(Store.open(path).corrections()) == BOTH


def test_other_writers_keep_them(path, small_store, tmp_path):
    feed = small_store.path.parent / "feed.csv"
    opened = Store.open(path)  # before anybody said anything
    add_corrections(Store.open(path), FIRST)
    with opened.changing():
        assert opened.corrections().num_rows == 2
    compact_store(path)
    assert Store.open(path).corrections().equals(FIRST)
    more = tmp_path / "more.csv"
    more.write_text(feed.read_text() + "new,Another title of words,\n")
    update_store(more, path, remove_missing=False, images=feed.parent)
    assert Store.open(path).num_rows == small_store.num_rows + 1
    assert Store.open(path).corrections().equals(FIRST)
    prepare_store(feed, path, images=None, columns="", category_separator=None)
    assert Store.open(path).corrections().equals(FIRST)


def test_deletion_on_request_takes_what_was_said(path):
    add_corrections(Store.open(path), FIRST)
    add_corrections(Store.open(path), SECOND)
    delete_listings(path, product_ids=["1", "99"])
    assert latest_corrections(Store.open(path).corrections()) == {"2": {"policy": "adult"}}
    for file in (path / CORRECTIONS_DATASET).rglob("*"):
        assert not file.is_file() or b"Home > Lamps" not in file.read_bytes()
