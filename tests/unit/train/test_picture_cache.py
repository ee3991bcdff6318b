"""A cache of the trunk's vectors: filled once, gone on with after a kill, never taken for another's."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from eclip.errors import CheckpointError, ConfigError
from eclip.model.folder import load_model, save_model
from eclip.model.presets import tiny
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.schema import MODEL_RUN, MODEL_WEIGHTS
from eclip.train import picturecache
from eclip.train.batchsizes import BatchConfig
from eclip.train.config import TrainConfig
from eclip.train.loop import TrainingLoop
from eclip.train.pairs import read_training_pairs
from eclip.train.picturecache import FOLDER, LockedConfig, cached_vectors, open_cache, trunk_vectors
from eclip.train.ranks import Ranks
from eclip.train.trainer import train_model

CONFIG = TrainConfig(encoder="tiny", image_size=16, batch=BatchConfig(size=16)).changed(
    {"locked.pictures": True, "augmentation.min_crop_share": 1.0}
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """48 products with 40 different pictures."""
    folder = tmp_path_factory.mktemp("cache")
    lines = []
    for row in range(48):
        pixels = np.random.default_rng(row % 40).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        lines.append(f"{row},Product number {row} of {row * 7},{row}.png\n")
    (folder / "feed.csv").write_text("id,title,image\n" + "".join(lines))
    prepare_store(folder / "feed.csv", folder / "store", images=None, columns="", category_separator=None)
    return Store.open(folder / "store")


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picturecache, "PICTURES_A_FILE", 8)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.npy"))


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_vectors_come_back_in_any_order_each_picture_once(store: Store, tmp_path: Path, precision: str) -> None:
    encoder, rows = tiny(["a"], image_size=16), read_training_pairs(store).rows
    config = LockedConfig(pictures=True, precision=precision)  # type: ignore[arg-type]
    cache = open_cache(encoder, store, rows, tmp_path, config=config, ranks=Ranks())
    asked = [int(row) for row in rows[::-3]] + [int(rows[0])]
    expected = trunk_vectors(encoder, store.images, np.array(asked))
    tolerance = 1e-3 if precision == "float16" else 1e-5
    np.testing.assert_allclose(cache.vectors(asked).numpy(), expected, rtol=tolerance, atol=tolerance)
    hashes = {store.table(["image_hash"])["image_hash"][int(row)].as_py() for row in rows}
    assert sum(len(part) for part in cache.parts) == len(hashes) < len(rows)


@pytest.mark.usefixtures("small_files")
def test_a_killed_cache_goes_on_with_the_missing_files(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, rows = tiny(["a"], image_size=16), read_training_pairs(store).rows
    config = LockedConfig(pictures=True)
    open_cache(encoder, store, rows, tmp_path, config=config, ranks=Ranks())
    made = {path: path.read_bytes() for path in files(tmp_path)}
    assert len(made) > 2
    gone = sorted(made)[1]
    gone.unlink()
    asked: list[int] = []
    real = trunk_vectors
    monkeypatch.setattr(
        picturecache, "trunk_vectors", lambda e, r, lot, **k: (asked.append(len(lot)), real(e, r, lot, **k))[1]
    )
    open_cache(encoder, store, rows, tmp_path, config=config, ranks=Ranks())
    assert asked == [8]
    assert [path.name for path in files(tmp_path)] == [path.name for path in sorted(made)]
    before, after = np.load(io.BytesIO(made[gone])), np.load(gone)
    np.testing.assert_allclose(after, before, rtol=1e-3)


@pytest.mark.usefixtures("small_files")
def test_another_trunk_gets_vectors_of_its_own_and_damage_is_told(store: Store, tmp_path: Path) -> None:
    rows, config = read_training_pairs(store).rows, LockedConfig(pictures=True)
    first, second = tiny(["a"], image_size=16), tiny(["a"], image_size=16)
    open_cache(first, store, rows, tmp_path, config=config, ranks=Ranks())
    before = files(tmp_path)
    open_cache(second, store, rows, tmp_path, config=config, ranks=Ranks())
    after = files(tmp_path)
    assert not {path.parent for path in before} & {path.parent for path in after}
    assert not any(path.exists() for path in before)
    after[0].write_bytes(b"no numbers")
    with pytest.raises(CheckpointError, match="is damaged"):
        open_cache(second, store, rows, tmp_path, config=config, ranks=Ranks())


@pytest.mark.slow
def test_a_locked_run_leaves_a_normal_model_whose_trunk_never_moved(store: Store, tmp_path: Path) -> None:
    train_model(store, tmp_path / "one", CONFIG, total_steps=1)
    train_model(store, tmp_path / "more", CONFIG, total_steps=6)
    assert files(tmp_path / "more" / MODEL_RUN / FOLDER)
    one, more = (load_model(tmp_path / name).module.state_dict() for name in ("one", "more"))
    moved = {name for name in one if not one[name].equal(more[name])}
    assert {name for name in moved if name.startswith("visual.")} == {"visual.proj"}
    assert any(name.startswith("text.") for name in moved)
    assert (tmp_path / "more" / MODEL_WEIGHTS).is_file()


@pytest.mark.usefixtures("small_files")
def test_ranks_share_the_work(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ranks, "any_of", lambda self, *, flag: flag)  # no one to wait for: one after the other
    encoder, rows, config = tiny(["a"], image_size=16), read_training_pairs(store).rows, LockedConfig(pictures=True)
    with pytest.raises(CheckpointError):  # the other rank's files are not there yet
        open_cache(encoder, store, rows, tmp_path, config=config, ranks=Ranks(1, 2))
    second = {path.name for path in files(tmp_path)}
    cache = open_cache(encoder, store, rows, tmp_path, config=config, ranks=Ranks(0, 1))
    assert second == {path.name for path in files(tmp_path)[1::2]}
    expected = trunk_vectors(encoder, store.images, rows)
    np.testing.assert_allclose(cache.vectors(rows.tolist()).numpy(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_a_resumed_run_equals_an_undisturbed_one_to_the_bit(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CONFIG.changed(
        {"augmentation.word_dropout": 0.3, "augmentation.word_shuffle": 0.5, "checkpoints.every_seconds": 0}
    )
    train_model(store, tmp_path / "undisturbed", config, total_steps=5)
    real = TrainingLoop._step

    def until(self: TrainingLoop, *given: Any) -> dict[str, float]:
        if self.progress.step == 3:
            raise InterruptedError
        return real(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(TrainingLoop, "_step", until)
        with pytest.raises(InterruptedError):
            train_model(store, tmp_path / "resumed", config, total_steps=5)
    train_model(store, tmp_path / "resumed", config, total_steps=5)
    expected, found = (load_file(tmp_path / name / MODEL_WEIGHTS) for name in ("undisturbed", "resumed"))
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_pictures_can_not_both_be_kept_and_changed() -> None:
    with pytest.raises(ConfigError, match="min_crop_share=1"):
        CONFIG.changed({"augmentation.min_crop_share": 0.8})


def test_no_pictures_are_no_vectors(store: Store, tmp_path: Path) -> None:
    encoder = tiny([f"Thing {row}" for row in range(48)], image_size=16)
    cache = open_cache(encoder, store, np.arange(20), tmp_path, config=LockedConfig(pictures=True), ranks=Ranks())
    assert cache.vectors([]).shape == (0, cache.vectors([0, 1]).shape[1])


def test_cached_pictures_are_validated_without_the_trunk(store: Store, tmp_path: Path) -> None:
    encoder = tiny([f"Thing {row}" for row in range(48)], image_size=16)
    config = LockedConfig(pictures=True, precision="float32")
    cache = open_cache(encoder, store, np.arange(20), tmp_path, config=config, ranks=Ranks())
    rows = [3, 30, 0]
    found, whole = cached_vectors(encoder, cache, rows), encoder.encode_image(store.images(rows))
    assert np.isnan(found[1]).all()  # was not among the cached
    np.testing.assert_allclose(found[[0, 2]], whole[[0, 2]], atol=1e-6)


def test_locking_pictures_that_no_view_looks_at_is_refused() -> None:
    with pytest.raises(ConfigError, match="no view looks at pictures"):
        CONFIG.changed({"views.picture_title": 0, "views.title_title": 1})


@pytest.mark.slow
def test_a_locked_trunk_that_never_learned_is_told_of(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start, words = tmp_path / "start", "never trained"
    encoder = tiny([f"Thing {row}" for row in range(48)], image_size=16)
    encoder.modalities = ("text",)
    save_model(encoder, start, facts={})
    train_model(store, tmp_path / "a", CONFIG, init=start, total_steps=1)
    assert words in capsys.readouterr().err
    train_model(store, tmp_path / "b", CONFIG, init=tmp_path / "a", total_steps=1)
    assert words not in capsys.readouterr().err
