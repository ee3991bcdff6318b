"""One tower in one engine: a batch of pixels or tokens in, features out; safe to call from several threads at once.

Each call runs on one thread: many small operations shared by two threads wait more than they compute, so a
processor's threads each get a chunk of their own (`eclip.inference.chunks`).
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from eclip.errors import ModelError
from eclip.export.graphs import Modality, example_pixels
from eclip.inference.backends import Backend, load_openvino
from eclip.model.encoder import Encoder, copied_text_tower
from eclip.model.folding import folded_copy


class Engine(Protocol):
    """Runs a tower."""

    def __call__(self, batch: torch.Tensor) -> np.ndarray:
        """Pixels [b, 3, H, W] or tokens [b, L] -> features [b, D] float32, not yet of unit length."""


class TorchEngine:
    """A tower in torch, on the device of its model; batch normalisation folded."""

    def __init__(self, encoder: Encoder, modality: Modality, backend: Backend) -> None:
        self._device = encoder.device
        if modality == "image":
            made = folded_copy(encoder.module.visual, example_pixels(encoder, rows=2).to(self._device))
        else:
            made = copied_text_tower(encoder.module.text)
        self._dtype = torch.bfloat16 if backend.precision == "bfloat16" else None
        if self._dtype is not None:
            made = made.to(self._dtype)
        if backend.compiled:
            made.compile(dynamic=modality == "text")
        self._tower = made
        self._is_image = modality == "image"

    def __call__(self, batch: torch.Tensor) -> np.ndarray:
        """As the protocol says."""
        with torch.inference_mode():
            given = batch.to(self._device, self._dtype) if self._is_image else batch.to(self._device)
            return np.asarray(self._tower(given).float().cpu())


class OnnxEngine:
    """A graph in onnxruntime."""

    def __init__(self, graph: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except Exception as fault:
            raise ModelError(f"{graph}: onnxruntime can't load it ({_first_line(fault)}); remove it") from fault
        self._input = self._session.get_inputs()[0].name

    def __call__(self, batch: torch.Tensor) -> np.ndarray:
        """As the protocol says."""
        return np.asarray(self._session.run(None, {self._input: batch.contiguous().numpy()})[0])


class OpenvinoEngine:
    """A graph in OpenVINO: a stream and a request a thread.

    Args:
        graph: Of `eclip.export`.
        backend: Says the precision.
        threads: Calls at once.
    """

    def __init__(self, graph: Path, backend: Backend, threads: int) -> None:
        openvino = load_openvino()
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
            "INFERENCE_PRECISION_HINT": "bf16" if backend.precision == "bfloat16" else "f32",
        }
        core = openvino.Core()
        if backend.precision == "bfloat16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise ModelError(f"--backend {backend.name}: this processor has no instructions for bfloat16")
        try:
            self._compiled = core.compile_model(core.read_model(str(graph)), "CPU", settings)
        except RuntimeError as fault:
            raise ModelError(f"{graph}: OpenVINO can't load it ({_first_line(fault)}); remove it") from fault
        self._own = threading.local()

    def __call__(self, batch: torch.Tensor) -> np.ndarray:
        """As the protocol says."""
        request: Any = getattr(self._own, "request", None)
        if request is None:
            request = self._own.request = self._compiled.create_infer_request()
        return np.array(request.infer({0: batch.contiguous().numpy()})[0])


def _first_line(fault: BaseException) -> str:
    return next((line.strip() for line in str(fault).splitlines() if line.strip()), type(fault).__name__)[:160]
