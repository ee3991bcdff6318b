"""Towers as ONNX graphs: one file a tower, for onnxruntime and OpenVINO alike.

The picture tower takes pixels [b, 3, H, W] float32, normalised; the title tower token ids [b, L] int64, padded. Both
give features [b, D], not yet of unit length. Batch size and number of tokens are left open, except where a tower wants
its padding.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

import torch

from eclip.errors import MissingExtraError, ModelError
from eclip.files import replace_file
from eclip.model.encoder import Encoder, copied_text_tower
from eclip.model.folding import folded_copy

Modality: TypeAlias = Literal["image", "text"]

INPUT_NAMES: dict[Modality, str] = {"image": "pixels", "text": "tokens"}
OUTPUT_NAME = "features"
_LARGEST_BATCH = 65_536
_EXPORT_BATCH = 3  # neither 0 nor 1, which torch.export would take for constants


def write_graph(encoder: Encoder, modality: Modality, out: Path) -> None:
    """Write a tower as an ONNX graph, aside, then renamed.

    Raises:
        MissingExtraError: The packages that torch exports with are not installed.
        ModelError: The tower is of a kind that can't be exported.
    """
    tower, example, axes = _image(encoder) if modality == "image" else _text(encoder)
    _require_exporter()
    with replace_file(out) as aside, _silence():
        try:
            torch.onnx.export(
                tower,
                (example,),
                aside,
                dynamo=True,
                dynamic_shapes=(axes,),
                input_names=[INPUT_NAMES[modality]],
                output_names=[OUTPUT_NAME],
                external_data=False,
                verbose=False,
            )
        except Exception as fault:  # as many kinds as there are towers
            reason = " ".join(str(fault).split())[:160]
            raise ModelError(
                f"{encoder.path or 'this model'}: torch can't write its {modality} tower "
                f"({type(tower).__name__}) as an ONNX graph ({reason}); use --backend torch"
            ) from fault


def _image(encoder: Encoder) -> tuple[torch.nn.Module, torch.Tensor, dict[int, object]]:
    pixels = example_pixels(encoder, rows=_EXPORT_BATCH)
    tower = folded_copy(encoder.module.visual, pixels.to(encoder.device)).cpu()
    return tower, pixels, {0: torch.export.Dim("batch", max=_LARGEST_BATCH)}


def example_pixels(encoder: Encoder, *, rows: int) -> torch.Tensor:
    """Noise of the shape that the picture tower takes, the same each time."""
    size = encoder.preprocess_cfg["size"]
    height, width = (size, size) if isinstance(size, int) else size
    return torch.rand(rows, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _text(encoder: Encoder) -> tuple[torch.nn.Module, torch.Tensor, dict[int, object]]:
    tokens = encoder.tokenize(["a plain red shoe", "a mug", "lamp"])
    axes: dict[int, object] = {0: torch.export.Dim("batch", max=_LARGEST_BATCH)}
    if encoder.can_trim_padding:
        longest = tokens.shape[1]
        tokens = encoder.trim(tokens)
        axes[1] = torch.export.Dim("length", min=2, max=longest)
    return copied_text_tower(encoder.module.text).cpu(), tokens, axes


def _require_exporter() -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "writing a tower as an ONNX graph needs onnx and onnxscript; run: pip install 'eclip[fast]'"
        ) from None


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The exporter tells its steps on stdout and warns of its own parts."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        unheard = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stdout(unheard), contextlib.redirect_stderr(unheard):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
