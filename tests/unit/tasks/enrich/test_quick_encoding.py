"""Quick encoding gives what the model itself gives, and leaves the model as it was."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from torch import nn

from eclip.inference import encoder as fast
from eclip.inference.pixels import stacked_pixels
from eclip.model.encoder import Encoder, open_picture
from eclip.model.presets import OWN_PICTURES, assemble, tiny
from eclip.products.duplicates.pixels import picture_cells
from eclip.tasks.enrich.corpus import Corpus
from eclip.tasks.enrich.encoding import feed_encoder, takes_bfloat16
from eclip.tasks.enrich.listings import KEPT_COLUMNS

TITLES = ["red mug", "blue shirt of cotton with a very long name", None, "red mug", " ", "lamp"]


def picture(seed: int, size: tuple[int, int] = (20, 14), mode: str = "RGB") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, format="PNG")
    return out.getvalue()


PICTURES = [picture(0), picture(1, (16, 16)), picture(2), picture(0), None, picture(3, mode="L")]


def batch() -> pa.Table:
    columns = {name: pa.nulls(len(TITLES), pa.string()) for name in KEPT_COLUMNS}
    columns |= {
        "title": pa.array(TITLES),
        "image": pa.array(PICTURES, pa.binary()),
        "image_hash": pa.array([None if each is None else str(hash(each)) for each in PICTURES]),
        "content_hash": pa.array([f"content{row}" for row in range(len(TITLES))]),
        "product_id": pa.array([f"p{row}" for row in range(len(TITLES))]),
    }
    return pa.table(columns)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    made = tiny([title for title in TITLES if title] * 3, image_size=16)
    made.module.eval()
    return made


@pytest.fixture(scope="module")
def normalised_encoder(encoder: Encoder) -> Encoder:
    """A picture tower of convolutions and batch normalisation, as the recipe `small` has one."""
    model_cfg = {
        **encoder.model_cfg,
        "vision_cfg": {
            "image_size": 32,
            "timm_model_name": "test_efficientnet",
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "linear",
        },
    }
    made = assemble(model_cfg, {"size": 32, **OWN_PICTURES}, encoder.tokenizer_files)
    generator = torch.Generator().manual_seed(0)
    for part in made.module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(generator=generator)
            part.running_var.uniform_(0.5, 2, generator=generator)
    made.module.eval()
    return made


@pytest.mark.parametrize("name", ["encoder", "normalised_encoder"])
def test_vectors_are_the_models_own(request: pytest.FixtureRequest, name: str):
    model: Encoder = request.getfixturevalue(name)
    slow = model.encode_products(TITLES, PICTURES)
    state = {key: value.clone() for key, value in model.module.state_dict().items()}
    with feed_encoder(model) as quick:
        found = quick.listings(batch())
    np.testing.assert_allclose(found.image, slow.image, atol=2e-6)
    np.testing.assert_allclose(found.text, slow.text, atol=2e-6)
    assert found.usable.tolist() == [True, True, True, True, False, True]
    for key, value in model.module.state_dict().items():
        assert torch.equal(value, state[key]), key
    assert np.array_equal(model.encode_products(TITLES, PICTURES).image, slow.image, equal_nan=True)


def test_cells_are_those_of_the_encoded_pictures(encoder: Encoder):
    with feed_encoder(encoder) as quick:
        cells = quick.listings(batch()).cells
    for found, data in zip(cells, PICTURES, strict=True):
        if data is None:
            assert found is None
        else:
            assert np.array_equal(found, picture_cells(data))


def test_what_the_store_holds_is_not_encoded_again(encoder: Encoder, monkeypatch: pytest.MonkeyPatch):
    marks = np.full((2, encoder.embed_dim), 7.0, dtype=np.float32)
    store = Corpus(
        ids=["a", "b"],
        titles=["x", "y"],
        catalog_ids=[None, None],
        content=pa.array(["content1", "content0"]),
        records=pa.table({}),
        image=marks,
        text=marks + 1,
    )
    seen: list[int] = []
    real = fast.stacked_pixels
    monkeypatch.setattr(fast, "stacked_pixels", lambda some, how: seen.append(len(some)) or real(some, how))
    with feed_encoder(encoder, store) as quick:
        found = quick.listings(batch())
    assert (found.image[:2] == 7).all()
    assert (found.text[:2] == 8).all()
    slow = encoder.encode_products(TITLES, PICTURES)
    np.testing.assert_allclose(found.image[2:], slow.image[2:], atol=2e-6)
    assert sum(seen) == 3  # of rows 2, 3 and 5
    assert found.cells[1] is not None  # duplicates are told by them


def test_equal_pictures_and_titles_are_encoded_once(encoder: Encoder, monkeypatch: pytest.MonkeyPatch):
    seen: list[int] = []
    real = fast.stacked_pixels
    monkeypatch.setattr(fast, "stacked_pixels", lambda some, how: seen.append(len(some)) or real(some, how))
    with feed_encoder(encoder) as quick:
        quick.listings(batch())
    assert sum(seen) == 4


def test_pixels_are_the_transforms_to_the_bit(encoder: Encoder):
    opened = [open_picture(data) for data in PICTURES if data is not None]
    slow = torch.stack([encoder.transform(each) for each in opened])
    assert torch.equal(stacked_pixels(opened, encoder.transform), slow)
    assert torch.equal(stacked_pixels(opened, lambda each: encoder.transform(each) + 1), slow + 1)


def test_a_fault_in_one_chunk_is_told(encoder: Encoder, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(fast, "stacked_pixels", broken)
    with feed_encoder(encoder) as quick, pytest.raises(ZeroDivisionError):
        quick.listings(batch())


def test_only_hugging_face_towers_take_bfloat16(encoder: Encoder):
    assert not takes_bfloat16(encoder.module.text)
