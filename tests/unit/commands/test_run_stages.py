"""Which stages of `eclip run` are done again after a check of the store's pairs; training and all after it stand in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from eclip.commands import run as main_job
from eclip.model import folder as model_folder
from eclip.products.dataset import put_columns
from eclip.products.manifest import DATASET_VERSION, PAIRS_CHECK, write_manifest
from eclip.products.store import Store
from eclip.schema import PRODUCTS_DATASET, PRODUCTS_SCHEMA

NUM = 4


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The main job on a few listings; returns the trainings that were begun."""
    (tmp_path / "feed.csv").write_text("id,title\n" + "".join(f"{row},Shoe number {row}\n" for row in range(NUM)))
    trained: list[str] = []

    def train(_: Path, *, out: Path, **__: Any) -> None:
        trained.append(out.name)
        out.mkdir(exist_ok=True)

    monkeypatch.setattr(main_job, "train", train)
    monkeypatch.setattr(main_job, "model_digest", lambda out: "model" if out.is_dir() else None)
    monkeypatch.setattr(model_folder, "read_manifest", lambda _: {"facts": {"run_steps": 1}})
    for name in ("embed", "fit", "evaluate", "vectors_digest", "read_evaluation"):
        monkeypatch.setattr(main_job, name, lambda *_, **__: "done")

    def run() -> list[str]:
        trained.clear()
        main_job.run(tmp_path / "feed.csv", out=tmp_path / "out", recipe="tiny", compare_clip=True)
        return list(trained)

    return run


def check(folder: Path, weights: list[float], *, seconds: float) -> None:
    """What a check leaves."""
    store = Store.open(folder)
    schema = pa.schema([PRODUCTS_SCHEMA.field("weight")])
    columns = pa.table({"weight": pa.array(weights, pa.float32())}, schema=schema)
    version = put_columns(store.place.dataset(PRODUCTS_DATASET), columns, version=store.manifest[DATASET_VERSION])
    facts = {DATASET_VERSION: version, PAIRS_CHECK: {"seconds": seconds}}
    write_manifest(store.place, {**store.manifest, **facts})


@pytest.mark.slow
def test_both_models_are_trained_anew_after_a_check_that_changed_weights(
    job: Callable[[], list[str]], tmp_path: Path
) -> None:
    store, weights = tmp_path / "out" / "store", [1.0] * NUM
    assert job() == ["model", "plain_clip"]
    assert job() == []
    weights[1] = 0.0
    check(store, weights, seconds=1.0)
    assert job() == ["model", "plain_clip"]
    check(store, weights, seconds=2.0)  # the same was found
    assert job() == []
    assert np.allclose(Store.open(store).table(["weight"])["weight"], weights)


def test_looking_what_is_done_needs_no_torch(job: Callable[[], list[str]], tmp_path: Path) -> None:
    job()
    check(tmp_path / "out" / "store", [0.5] * NUM, seconds=1.0)
    script = (
        "import sys; from pathlib import Path; from eclip.commands.stages import weights_digest; "
        f"assert weights_digest(Path({str(tmp_path / 'out' / 'store')!r})); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
