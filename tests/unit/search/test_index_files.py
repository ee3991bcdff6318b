"""`eclip index`: what lies beside a store, read back, extended after an update, refused, deleted."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pyarrow as pa
import pytest

from eclip.errors import StoreError
from eclip.products.delete import delete_listings
from eclip.products.place import store_place
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.products.update import update_store
from eclip.schema import EMBEDDING_COLUMNS, INDEX_VERSION, STORE_INDEX_POINTER
from eclip.search import building as building_module
from eclip.search.building import build_index
from eclip.search.engine import SearchEngine
from eclip.search.indexfiles import read_index
from eclip.search.opening import open_engine
from eclip.search.query import Filters, Query
from eclip.vectors import vectors_to_arrow

pytest.importorskip("faiss", reason="faiss is not installed: pip install 'eclip[search]'")

D = 16
COLOURS = ("red", "blue", "green", "grey")


def vector_of(text: str) -> np.ndarray:
    """A fixed direction for every text."""
    rng = np.random.default_rng(list(text.encode()))
    centre = np.random.default_rng(len(text) % 7).standard_normal(D)
    vector = (centre + 0.6 * rng.standard_normal(D)).astype(np.float32)
    return vector / np.linalg.norm(vector)


class Encoder:
    digest = "m1"

    def encode_text(self, texts):
        return np.stack([vector_of(text) for text in texts])


def feed(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "brand"])
        writer.writerows([f"p{row}", f"{COLOURS[row % 4]} thing number {row}", f"brand{row % 3}"] for row in rows)
    return path


def embed(store: Store) -> Store:
    rows = store.rows_without_vectors("m1")
    table = store.table(["product_id", "title"]).take(rows)
    vectors = vectors_to_arrow(np.stack([vector_of(title) for title in table["title"].to_pylist()]))
    bare = pa.nulls(len(rows), vectors.type)
    columns = dict(zip(EMBEDDING_COLUMNS, (bare, vectors, vectors), strict=True))
    store.write_vectors(pa.table({"product_id": table["product_id"]} | columns), model_digest="m1")
    return store


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("indexed")
    rows = feed(folder / "feed.csv", range(240))
    prepare_store(rows, folder / "store", images=None, columns="", category_separator=None)
    embed(Store.open(folder / "store"))
    return folder / "store"


@pytest.fixture
def store(made, tmp_path) -> Store:
    shutil.copytree(made, tmp_path / "store")
    return Store.open(tmp_path / "store")


def answers(engine: SearchEngine, ranking="hybrid") -> list[list[str]]:
    queries = [
        Query(text="red thing", ranking=ranking, top_k=8),
        Query(text="grey thing number 7", ranking=ranking, top_k=8, filters=Filters(brands=("brand1",))),
    ]
    return [[hit.product_id for hit in engine.search(query).hits] for query in queries]


@pytest.mark.parametrize(("kind", "state"), [("ivf", "approximate"), ("disk", "approximate, on disk")])
def test_an_index_answers_as_the_exact_engine(store, kind, state):
    assert open_engine(store, Encoder()).index_state == "exact"
    summary = build_index(store, "m1", kind=kind)
    assert (summary.kind, summary.rows, summary.rows_changed) == (kind, 240, None)
    assert min(summary.recall_products, summary.recall_pictures) > 0.95
    opened = open_engine(Store.open(store.place.path), Encoder())
    assert opened.index_state == state
    exact = SearchEngine(store, Encoder())
    for ranking in ("vectors", "words", "hybrid"):
        for found, expected in zip(answers(opened, ranking), answers(exact, ranking), strict=True):
            assert len(set(found) & set(expected)) >= 7


def test_small_stores_get_words_alone(store):
    summary = build_index(store, "m1")
    assert (summary.kind, summary.recall_products) == ("exact", None)
    opened = open_engine(store, Encoder())
    assert opened.index_state == "exact"
    assert answers(opened) == answers(SearchEngine(store, Encoder()))


def test_after_an_update_the_index_follows_and_is_extended(store, tmp_path):
    build_index(store, "m1", kind="ivf")
    first = read_index(store.place).facts["folder"]
    update_store(feed(tmp_path / "more.csv", range(230, 260)), store.place.path, remove_missing=False)
    later = embed(Store.open(store.place.path))
    opened = open_engine(later, Encoder())
    assert opened.index_state == "approximate, 20 rows changed since it was made"
    exact = SearchEngine(later, Encoder())
    for found, expected in zip(answers(opened, "vectors"), answers(exact, "vectors"), strict=True):
        assert len(set(found) & set(expected)) >= 7
    (hit,) = opened.search(Query(text="green thing number 258", ranking="vectors", top_k=1)).hits
    assert hit.product_id == "p258"
    summary = build_index(later, "m1", kind="ivf")
    assert summary.rows_changed == 20
    assert answers(open_engine(later, Encoder())) == answers(opened)
    second = read_index(later.place).facts["folder"]
    assert later.place.names_in("index") == {"index.json", first, second}
    shutil.copytree(store.place.path / "index" / second, store.place.path / "index" / "left-by-a-kill")
    build_index(later, "m1", kind="ivf")
    third = read_index(later.place).facts["folder"]
    assert later.place.names_in("index") == {"index.json", second, third}, "only the one before stays"


@pytest.mark.slow
def test_an_index_on_disk_follows_and_is_made_anew(store, tmp_path):
    build_index(store, "m1", kind="disk")
    update_store(feed(tmp_path / "more.csv", range(230, 260)), store.place.path, remove_missing=False)
    later = embed(Store.open(store.place.path))
    opened = open_engine(later, Encoder())
    assert opened.index_state == "approximate, on disk, 20 rows changed since it was made"
    (hit,) = opened.search(Query(text="green thing number 258", ranking="vectors", top_k=1)).hits
    assert hit.product_id == "p258"
    (store.place.path / "index" / "left-by-a-killed-run").mkdir()
    summary = build_index(later, "m1")
    assert (summary.kind, summary.rows_changed) == ("disk", None)
    assert answers(open_engine(later, Encoder()), "vectors") == answers(opened, "vectors")
    assert len(list((store.place.path / "index").iterdir())) == 3, "the pointer, this one and the one before"
    assert build_index(later, "m1", kind="ivf").rows_changed is None


@pytest.mark.slow
def test_of_two_that_make_an_index_on_disk_at_once_the_later_is_told(store, monkeypatch):
    real = building_module.write_index

    def after_another(*arguments):
        monkeypatch.setattr(building_module, "write_index", real)
        build_index(store, "m1", kind="disk")
        real(*arguments)

    monkeypatch.setattr(building_module, "write_index", after_another)
    with pytest.raises(StoreError, match="another `eclip index` ended meanwhile"):
        build_index(store, "m1", kind="disk")
    assert open_engine(store, Encoder()).index_state == "approximate, on disk"


def test_too_much_change_makes_it_anew(store, tmp_path):
    build_index(store, "m1", kind="ivf")
    update_store(feed(tmp_path / "more.csv", range(200, 500)), store.place.path, remove_missing=False)
    later = embed(Store.open(store.place.path))
    assert open_engine(later, Encoder()).index_state == "exact"
    assert build_index(later, "m1", kind="ivf").rows_changed is None


def test_a_poor_index_is_refused(store, monkeypatch):
    monkeypatch.setattr(building_module, "LEAST_RECALL", 1.01)
    summary = build_index(store, "m1", kind="ivf")
    assert summary.kind == "exact"
    assert "exact search stays" in summary.refused
    assert open_engine(store, Encoder()).index_state == "exact"


def test_a_missing_or_damaged_file_is_told_in_one_line(store):
    build_index(store, "m1", kind="ivf")
    folder = store.place.path / "index" / read_index(store.place).facts["folder"]
    (folder / "rows.safetensors").write_bytes(b"rubbish")
    with pytest.raises(StoreError, match="eclip index"):
        open_engine(store, Encoder())
    (folder / "rows.safetensors").unlink()
    with pytest.raises(StoreError, match="missing"):
        open_engine(store, Encoder())
    (store.place.path / "index" / "index.json").write_text("{")
    assert open_engine(store, Encoder()).index_state == "exact"


def test_deletion_takes_the_index_too(store):
    build_index(store, "m1", kind="ivf")
    delete_listings(store.place.path, product_ids=["p3"])
    assert not (store.place.path / "index").exists()
    assert open_engine(Store.open(store.place.path), Encoder()).index_state == "exact"


@pytest.mark.parametrize("change", [{"folder": "../../x"}, {"folder": 3}, {"folder": "."}])
def test_a_store_of_strangers_names_no_folder_outside_of_it(tmp_path, change):
    facts = {"version": INDEX_VERSION, "folder": "0" * 16}
    place = store_place(tmp_path)
    place.write_text(STORE_INDEX_POINTER, json.dumps(facts))
    assert read_index(place) is not None
    place.write_text(STORE_INDEX_POINTER, json.dumps(facts | change))
    assert read_index(place) is None
