"""Batches of a store with pictures for some, titles for some and mates for some; and what such a store is told."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from eclip.errors import ConfigError, ModelError, StoreError
from eclip.model.encoder import Encoder
from eclip.model.folder import load_model
from eclip.model.presets import tiny
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.schema import MODEL_WEIGHTS
from eclip.train.augment import AugmentationConfig
from eclip.train.batches import Batch, BatchMaker
from eclip.train.batchsizes import BatchConfig
from eclip.train.checkpoint import CheckpointConfig
from eclip.train.config import TrainConfig
from eclip.train.loop import TrainingLoop
from eclip.train.pairs import read_pairs, read_training_pairs
from eclip.train.trainer import train_model
from eclip.train.views import ViewsConfig

ALL = ViewsConfig(title_title=0.5, picture_picture=0.5, extra_text=("brand", "category"), extra_text_share=0.5)
TITLES = ViewsConfig(picture_title=0, title_title=1)


def made_store(folder: Path, *, pictures: bool) -> Store:
    """40 catalogs of two listings, one of 20 alone; two thirds have a picture, where there are any, some two."""
    folder.mkdir()
    lines = ["id,title,image,extra_images,catalog_id,brand,category"]
    for row in range(100):
        images = ["", ""]
        for number in range(2 if pictures and row % 3 else 0):
            pixels = np.random.default_rng([row, number]).integers(0, 255, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{row}-{number}.png")
            images[number] = f"{row}-{number}.png"
        catalog = row // 2 if row < 80 else row
        images[1] = images[1] if row % 2 else ""
        lines.append(
            f"{row},Item {row * 7} of kind {catalog},{images[0]},{images[1]},c{catalog},maker{row},Shoes > Red"
        )
    (folder / "feed.csv").write_text("\n".join(lines) + "\n")
    prepare_store(folder / "feed.csv", folder / "store", images=None, columns="", category_separator=None)
    return Store.open(folder / "store")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return made_store(tmp_path_factory.mktemp("views") / "mixed", pictures=True)


@pytest.fixture(scope="module")
def titled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return made_store(tmp_path_factory.mktemp("views") / "titled", pictures=False)


@pytest.fixture(scope="module")
def encoder(mixed: Store) -> Encoder:
    return tiny(mixed.table(["title"])["title"].to_pylist(), image_size=16)


def maker(store: Store, encoder: Encoder, views: ViewsConfig) -> BatchMaker:
    return BatchMaker(
        encoder=encoder,
        pairs=read_pairs(store, "train", views),
        source=store,
        seed=5,
        augmentation=AugmentationConfig(),
        views=views,
    )


def texts(encoder: Encoder, tokens: torch.Tensor) -> list[str]:
    """Without spaces, as the tokenizer puts some around numbers."""
    return [encoder.tokenize.tokenizer.decode(row, skip_special_tokens=True).replace(" ", "") for row in tokens]


def same(left: Batch, right: Batch) -> bool:
    def tensors(batch: Batch) -> list[torch.Tensor]:
        found = [batch.pixels, batch.tokens, batch.mate_titles.inputs, batch.mate_titles.rows]
        return [*found, batch.mate_pictures.inputs, batch.mate_pictures.rows, batch.picture_rows]

    return all(torch.equal(a, b) for a, b in zip(tensors(left), tensors(right), strict=True))


def test_a_batch_holds_what_each_product_has(mixed: Store, encoder: Encoder) -> None:
    made = maker(mixed, encoder, ALL)
    chosen = np.arange(30)
    batch = made.make(chosen, 100)
    assert batch.picture_rows.tolist() == np.flatnonzero(made.pairs.has_picture[:30]).tolist()
    assert 0 < len(batch.pixels) == len(batch.picture_rows) < 30
    assert batch.title_rows is None
    assert batch.mate_titles.rows.tolist() == np.flatnonzero(made.pairs.title_mates.num_choices[:30]).tolist()
    assert batch.mate_pictures.rows.tolist() == np.flatnonzero(made.pairs.picture_mates.num_choices[:30]).tolist()
    for row, text in zip(batch.mate_titles.rows.tolist(), texts(encoder, batch.mate_titles.inputs), strict=True):
        own, kind = made.pairs.titles[row].lower().replace(" ", "").split("of")
        assert not text.startswith(f"{own}of")
        assert kind in text  # a listing of the same catalog


def test_what_is_drawn_depends_on_the_place_alone(mixed: Store, encoder: Encoder) -> None:
    made, again = maker(mixed, encoder, ALL), maker(mixed, encoder, ALL)
    chosen = np.arange(24)
    assert same(made.make(chosen, 100), again.make(chosen, 100))
    assert not same(made.make(chosen, 100), again.make(chosen, 124))
    whole, part = made.make(chosen, 100), made.make(chosen[12:], 112)  # what a second rank makes
    assert torch.equal(whole.tokens[12:, : part.tokens.shape[1]], part.tokens)
    later = whole.picture_rows >= 12
    assert torch.equal(whole.pixels[later], part.pixels)
    assert torch.equal(whole.mate_titles.inputs[whole.mate_titles.rows >= 12], part.mate_titles.inputs)


def test_further_fields_come_and_go_and_the_title_stays(mixed: Store, encoder: Encoder) -> None:
    made = maker(mixed, encoder, ALL)
    seen = {texts(encoder, made.make(np.array([0]), place).tokens)[0] for place in range(40)}
    title, brand = made.pairs.titles[0].lower().replace(" ", ""), made.pairs.extra_texts[0][0]
    assert seen == {title, f"{title}{brand}", f"{title}red", f"{title}{brand}red"}


def test_pictures_alone_need_no_title_tokens(mixed: Store) -> None:
    pictures = read_pairs(mixed, "train", ViewsConfig(picture_title=0, picture_picture=1))
    assert pictures.has_picture.all()
    assert len(read_pairs(mixed, "train")) == len(pictures)  # both have a title here
    assert len(read_pairs(mixed, "train", TITLES)) > len(pictures)


@pytest.mark.parametrize(
    ("views", "said"),
    [
        (ViewsConfig(), "0 products to train on with both a title and a picture .*--recipe text"),
        (ViewsConfig(picture_title=0, picture_picture=1), "0 products .* another picture of the same product"),
        (ViewsConfig(title_title=1), "with both a title and a picture"),
    ],
)
def test_a_store_that_lacks_what_a_view_wants_is_told_so(titled: Store, views: ViewsConfig, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        read_training_pairs(titled, views)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"picture_title": 0}, "all 0"),
        ({"title_title": -1}, "views.title_title = -1"),
        ({"extra_text": ("colour",)}, "expected a list of brand"),
        ({"extra_text": "brand"}, "expected a list of brand"),
        ({"extra_text_share": 2}, "expected a share"),
    ],
)
def test_views_that_can_not_be_are_refused(settings: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ViewsConfig(**settings)


@pytest.mark.slow
@pytest.mark.parametrize("views", [ALL, TITLES], ids=["all", "titles"])
def test_a_resumed_run_draws_the_same_mates(
    mixed: Store, titled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, views: ViewsConfig
) -> None:
    store = titled if views is TITLES else mixed
    checkpoints = CheckpointConfig(every_seconds=0)
    batch = BatchConfig(size=16)
    config = TrainConfig(encoder="tiny", image_size=16, batch=batch, views=views, checkpoints=checkpoints)
    train_model(store, tmp_path / "undisturbed", config, total_steps=4)
    real = TrainingLoop._step

    def until(self, batch, share):
        if self.progress.step == 2:
            raise InterruptedError
        return real(self, batch, share)

    with monkeypatch.context() as patched:
        patched.setattr(TrainingLoop, "_step", until)
        with pytest.raises(InterruptedError):
            train_model(store, tmp_path / "resumed", config, total_steps=4)
    train_model(store, tmp_path / "resumed", config, total_steps=4)
    ended = [(tmp_path / name / MODEL_WEIGHTS).read_bytes() for name in ("undisturbed", "resumed")]
    assert ended[0] == ended[1]


@pytest.mark.slow
def test_a_model_of_titles_alone_has_no_vectors_of_pictures(titled: Store, mixed: Store, tmp_path: Path) -> None:
    config = TrainConfig(encoder="tiny", image_size=16, batch=BatchConfig(size=16), views=TITLES)
    train_model(titled, tmp_path / "model", config, total_steps=3)
    model = load_model(tmp_path / "model")
    assert model.modalities == ("text",)
    picture = Image.new("RGB", (16, 16))
    with pytest.raises(ModelError, match="learned from titles alone"):
        model.encode_image([picture])
    vectors = model.encode_products(["a shoe"], [picture])
    assert np.isnan(vectors.image).all()
    np.testing.assert_allclose(vectors.product, vectors.text, atol=1e-6)
    assert "titles alone" in (tmp_path / "model" / "README.md").read_text()
    # Pictures may come later: continued on both, it has learned both.
    both = dataclasses.replace(config, views=ViewsConfig(), image_size=None)
    train_model(mixed, tmp_path / "continued", both, total_steps=2, init=tmp_path / "model")
    assert json.loads((tmp_path / "continued" / "eclip.json").read_text())["modalities"] == ["image", "text"]
