"""The recipes for GPUs, a few steps long and small enough for this machine: `base` alone, `paper` on two ranks."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from eclip.model.folder import load_model, save_model
from eclip.model.presets import tiny
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.schema import MODEL_WEIGHTS
from eclip.train.recipes import load_recipe
from eclip.train.trainer import train_model
from eclip.train.watch import METRICS

pytestmark = pytest.mark.slow

TITLES = [f"{('red', 'blue')[row % 2]} {('shoe', 'watch', 'dress')[row % 3]} number {row}" for row in range(60)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty products of three categories."""
    folder = tmp_path_factory.mktemp("large")
    lines = []
    for row, title in enumerate(TITLES):
        pixels = np.random.default_rng(row).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        lines.append(f"{row},{title},{title.split()[1]},{row}.png\n")
    (folder / "feed.csv").write_text("id,title,category,image\n" + "".join(lines))
    prepare_store(folder / "feed.csv", folder / "store", images=None, columns="", category_separator=None)
    return folder / "store"


def logged(model: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (model / "run" / METRICS).read_text().splitlines()]


def test_base_takes_steps_on_towers_without_weights(store: Path, tmp_path: Path) -> None:
    small = ["batch.size=8", "image_size=32", "memory.chunk_size=4", "memory.text_chunk_size=4"]
    config = load_recipe("base", settings=small, encoder="ViT-S-32-alt")
    summary = train_model(Store.open(store), tmp_path, config, total_steps=2)
    assert summary.steps == 2
    model = load_model(tmp_path)
    assert model.model_cfg["vision_cfg"]["image_size"] == 32
    assert np.isfinite(model.encode_products(TITLES[:2], [None, None]).text).all()


def test_paper_takes_steps_on_two_ranks(
    store: Path, tmp_path: Path, two_ranks: Callable[[Path, Sequence[str]], list[tuple[int, str]]]
) -> None:
    torch.manual_seed(0)
    start = save_model(tiny(TITLES, image_size=16), tmp_path / "start", facts={})
    small = ["epochs=3", "batch.size=32", "batch.schedule=[[0, 8], [0.5, 32]]", "blocks.size=4", "memory.chunk_size=4"]
    command = ["eclip", "train", str(store), "--out", str(tmp_path / "model"), "--recipe", "paper"]
    command += ["--encoder", f"local-dir:{tmp_path / 'start'}", "--set", *small, "memory.text_chunk_size=4"]
    for status, said in two_ranks(Path("-m"), command):
        assert status == 0, said
    lines = logged(tmp_path / "model")
    assert {line["batch_size"] for line in lines} == {8, 32}
    found, before = load_file(tmp_path / "model" / MODEL_WEIGHTS), start.module.state_dict()
    assert found.keys() == before.keys()
    assert not np.array_equal(found["visual.proj"], before["visual.proj"].numpy())
    assert all(np.isfinite(values).all() for values in found.values())
