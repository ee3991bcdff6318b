from __future__ import annotations

import threading

import numpy as np
import pytest
from fastapi import HTTPException

from eclip.products.store import Store
from eclip.serve.live import Snapshot
from eclip.serve.map import ShopMap, evenly_drawn, neighbour_places, principal_components
from eclip.vectors import vectors_to_arrow


def clusters(num_each, num_clusters=5, dim=16):
    rng = np.random.default_rng(3)
    centres = 4 * rng.normal(size=(num_clusters, dim))
    kinds = np.tile(np.arange(num_clusters), num_each)
    rows = centres[kinds] + rng.normal(size=(len(kinds), dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), kinds


def test_principal_components_are_those_of_a_singular_value_decomposition():
    rows, _ = clusters(30)
    centred = rows - rows.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    places = principal_components(rows, 3)
    np.testing.assert_allclose(np.abs(places), np.abs(left[:, :3] * strengths[:3]), atol=2e-5)


@pytest.mark.parametrize("num_rows", [0, 1, 2])
def test_few_rows_have_places_too(num_rows):
    places = neighbour_places(np.eye(3, dtype=np.float32)[:num_rows])
    assert places.shape == (num_rows, 2)
    assert np.isfinite(places).all()


def test_alike_products_lie_together_and_landmarks_place_the_others(monkeypatch):
    monkeypatch.setattr("eclip.serve.map.MAX_LANDMARKS", 120)
    rows, kinds = clusters(60)
    places = neighbour_places(rows)
    assert np.isfinite(places).all()
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1)[:, :5]
    assert (kinds[nearest] == kinds[:, None]).mean() > 0.95
    np.testing.assert_array_equal(places, neighbour_places(rows))  # the same store, the same map


@pytest.fixture(scope="module")
def drawn_store(small_store, tmp_path_factory):
    """A copy of the small store with vectors; three listings without any."""
    import shutil

    import pyarrow as pa

    folder = tmp_path_factory.mktemp("map") / "store"
    shutil.copytree(small_store.path, folder)
    store = Store.open(folder)
    rows = np.random.default_rng(0).normal(size=(store.num_rows, 8)).astype(np.float32)
    rows[:3] = np.nan
    ids = store.table(["product_id"])["product_id"]
    names = ("image_embedding", "text_embedding", "product_embedding")
    store.write_vectors(
        pa.table({"product_id": ids, **{name: vectors_to_arrow(rows) for name in names}}), model_digest="m"
    )
    return store


def test_products_are_drawn_evenly_and_only_with_vectors(drawn_store):
    assert len(evenly_drawn(drawn_store).product_ids) == drawn_store.num_rows - 3
    few = evenly_drawn(drawn_store, most=10)
    ids = drawn_store.table(["product_id"])["product_id"].to_pylist()
    steps = np.diff([ids.index(each) for each in few.product_ids])
    assert set(steps) <= {5, 6}
    np.testing.assert_allclose(np.linalg.norm(few.vectors, axis=1), 1, atol=1e-6)


def test_the_plain_map_comes_at_once_and_the_better_one_later(drawn_store):
    begun, may_end = threading.Event(), threading.Event()

    def draw(vectors):
        begun.set()
        assert may_end.wait(10)
        return np.full((len(vectors), 2), 7, np.float32)

    shop_map = ShopMap(draw_better=draw)
    snapshot = Snapshot(engine=None, store=drawn_store)
    first = shop_map.answer(snapshot)
    assert (first.method, first.final) == ("pca", False)
    assert len(first.points) == drawn_store.num_rows - 3
    assert begun.wait(10)
    may_end.set()
    for _ in range(200):
        if (last := shop_map.answer(snapshot)).final:
            break
        threading.Event().wait(0.02)
    assert last.method == "tsne"
    assert {(point.x, point.y) for point in last.points} == {(7, 7)}
    assert all(point.title.startswith("Product number") for point in last.points)


def test_the_plain_map_stays_where_a_better_one_fails(drawn_store, caplog):
    def draw(_vectors):
        raise ArithmeticError("a numerical accident")

    shop_map = ShopMap(draw_better=draw)
    snapshot = Snapshot(engine=None, store=drawn_store)
    for _ in range(200):
        if (last := shop_map.answer(snapshot)).final:
            break
        threading.Event().wait(0.02)
    assert (last.method, last.final) == ("pca", True)
    assert "numerical accident" in caplog.text


def test_without_a_store_there_is_no_map():
    with pytest.raises(HTTPException, match="no map"):
        ShopMap().answer(Snapshot(engine=None))
