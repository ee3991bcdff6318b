"""`eclip embed --runner ray` = `eclip embed`: the same vectors of the same rows, and what was done before is kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from eclip.commands.embed import embed
from eclip.embed import cluster as on_ray
from eclip.embed import job as on_one
from eclip.errors import ConfigError
from eclip.model.folder import save_model
from eclip.model.presets import tiny
from eclip.products.store import Store
from eclip.schema import EMBEDDING_COLUMNS
from eclip.vectors import vectors_from_arrow

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


@pytest.fixture(scope="module")
def model(small_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tiny(small_store.table(["title"])["title"].to_pylist(), image_size=16)
    made.module.eval()
    return Path(str(save_model(made, tmp_path_factory.mktemp("embed-on-ray") / "model", facts={}).path))


@pytest.mark.usefixtures("cluster")
def test_the_same_vectors(small_store: Store, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (on_ray, on_one):
        monkeypatch.setattr(module, "ROWS_A_PART", 10)  # five parts: some windows
    stores = [Path(shutil.copytree(small_store.place.dataset(""), tmp_path / name)) for name in ("one", "ray", "again")]
    for store, runner in zip(stores, ("native", "ray", "ray"), strict=True):
        if store.name == "again":  # parts made on one machine are taken up by a cluster
            monkeypatch.setattr(Store, "write_vectors", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                embed(store, model=model, backend="torch")
            monkeypatch.undo()
            for module in (on_ray, on_one):
                monkeypatch.setattr(module, "ROWS_A_PART", 10)
            monkeypatch.setattr(on_ray, "ask_cluster", lambda *_: 1 / 0)
        summary = embed(store, model=model, backend="torch", runner=runner)
        assert (summary.rows, summary.encoded) == (48, 48)
    tables = [Store.open(store).vectors(model_digest=None) for store in stores]
    for table in tables[1:]:
        assert table["product_id"].equals(tables[0]["product_id"])
        for name in EMBEDDING_COLUMNS:
            # A machine of the cluster may part its chunks otherwise, which moves the last digit.
            np.testing.assert_allclose(vectors_from_arrow(table[name]), vectors_from_arrow(tables[0][name]), atol=2e-6)


def test_a_feed_is_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(ConfigError, match="only vectors of a store"):
        embed(tmp_path / "feed.csv", model=model, out=tmp_path / "vectors.parquet", runner="ray")
