"""Vectors of pictures and titles from exported graphs; needs numpy, Pillow, tokenizers, and onnxruntime or openvino.

This file stands beside the graphs in a folder that `eclip export` wrote, and uses nothing of eclip.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps


class Model:
    """The towers of a folder.

    Args:
        folder: Where this file was found.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.settings = json.loads((self.folder / "preprocessing.json").read_text(encoding="utf-8"))
        self._engines: dict[str, Any] = {}
        self._tokenizer: Any = None

    def pictures(self, paths: Sequence[Any]) -> np.ndarray:
        """Files, or open files, of pictures -> unit vectors [N, D] float32."""
        levels = np.stack([np.asarray(self._sized(_opened(path)), dtype=np.float32) for path in paths])
        said = self.settings["image"]
        pixels = (levels / 255 - np.float32(said["mean"])) / np.float32(said["std"])
        return self._run("image", np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32))

    def titles(self, texts: Sequence[str]) -> np.ndarray:
        """Titles -> unit vectors [N, D] float32."""
        said = self.settings["text"]
        if self._tokenizer is None:
            from tokenizers import Tokenizer

            self._tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
            self._tokenizer.enable_truncation(said["context_length"])
            length = None if said["any_length"] else said["context_length"]
            self._tokenizer.enable_padding(pad_id=said["pad_id"], length=length)
        cleaned = [" ".join(html.unescape(html.unescape(text)).split()) for text in texts]
        ids = [encoded.ids for encoded in self._tokenizer.encode_batch(cleaned)]
        return self._run("text", np.array(ids, dtype=np.int64))

    def _run(self, tower: str, batch: np.ndarray) -> np.ndarray:
        if tower not in self._engines:
            self._engines[tower] = _engine(self.folder / self.settings[tower]["graph"])
        features = self._engines[tower](batch)
        norm = np.linalg.norm(features, axis=1, keepdims=True)
        return np.asarray(features / np.maximum(norm, 1e-12), dtype=np.float32)

    def _sized(self, picture: Image.Image) -> Image.Image:
        """At the tower's size: all of the picture, or its middle after the short side was fitted."""
        said = self.settings["image"]
        height, width = said["size"]
        resampling = Image.Resampling[said["interpolation"].upper()]
        if said["resize_mode"] == "squash":
            return picture.resize((width, height), resampling)
        short = min(picture.size)
        fitted = [max(height, int(height * side / short)) for side in picture.size]
        resized = picture.resize((fitted[0], fitted[1]), resampling)
        left, top = round((fitted[0] - width) / 2), round((fitted[1] - height) / 2)
        return resized.crop((left, top, left + width, top + height))


def _opened(path: Any) -> Image.Image:
    """RGB, upright, on white."""
    upright = ImageOps.exif_transpose(Image.open(path))
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return upright.convert("RGB")


def _engine(graph: Path) -> Any:
    if graph.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda batch: session.run(None, {name: batch})[0]
    import openvino

    compiled = openvino.Core().compile_model(str(graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda batch: compiled({0: batch})[0]
