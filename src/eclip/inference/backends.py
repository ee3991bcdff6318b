"""What the towers can be run by, and in which precision."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import util
from typing import Any, Literal, TypeAlias, get_args

from eclip.errors import ConfigError, MissingExtraError

BackendName: TypeAlias = Literal[
    "auto",
    "torch",
    "torch-bf16",
    "torch-compiled",
    "onnx",
    "onnx-int8",
    "openvino",
    "openvino-bf16",
    "openvino-int8",
]
Library: TypeAlias = Literal["torch", "onnxruntime", "openvino"]
Precision: TypeAlias = Literal["float32", "bfloat16", "int8"]


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One way to run a tower.

    Attributes:
        name: As `--backend` takes it.
        library: Whose engine it is.
        precision: Of the matrix products.
        compiled: By torch's compiler.
    """

    name: str
    library: Library
    precision: Precision = "float32"
    compiled: bool = False


BACKENDS = {
    each.name: each
    for each in (
        Backend(name="torch", library="torch"),
        Backend(name="torch-bf16", library="torch", precision="bfloat16"),
        Backend(name="torch-compiled", library="torch", compiled=True),
        Backend(name="onnx", library="onnxruntime"),
        Backend(name="onnx-int8", library="onnxruntime", precision="int8"),
        Backend(name="openvino", library="openvino"),
        Backend(name="openvino-bf16", library="openvino", precision="bfloat16"),
        Backend(name="openvino-int8", library="openvino", precision="int8"),
    )
}
TORCH = BACKENDS["torch"]


def named_backend(name: str) -> Backend:
    """The backend of a name.

    Raises:
        ConfigError: There is none of that name, or it is no single one.
        MissingExtraError: Its library is not installed.
    """
    if name not in BACKENDS:
        raise ConfigError(f"--backend {name}: no such backend; expected one of {', '.join(get_args(BackendName))}")
    backend = BACKENDS[name]
    if util.find_spec(backend.library) is None:
        raise MissingExtraError(f"--backend {name}: {backend.library} is not installed; run: pip install 'eclip[fast]'")
    return backend


def is_installed(backend: Backend) -> bool:
    """Whether its library is there, and what its graphs are made with."""
    needed = (backend.library,) if backend.library == "torch" else (backend.library, "onnx", "onnxscript")
    return all(util.find_spec(name) is not None for name in needed)


def multiplies_bfloat16() -> bool:
    """Whether this processor has instructions for products of bfloat16; without them it is slower than float32."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def load_openvino() -> Any:
    """OpenVINO, told to send nothing: its converter would report each use to its makers, from a forked process."""
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # an import of it then fails, as if absent
    import openvino

    return openvino
