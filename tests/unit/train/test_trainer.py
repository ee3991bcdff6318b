"""A run of training on a tiny store: the same whatever interrupts it, and plain CLIP where no catalog is shared."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from eclip.errors import CheckpointError
from eclip.model.folder import load_model
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.schema import MODEL_WEIGHTS
from eclip.train.batchsizes import BatchConfig
from eclip.train.checkpoint import START, CheckpointConfig, checkpoint_files
from eclip.train.config import TrainConfig
from eclip.train.loop import TrainingLoop
from eclip.train.pairs import read_pairs
from eclip.train.targets import TargetConfig
from eclip.train.trackers import IDS
from eclip.train.trainer import train_model

CONFIG = TrainConfig(
    encoder="tiny", image_size=16, batch=BatchConfig(size=16), checkpoints=CheckpointConfig(every_seconds=0)
)


@pytest.fixture
def store(small_store: Store) -> Store:
    return small_store


def weights(model: Path) -> dict[str, np.ndarray]:
    return load_file(model / MODEL_WEIGHTS)


def losses(model: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (model / "run" / "metrics.jsonl").read_text().splitlines()]


def interrupt_before(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """End the run as a killed process would, with a checkpoint after every step before."""
    real = TrainingLoop._step

    def until(self, batch, share):
        if self.progress.step == step:
            raise InterruptedError
        return real(self, batch, share)

    monkeypatch.setattr(TrainingLoop, "_step", until)


SWITCHES = {"optimizer.name": "lamb", "optimizer.ema_decay": 0.9, "memory.autocast": "fp16"}


@pytest.mark.parametrize(
    ("step", "fields"),
    [(1, {}), pytest.param(4, {}, marks=pytest.mark.slow), pytest.param(3, SWITCHES, marks=pytest.mark.slow)],
)
def test_a_resumed_run_equals_an_undisturbed_one_to_the_bit(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, fields: dict[str, object]
) -> None:
    config = CONFIG.changed(fields)
    train_model(store, tmp_path / "undisturbed", config, total_steps=6)
    with monkeypatch.context() as patched:
        interrupt_before(patched, step)
        with pytest.raises(InterruptedError):
            train_model(store, tmp_path / "resumed", config, total_steps=6)
    assert not (tmp_path / "resumed" / MODEL_WEIGHTS).exists()
    summary = train_model(store, tmp_path / "resumed", config, total_steps=6)
    assert summary.steps == 6
    expected, found = weights(tmp_path / "undisturbed"), weights(tmp_path / "resumed")
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    assert losses(tmp_path / "resumed") == losses(tmp_path / "undisturbed")


@pytest.mark.slow
def test_catalog_targets_are_plain_clip_where_nothing_is_shared(store: Store, tmp_path: Path) -> None:
    for targets in ("catalog", "identity"):
        config = dataclasses.replace(CONFIG, targets=TargetConfig(kind=targets))
        train_model(store, tmp_path / targets, config, total_steps=4)
    assert losses(tmp_path / "catalog") == pytest.approx(losses(tmp_path / "identity"), abs=1e-5)
    ours, plain = weights(tmp_path / "catalog"), weights(tmp_path / "identity")
    for name, values in plain.items():  # where memory lies may change the last bit of a product of matrices
        np.testing.assert_allclose(ours[name], values, rtol=0, atol=1e-6, err_msg=name)


def test_a_batch_cut_to_its_share_of_the_shop_trains_as_one_of_that_size(plain_store: Store, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, epochs=2)
    half = len(read_pairs(plain_store, "train")) // 2
    for name, batch in (
        ("cut", BatchConfig(size=1024, schedule=((0.0, 8), (0.5, 1024)), lr_coupling="linear", most_share=0.5)),
        ("so", BatchConfig(size=half, schedule=((0.0, 8), (0.5, half)), lr_coupling="linear")),
    ):
        train_model(plain_store, tmp_path / name, dataclasses.replace(config, batch=batch))
    assert losses(tmp_path / "cut") == losses(tmp_path / "so")
    np.testing.assert_equal(weights(tmp_path / "cut"), weights(tmp_path / "so"))


@pytest.mark.slow
def test_an_unfinished_run_keeps_its_settings_and_a_finished_one_makes_room(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        interrupt_before(patched, 1)
        with pytest.raises(InterruptedError):
            train_model(store, tmp_path, CONFIG, total_steps=2)
    with pytest.raises(CheckpointError, match="total_steps was 2"):
        train_model(store, tmp_path, CONFIG, total_steps=3)
    begun = tmp_path / "run" / START
    start = json.loads(begun.read_text())
    begun.write_text(json.dumps({name: value for name, value in start.items() if name != "modalities"}))
    with pytest.raises(CheckpointError, match=r"another version of eclip \(it lacks modalities"):
        train_model(store, tmp_path, CONFIG, total_steps=2)
    begun.write_text(json.dumps(start))
    train_model(store, tmp_path, CONFIG, total_steps=2)
    first = weights(tmp_path)
    assert train_model(store, tmp_path, CONFIG, total_steps=3).steps == 3
    assert losses(tmp_path) != []
    assert any(not np.array_equal(first[name], values) for name, values in weights(tmp_path).items())


@pytest.mark.slow
def test_a_new_run_never_goes_on_from_an_earlier_ones_checkpoint(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_model(store, tmp_path, CONFIG, total_steps=2)
    assert len(checkpoint_files(tmp_path / "run")) == 2
    with monkeypatch.context() as patched:
        interrupt_before(patched, 0)
        with pytest.raises(InterruptedError):
            train_model(store, tmp_path, CONFIG, total_steps=3)
    assert checkpoint_files(tmp_path / "run") == []
    assert train_model(store, tmp_path, CONFIG, total_steps=3).steps == 3
    assert len(losses(tmp_path)) == 3


@pytest.mark.slow
def test_a_finished_run_asked_for_again_tells_the_same(store: Store, tmp_path: Path) -> None:
    first = train_model(store, tmp_path, CONFIG, total_steps=2)
    again = train_model(store, tmp_path, CONFIG, total_steps=2)
    assert again.steps == first.steps
    assert again.loss_above_floor == pytest.approx(first.loss_above_floor, abs=1e-5)


def test_blocks_growing_batches_and_small_chunks_go_through_a_whole_run(store: Store, tmp_path: Path) -> None:
    config = CONFIG.changed(
        {
            "batch": {"schedule": [[0, 8], [0.5, 32]], "lr_coupling": "sqrt"},
            "blocks": {"share": 0.5, "size": 4},
            "memory": {"chunk_size": 5, "text_chunk_size": 3, "kept_graph_megabytes": 0},
            "targets.mixing": 0.5,
            "epochs": 2,
        }
    )
    summary = train_model(store, tmp_path, config)
    logged = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    sizes = [line["batch_size"] for line in logged]
    assert sizes == sorted(sizes)  # small ones first
    assert set(sizes) == {8, 32}
    assert sum(sizes) == summary.pairs
    assert summary.epochs >= 2


def test_the_saved_model_is_the_average_that_the_checkpoint_holds(store: Store, tmp_path: Path) -> None:
    train_model(store, tmp_path, CONFIG.changed({"optimizer.ema_decay": 0.9}), total_steps=3)
    kept, saved = load_file(checkpoint_files(tmp_path / "run")[0]), weights(tmp_path)
    for name, values in saved.items():
        np.testing.assert_array_equal(kept[f"extra.average.{name}"], values, err_msg=name)
    assert not np.array_equal(kept["model.visual.proj"], saved["visual.proj"])


@pytest.mark.slow
def test_a_resumed_run_needs_the_model_that_it_began_with_no_more(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init, out = tmp_path / "init", tmp_path / "out"
    train_model(store, init, CONFIG, total_steps=1)
    with monkeypatch.context() as patched:
        interrupt_before(patched, 1)
        with pytest.raises(InterruptedError):
            train_model(store, out, CONFIG, init=init, total_steps=2)
    shutil.rmtree(init)
    assert train_model(store, out, CONFIG, init=init, total_steps=2).steps == 2
    assert load_model(out).modalities == ("image", "text")


@pytest.mark.slow
def test_a_new_run_does_not_go_on_under_the_trackers_id_of_an_earlier_one(store: Store, tmp_path: Path) -> None:
    train_model(store, tmp_path, CONFIG, total_steps=1)
    ids = tmp_path / "run" / IDS
    ids.write_text('{"wandb": "earlier"}')
    train_model(store, tmp_path, CONFIG, total_steps=2)
    assert not ids.exists()


@pytest.mark.slow
def test_without_titles_a_run_is_validated_on_pictures_of_mates(tmp_path: Path) -> None:
    lines = []
    for row in range(200):
        pixels = np.random.default_rng(row).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{row}.png")
        lines.append(f"{row},Thing {row},{row}.png,c{row // 2}\n")
    (tmp_path / "feed.csv").write_text("id,title,image,catalog_id\n" + "".join(lines))
    prepare_store(tmp_path / "feed.csv", tmp_path / "store", images=None, columns="", category_separator=None)
    config = CONFIG.changed({"views.picture_title": 0, "views.picture_picture": 1})
    summary = train_model(Store.open(tmp_path / "store"), tmp_path / "model", config, total_steps=2)
    assert summary.validation_recall_at_1 is not None
    assert load_model(tmp_path / "model").modalities == ("image",)
