"""Training the towers for the category: a new model folder, a resumed run that ends equal, and clear refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import load_file

from eclip.errors import ConfigError, StoreError
from eclip.model.folder import read_manifest
from eclip.products.store import Store
from eclip.schema import MODEL_WEIGHTS
from eclip.train.batchsizes import BatchConfig
from eclip.train.categories import CategoryConfig, training_categories
from eclip.train.checkpoint import CheckpointConfig
from eclip.train.config import TrainConfig
from eclip.train.loop import TrainingLoop
from eclip.train.pairs import Pairs
from eclip.train.trainer import train_model

CONFIG = TrainConfig(
    encoder="tiny",
    image_size=16,
    batch=BatchConfig(size=16),
    checkpoints=CheckpointConfig(every_seconds=0),
    category=CategoryConfig(weight=0.5),
)


class WithCategories:
    """A store whose products lie in three categories, told by their row."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def table(self, columns):
        table = self._store.table(columns)
        if "category" not in columns:
            return table
        paths = [["shop", f"leaf {row % 3}"] if row % 7 else None for row in range(table.num_rows)]
        place = table.schema.get_field_index("category")
        return table.set_column(place, "category", pa.array(paths, pa.list_(pa.string())))


def figures(model: Path) -> list[dict]:
    return [json.loads(line) for line in (model / "run" / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_a_resumed_run_ends_equal_and_leaves_the_first_model_alone(
    small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = WithCategories(small_store)
    train_model(
        small_store, tmp_path / "first", TrainConfig(**{**vars(CONFIG), "category": CategoryConfig()}), total_steps=1
    )
    before = (tmp_path / "first" / MODEL_WEIGHTS).read_bytes()
    train_model(store, tmp_path / "whole", CONFIG, init=tmp_path / "first", total_steps=3)
    assert (tmp_path / "first" / MODEL_WEIGHTS).read_bytes() == before
    assert read_manifest(tmp_path / "whole")["digest"] != read_manifest(tmp_path / "first")["digest"]
    assert all(line["category_above_floor"] > 0 for line in figures(tmp_path / "whole") if "loss" in line)
    assert set(load_file(tmp_path / "whole" / MODEL_WEIGHTS)) == set(load_file(tmp_path / "first" / MODEL_WEIGHTS))

    taken = TrainingLoop._step

    def interrupted(loop, batch, share):
        if loop.progress.step == 2:
            raise InterruptedError
        return taken(loop, batch, share)

    with monkeypatch.context() as patched:
        patched.setattr(TrainingLoop, "_step", interrupted)
        with pytest.raises(InterruptedError):
            train_model(store, tmp_path / "parts", CONFIG, init=tmp_path / "first", total_steps=3)
    train_model(store, tmp_path / "parts", CONFIG, init=tmp_path / "first", total_steps=3)
    for name, value in load_file(tmp_path / "whole" / MODEL_WEIGHTS).items():
        np.testing.assert_array_equal(load_file(tmp_path / "parts" / MODEL_WEIGHTS)[name], value, err_msg=name)


def test_the_model_to_continue_is_not_written_over(small_store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name another folder"):
        train_model(small_store, tmp_path, CONFIG, init=tmp_path / ".", total_steps=1)


def test_a_store_without_categories_is_refused() -> None:
    def pairs(categories: list[tuple[str, ...]]) -> Pairs:
        nothing = np.zeros(len(categories), dtype=np.int64)
        return Pairs(
            rows=nothing,
            titles=["x"] * len(categories),
            groups=nothing,
            weights=nothing,
            categories=categories,
            has_picture=nothing > 0,
            extra_texts=[()] * len(categories),
        )

    with pytest.raises(StoreError, match="have 1 categories, at least 2 are needed"):
        training_categories(pairs([("a",), ()]), CategoryConfig(weight=1.0))
    assert training_categories(pairs([("a",), ()]), CategoryConfig()) is None
    assert training_categories(pairs([("a",), (), ("b",)]), CategoryConfig(weight=1.0)).tolist() == [0, -1, 1]
    with pytest.raises(ConfigError, match=r"category\.weight"):
        CategoryConfig(weight=-1.0)
