"""How far a continued model moved: figures by hand, and a run that reports them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eclip.model.folder import save_model
from eclip.model.presets import tiny
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.schema import MODEL_CARD, MODEL_MANIFEST
from eclip.train.batchsizes import BatchConfig
from eclip.train.config import TrainConfig
from eclip.train.drift import drift_between, drift_since
from eclip.train.trainer import train_model
from eclip.train.views import ViewsConfig

CONFIG = TrainConfig(encoder="tiny", image_size=16, batch=BatchConfig(size=16))


def around(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_equal_vectors_have_not_moved_and_missing_ones_do_not_count() -> None:
    vectors = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    missing = vectors.copy()
    missing[4] = np.nan
    found = drift_between(vectors, missing)
    assert found is not None
    assert found.products == 29
    assert (found.mean_cosine, found.low_cosine) == (pytest.approx(1), pytest.approx(1))
    assert found.neighbours_kept == 1


def test_a_turned_space_keeps_its_neighbours_but_not_its_vectors() -> None:
    old = around(*range(0, 120, 10))
    found = drift_between(old, around(*range(60, 180, 10)))
    assert found is not None
    assert found.mean_cosine == pytest.approx(0.5, abs=1e-6)
    assert found.neighbours_kept == 1


def test_moved_products_have_other_neighbours() -> None:
    # 12 in a row, of whose other 11 ten are nearest: all but the farthest. The first goes to the other end.
    old, new = around(*range(0, 120, 10)), around(119, *range(10, 120, 10))
    found = drift_between(old, new)
    assert found is not None
    farthest = [np.argmin(np.where(np.eye(12) > 0, 9, vectors @ vectors.T), axis=1) for vectors in (old, new)]
    assert found.neighbours_kept == pytest.approx(1 - (farthest[0] != farthest[1]).mean() / 10)
    assert found.mean_cosine == pytest.approx((11 + np.cos(np.radians(119))) / 12, abs=1e-6)
    assert found.low_cosine == pytest.approx(np.percentile([np.cos(np.radians(119)), *[1] * 11], 5), abs=1e-6)


def test_one_product_alone_has_no_drift() -> None:
    assert drift_between(around(3), around(4)) is None


@pytest.mark.slow
def test_a_continued_run_says_how_far_it_moved(plain_store: Store, tmp_path: Path) -> None:
    first = train_model(plain_store, tmp_path / "old", CONFIG, total_steps=2)
    assert first.drift is None
    then = TrainConfig(encoder="tiny", batch=BatchConfig(size=16))
    summary = train_model(plain_store, tmp_path / "new", then, total_steps=3, init=tmp_path / "old")
    assert summary.drift is not None
    assert summary.drift.keys() == {"image", "text", "product"}
    facts = json.loads((tmp_path / "new" / MODEL_MANIFEST).read_text())["facts"]
    assert -1 <= facts["drift_text_low_cosine"] <= facts["drift_text_mean_cosine"] < 1
    assert "| drift_product_neighbours_kept |" in (tmp_path / "new" / MODEL_CARD).read_text()


def test_titles_alone_have_drift_too(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("id,title\n" + "".join(f"{row},Thing number {row}\n" for row in range(60)))
    prepare_store(tmp_path / "feed.csv", tmp_path / "store", images=None, columns="", category_separator=None)
    encoder = tiny([f"Thing number {row}" for row in range(60)], image_size=16)
    encoder.modalities = ("text",)
    save_model(encoder, tmp_path / "start", facts={})
    store = Store.open(tmp_path / "store")
    views = ViewsConfig(picture_title=0, title_title=1)
    assert drift_since(tmp_path / "start", encoder, store) == {}  # of pairs there are none
    assert drift_since(tmp_path / "start", encoder, store, views)["text"].mean_cosine == pytest.approx(1)
