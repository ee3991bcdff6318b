from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from eclip.errors import DiskError, StoreError
from eclip.products.manifest import REQUIRED_KEYS
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.schema import vectors_schema

ROWS = 7


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Seven listings in several fragments; the fourth has no picture."""
    monkeypatch.setattr("eclip.products.accept._BATCH_ROWS", 2)
    monkeypatch.setattr("eclip.products.dataset._WRITE_BYTES", 1)
    for index in range(ROWS):
        Image.new("RGB", (20, 20), (index * 30, 0, 0)).save(tmp_path / f"{index}.png")
    (tmp_path / "3.png").unlink()
    lines = [f"p{index},Title {index},{index}.png" for index in range(ROWS)]
    (tmp_path / "f.csv").write_text("id,title,image\n" + "\n".join(lines))
    path = tmp_path / "store"
    prepare_store(tmp_path / "f.csv", path, images=None, columns="", category_separator=None)
    return Store.open(path)


def vectors(dim: int, *, seed: int, ids: list[str] | None = None) -> pa.Table:
    ids = ids if ids is not None else [f"p{index}" for index in range(ROWS)]
    draw = np.random.default_rng(seed)
    columns: list[list[object]] = [draw.normal(size=(len(ids), dim)).astype("f4").tolist() for _ in range(3)]
    if ids:
        columns[0][-1] = None
    return pa.table([ids, *columns], schema=vectors_schema(dim))


def test_pictures_by_position_in_any_order(store: Store, tmp_path: Path) -> None:
    files = [tmp_path / f"{index}.png" for index in (5, 0, 5, 6)]
    expected: list[bytes | None] = [file.read_bytes() for file in files]
    assert store.images([5, 0, 5, 6, 3]) == [*expected, None]
    assert store.images([]) == []
    with pytest.raises(StoreError, match="row 7 is outside"):
        store.images([7])
    with pytest.raises(StoreError, match="row -1 is outside"):
        store.images([-1])


def test_an_unknown_column_is_named(store: Store) -> None:
    with pytest.raises(StoreError, match="no column colour"):
        store.table(["title", "colour"])


def test_vectors_come_back_in_the_order_of_the_store(store: Store) -> None:
    with pytest.raises(StoreError, match="run `eclip embed"):
        store.vectors(model_digest=None)
    shuffled = vectors(4, seed=0).take([3, 1, 0, 6, 5, 4, 2])
    store.write_vectors(shuffled, model_digest="A")
    assert store.vectors(model_digest="A").equals(vectors(4, seed=0))
    assert store.vectors(model_digest=None).num_rows == ROWS
    with pytest.raises(StoreError, match=r"of another model \(A\); run `eclip embed"):
        store.vectors(model_digest="B")


def test_vectors_of_another_length_replace_the_old_ones(store: Store) -> None:
    store.write_vectors(vectors(4, seed=0), model_digest="A")
    before = Store.open(store.path)
    store.write_vectors(vectors(6, seed=1), model_digest="B")
    after = Store.open(store.path)
    assert after.vectors(model_digest="B").equals(vectors(6, seed=1))
    assert before.vectors(model_digest="A").equals(vectors(4, seed=0))  # who opened it earlier reads on
    assert after.table(["title", "split"]).num_rows == ROWS
    assert len(after.images([0, 6])) == 2


@pytest.mark.parametrize("at", ["drop_columns", "add_columns", "manifest"])
def test_a_failed_write_of_vectors_keeps_the_old_ones(store: Store, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    import lance

    store.write_vectors(vectors(4, seed=0), model_digest="A")

    def fail(*args: object, **options: object) -> None:
        raise OSError("LanceError(IO): No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        if at == "manifest":
            patch.setattr("eclip.products.store.write_manifest", fail)
        else:
            patch.setattr(lance.LanceDataset, at, fail)
        with pytest.raises(DiskError, match="the disk is full"):
            store.write_vectors(vectors(6, seed=1), model_digest="B")
    for opened in (store, Store.open(store.path)):
        assert opened.vectors(model_digest="A").equals(vectors(4, seed=0))
    store.write_vectors(vectors(6, seed=1), model_digest="B")
    assert Store.open(store.path).vectors(model_digest="B").equals(vectors(6, seed=1))


def test_one_writer_at_a_time_and_none_on_what_has_changed(store: Store) -> None:
    early = Store.open(store.path)
    with store.changing(), pytest.raises(StoreError, match="another eclip is writing this store"):
        early.write_vectors(vectors(4, seed=0), model_digest="A")
    store.write_vectors(vectors(4, seed=0), model_digest="A")
    early.manifest = {
        **early.manifest,
        "dataset_version": store.manifest["dataset_version"],
        "digest": "of another feed",
    }
    with pytest.raises(StoreError, match="was changed by another command meanwhile"):
        early.write_vectors(vectors(4, seed=1), model_digest="B")
    with pytest.raises(StoreError, match="was changed by another command meanwhile"):
        early.write_vectors(vectors(4, seed=1), model_digest="B")
    assert Store.open(store.path).vectors(model_digest="A").equals(vectors(4, seed=0))


def test_versions_that_somebody_may_read_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eclip.products.dataset._KEEP_OLD_FOR", timedelta(0))
    store.write_vectors(vectors(4, seed=0), model_digest="A")
    early = Store.open(store.path)
    store.write_vectors(vectors(4, seed=1), model_digest="B")
    assert early.vectors(model_digest="A").equals(vectors(4, seed=0))
    for seed in range(2, 10):
        store.write_vectors(vectors(4, seed=seed), model_digest=str(seed))
    assert len(store._dataset().versions()) <= 12 + 2
    with pytest.raises(StoreError, match="can't be read"):
        early.vectors(model_digest="A")
    assert store.vectors(model_digest="9").equals(vectors(4, seed=9))


@pytest.mark.parametrize(
    "wrong",
    [
        vectors(4, seed=0, ids=["p0"]),
        vectors(4, seed=0, ids=["p0"] * ROWS),
        vectors(4, seed=0, ids=[f"x{index}" for index in range(ROWS)]),
        vectors(4, seed=0).drop_columns(["text_embedding"]),
    ],
)
def test_vectors_that_do_not_fit_are_refused(store: Store, wrong: pa.Table) -> None:
    with pytest.raises(StoreError, match=r"do not fit|lack the column text_embedding"):
        store.write_vectors(wrong, model_digest="A")


def test_stores_that_are_none(store: Store, tmp_path: Path) -> None:
    manifest = store.path / "store.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"version": 99}))
    with pytest.raises(StoreError, match="store version 99"):
        Store.open(store.path)
    for key in REQUIRED_KEYS:
        manifest.write_text(json.dumps({name: value for name, value in content.items() if name != key}))
        with pytest.raises(StoreError, match=f"store.json is damaged, it lacks {key}; run `eclip prepare` again"):
            Store.open(store.path)
    manifest.write_text('{"version"')
    with pytest.raises(StoreError, match="no finished store"):
        Store.open(store.path)
    manifest.write_text(json.dumps(content))
    (store.path / "products.lance").rename(tmp_path / "away")
    with pytest.raises(StoreError, match=r"products\.lance is missing"):
        Store.open(store.path)
    with pytest.raises(StoreError, match="no such store"):
        Store.open(tmp_path / "gone")


@pytest.mark.parametrize("method", ["read_text", "iterdir", "exists", "is_dir"])
def test_a_store_that_may_not_be_read_is_not_called_unfinished(
    store: Store, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, method, denied)
    if method != "exists":
        with pytest.raises(StoreError, match="can't be read: Permission denied"):
            prepare_store(store.path.parent / "f.csv", store.path)
    with pytest.raises(StoreError, match="can't be read: Permission denied"):
        Store.open(store.path)
