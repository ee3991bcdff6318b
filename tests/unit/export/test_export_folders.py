"""What is exported gives torch's vectors when read back without eclip; what a format can't carry is refused."""

from __future__ import annotations

import importlib.util
import json
from importlib import util
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eclip.commands import export as command
from eclip.commands.export import export
from eclip.errors import ConfigError, ModelError
from eclip.export import sentences
from eclip.export.folders import graph_refusal
from eclip.model.encoder import Encoder
from eclip.model.folder import save_model
from eclip.model.presets import assemble, tiny
from eclip.model.tokenizer import vocabulary_size

TITLES = ["red mug", "a blue shirt of cotton &amp; silk", "lamp   40 W"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    made = tiny(TITLES * 3, image_size=16)
    made.module.eval()
    return save_model(made, tmp_path_factory.mktemp("own") / "model", facts={})


@pytest.fixture(scope="module")
def hugging_face(own: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """A title tower as the recipe `small` has one, tiny."""
    config = {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "vocab_size": vocabulary_size(own.tokenizer_files),
        "max_position_embeddings": 64,
        "pad_token_id": 0,
    }
    text_cfg = {
        "context_length": 24,
        "vocab_size": config["vocab_size"],
        "hf_tokenizer_name": "own",
        "hf_model_name": "own",
        "hf_model_pretrained": False,
        "hf_pooler_type": "mean_pooler",
        "hf_proj_type": "linear",
    }
    files = {**own.tokenizer_files, "config.json": json.dumps(config).encode()}
    made = assemble({**own.model_cfg, "text_cfg": text_cfg}, own.preprocess_cfg, files)
    made.module.eval()
    return save_model(made, tmp_path_factory.mktemp("hf") / "model", facts={})


def jpeg() -> BytesIO:
    pixels = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out


@pytest.mark.slow
@pytest.mark.skipif(
    any(util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime", "openvino")),
    reason="the extra eclip[fast] is not installed",
)
@pytest.mark.parametrize("library", ["onnx", "openvino"])
def test_graphs_and_their_code_stand_alone(own: Encoder, tmp_path: Path, library: str) -> None:
    done = export(own.path, format=library, out=tmp_path / "out")
    assert (done.towers, done.left_out, done.recall_change) == ("pictures, titles", "none", None)
    spec = importlib.util.spec_from_file_location("exported_vectors", tmp_path / "out" / "vectors.py")
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    model = code.Model(tmp_path / "out")
    np.testing.assert_allclose(model.titles(TITLES), own.encode_text(TITLES), atol=1e-5)
    np.testing.assert_allclose(model.pictures([jpeg()]), own.encode_image([jpeg().getvalue()]), atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert "eclip" not in {line.split()[1].partition(".")[0] for line in _imports(tmp_path / "out" / "vectors.py")}
    with pytest.raises(ConfigError, match="not empty"):
        export(own.path, format=library, out=tmp_path / "out")


def _imports(file: Path) -> list[str]:
    lines = [line.strip() for line in file.read_text().splitlines()]
    return [line for line in lines if line.startswith(("import ", "from "))]


@pytest.mark.parametrize("kind", ["hf", "sentence-transformers"])
def test_a_hugging_face_tower_for_its_libraries(hugging_face: Encoder, tmp_path: Path, kind: str) -> None:
    done = export(hugging_face.path, format=kind, out=tmp_path / "out")
    assert done.towers == "titles"
    assert "pictures" in done.left_out
    slow = hugging_face.encode_text(["red mug", "lamp 40 W"])
    found = sentences.transformers_vectors(tmp_path / "out", hugging_face, ["red mug", "lamp 40 W"])
    np.testing.assert_allclose(found, slow, atol=1e-5)
    if kind == "sentence-transformers":
        library = pytest.importorskip("sentence_transformers")
        read = library.SentenceTransformer(str(tmp_path / "out"), device="cpu")
        np.testing.assert_allclose(read.encode(["red mug", "lamp 40 W"]), slow, atol=1e-5)


def test_the_readme_for_transformers_runs(
    hugging_face: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentences.write_transformers_folder(hugging_face, tmp_path / "out")
    code = (tmp_path / "out" / "README.md").read_text().split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path / "out")
    told: dict = {}
    exec(code, told)
    np.testing.assert_allclose(
        told["vectors"].detach().numpy(), hugging_face.encode_text(["red running shoe"]), atol=1e-5
    )


def test_what_a_format_cannot_carry_is_refused(own: Encoder, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="open_clip's own transformer"):
        export(own.path, format="hf", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match="--store"):
        export(own.path, format="onnx", out=tmp_path / "out", int8=True)
    assert graph_refusal(own, "text") is None
    other = Encoder(**{**vars_of(own), "tokenizer_files": {}, "modalities": ("text",)})
    assert "tokenizer.json" in (graph_refusal(other, "text") or "")
    assert "not learned" in (graph_refusal(other, "image") or "")


def vars_of(encoder: Encoder) -> dict:
    return {name: getattr(encoder, name) for name in encoder.__dataclass_fields__}


def test_what_does_not_agree_is_not_written(
    hugging_face: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_joined", lambda parts: np.concatenate(parts) + 0.01)
    with pytest.raises(ModelError, match="not written, transformers does not agree"):
        export(hugging_face.path, format="hf", out=tmp_path / "out")
    assert not list(tmp_path.iterdir())
