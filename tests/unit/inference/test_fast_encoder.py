"""Every backend gives what the model itself gives in torch, and what does not is refused."""

from __future__ import annotations

import io
import json
from importlib import util
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from eclip.errors import ConfigError, MissingExtraError, ModelError
from eclip.export.agreement import agreement, recall_change
from eclip.inference import backends, opening, trial, workshop
from eclip.inference.backends import BACKENDS, multiplies_bfloat16
from eclip.inference.kept import KeptGraphs
from eclip.inference.opening import fast_encoder, open_encoder
from eclip.inference.sample import Sample, drawn_sample
from eclip.model.encoder import Encoder, open_picture
from eclip.model.folder import save_model
from eclip.model.presets import tiny

TITLES = ["red mug", "a blue shirt of cotton with a very long name", None, "red mug", " ", "lamp 40 W"]
needs_engines = pytest.mark.skipif(
    any(util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime", "openvino")),
    reason="the extra eclip[fast] is not installed",
)


def picture(seed: int, size: tuple[int, int] = (20, 14), kind: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format=kind)
    return out.getvalue()


PICTURES = [picture(0), picture(1), b"no picture", picture(0), None, picture(2, (16, 16))]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    made = tiny([title for title in TITLES if title] * 3, image_size=16)
    made.module.eval()
    return save_model(made, tmp_path_factory.mktemp("fast") / "model", facts={})


def test_torch_gives_the_models_own_vectors(encoder: Encoder) -> None:
    slow = encoder.encode_products(TITLES, PICTURES)
    with_torch = open_encoder(encoder.path, backend="torch", threads=2)
    found = with_torch.encode_products(TITLES, PICTURES)
    for name in ("image", "text", "product"):
        np.testing.assert_allclose(getattr(found, name), getattr(slow, name), atol=2e-6)
    assert (with_torch.digest, with_torch.backend) == (encoder.digest, "torch")
    with_torch.close()


def test_equal_pictures_and_titles_are_encoded_once(encoder: Encoder) -> None:
    fast = fast_encoder(encoder, backend="torch", threads=2)
    seen: list[int] = []
    rows: dict[str, int] = {"image": 0, "text": 0}

    def counting(name: str):
        engine = getattr(fast, f"{name}_engine")

        def run(batch: torch.Tensor) -> np.ndarray:
            rows[name] += len(batch)
            return engine(batch)

        return run

    for name in rows:
        object.__setattr__(fast, f"{name}_engine", counting(name))
    fast.encode_image(PICTURES, look=lambda row, _: seen.append(row))
    fast.encode_text(TITLES)
    assert rows == {"image": 3, "text": 3}
    assert sorted(seen) == [0, 1, 2, 5]
    fast.close()


@pytest.mark.slow
@needs_engines
@pytest.mark.parametrize("name", ["onnx", "openvino", "openvino-bf16", "torch-bf16"])
def test_other_engines_agree(encoder: Encoder, name: str) -> None:
    if BACKENDS[name].precision == "bfloat16" and not multiplies_bfloat16():
        pytest.skip("this processor has no instructions for bfloat16")
    fast = fast_encoder(encoder, backend=name, threads=2)
    slow, found = encoder.encode_products(TITLES, PICTURES), fast.encode_products(TITLES, PICTURES)
    fast.close()
    for part in ("image", "text"):
        told = agreement(getattr(slow, part), getattr(found, part), is_float32=BACKENDS[name].precision == "float32")
        assert told.holds, told
        assert told.rows == 4
        assert np.array_equal(np.isnan(getattr(slow, part)), np.isnan(getattr(found, part)))


def test_what_does_not_agree_is_refused(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "TorchEngine", lambda *_: lambda batch: np.ones((len(batch), 128)))
    with pytest.raises(ModelError, match="do not agree with torch"):
        fast_encoder(encoder, backend="torch-bf16")


def test_an_engine_that_is_not_there(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends.util, "find_spec", lambda name: None if name == "openvino" else name)
    with pytest.raises(MissingExtraError, match=r"pip install 'eclip\[fast\]'"):
        fast_encoder(encoder, backend="openvino")
    with pytest.raises(ConfigError, match="no such backend"):
        fast_encoder(encoder, backend="tensorrt")


@needs_engines
def test_int8_of_titles_agrees_and_leaves_attention_in_float(tmp_path: Path) -> None:
    import onnx

    words = ["red", "blue", "mug", "shirt", "cotton", "lamp", "very", "long"]
    titles = [f"{words[row % 8]} {words[row // 8]} of {row}" for row in range(64)]
    made = tiny(titles, image_size=16)
    made.module.eval()
    sample = Sample(titles=titles, images=[picture(row) for row in range(64)])
    shop, chosen = workshop.Workshop(save_model(made, tmp_path, facts={}), 1, sample), BACKENDS["onnx-int8"]
    graph = shop.graph("text", chosen)
    assert shop.agreement_of("text", chosen, shop.engine_of(graph, chosen)).holds
    nodes = onnx.load(graph).graph.node
    assert any(node.op_type == "DequantizeLinear" for node in nodes)
    source = {output: node.op_type for node in nodes for output in node.output}
    attention = [node for node in nodes if node.op_type == "Softmax"]
    assert attention
    assert all(source[node.input[0]] != "DequantizeLinear" for node in attention)


def test_int8_wants_the_shops_own_products(encoder: Encoder) -> None:
    made = workshop.Workshop(encoder, 1, None)
    with pytest.raises(ConfigError, match="calibrated on the shop's own"):
        made.graph("image", BACKENDS["openvino-int8"])


def test_a_trial_is_made_where_it_pays_and_remembered(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def costs(_: object, modality: str) -> dict[backends.Backend, float]:
        tried.append(modality)
        return {BACKENDS["torch"]: 3.0, BACKENDS["torch-bf16"]: 1.0 if modality == "image" else 2.9}

    monkeypatch.setattr(trial, "_tried", costs)
    monkeypatch.setattr(trial, "is_installed", lambda _: True)
    assert fast_encoder(encoder, num_rows=10).backend == "torch"
    assert not tried
    assert fast_encoder(encoder, num_rows=10**6).backend == "torch-bf16 (pictures), torch (titles)"
    assert fast_encoder(encoder).backend == "torch-bf16 (pictures), torch (titles)"
    assert tried == ["image", "text"]
    notes = next(KeptGraphs(encoder).folder.glob("trial-*.json"))
    assert json.loads(notes.read_text())["milliseconds"]["image"] == {"torch": 3.0, "torch-bf16": 1.0}
    notes.unlink()


def test_graphs_of_another_model_are_removed(encoder: Encoder) -> None:
    kept = KeptGraphs(encoder)
    kept.folder.mkdir(exist_ok=True)
    old, own = kept.folder / "image-float32-0123456789abcdef.onnx", kept.graph("image", "int8")
    for file in (old, own):
        file.touch()
    kept.remove_older()
    assert (old.exists(), own.exists()) == (False, True)
    own.unlink()


def test_large_photos_are_decoded_at_a_fraction() -> None:
    photo = picture(5, (800, 600), "JPEG")
    assert open_picture(photo, draft_side=100).size == (200, 150)
    assert open_picture(photo).size == (800, 600)


def test_agreement_and_recall() -> None:
    eye = np.eye(12, dtype=np.float32)
    turned = eye[::-1].copy()
    assert agreement(eye, eye, is_float32=True).holds
    assert not agreement(eye, turned, is_float32=False).holds
    missing = eye.copy()
    missing[3] = np.nan
    assert agreement(missing, eye, is_float32=True).rows == 11
    assert not agreement(eye, missing, is_float32=True).holds
    rows = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    slow = np.mean([i in np.argsort(-(rows @ rows[i]))[:10] for i in range(40)]) - np.mean(
        [i in np.argsort(-(rows[::-1] @ rows[i]))[:10] for i in range(40)]
    )
    assert recall_change(rows[::-1], rows, rows, rows) == pytest.approx(slow)


def test_made_up_products_can_be_encoded(encoder: Encoder) -> None:
    drawn = drawn_sample()
    assert not drawn.is_the_shops
    assert not np.isnan(encoder.encode_products(drawn.titles[:4], drawn.images[:4]).product).any()
    assert drawn.first(3) == Sample(titles=drawn.titles[:3], images=drawn.images[:3], is_the_shops=False)


def test_a_model_that_is_not_saved_runs_in_torch() -> None:
    made = tiny(["red mug", "lamp"] * 3, image_size=16)
    made.module.eval()
    assert opening.fast_encoder(made, num_rows=10**6).backend == "torch"
