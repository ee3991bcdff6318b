"""What is made of a model once and kept: its graphs, and what a trial found on this machine.

It lies in MODEL/export, or, where the model's folder can't be written, in the user's cache. Names hold the model's
digest: what is of another model is never taken, and is removed when something new is written.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from eclip.errors import ModelError
from eclip.export.graphs import Modality
from eclip.files import write_text
from eclip.inference.backends import Precision
from eclip.model.encoder import Encoder
from eclip.schema import MODEL_EXPORT

_ENGINES = ("torch", "onnxruntime", "openvino")


class KeptGraphs:
    """The folder of what is kept of one model."""

    def __init__(self, encoder: Encoder) -> None:
        if encoder.path is None or not encoder.digest:
            raise ModelError("a model that is not saved has no graphs; save it first, or use --backend torch")
        self.digest = encoder.digest
        own = encoder.path / MODEL_EXPORT
        writable = os.access(own if own.is_dir() else encoder.path, os.W_OK | os.X_OK)
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._is_own = writable
        self.folder = own if writable else cache / "eclip" / MODEL_EXPORT

    def graph(self, modality: Modality, precision: Precision) -> Path:
        """Where a tower's graph is, or will be; bfloat16 is made of the float32 graph by the engine itself."""
        kind = "int8" if precision == "int8" else "float32"
        return self.folder / f"{modality}-{kind}-{self.digest}.onnx"

    def remove_older(self) -> None:
        """Remove what is of other models, where the folder is this model's own."""
        if self._is_own and self.folder.is_dir():
            for file in self.folder.iterdir():
                if file.is_file() and file.suffix in (".onnx", ".json") and self.digest not in file.name:
                    file.unlink(missing_ok=True)

    def told(self, threads: int) -> dict[str, Any]:
        """What was found of this model on this machine so far; empty where nothing was."""
        try:
            found: dict[str, Any] = json.loads(self._notes(threads).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def tell(self, threads: int, **facts: Any) -> None:
        """Keep some findings beside those that are there."""
        write_text(self._notes(threads), json.dumps({**self.told(threads), **facts}, indent=1))

    def _notes(self, threads: int) -> Path:
        return self.folder / f"trial-{machine_digest(threads)}-{self.digest}.json"


def machine_digest(threads: int) -> str:
    """Names this machine's processor, its threads, and the engines' versions: what a trial's outcome depends on."""
    facts = [platform.machine(), platform.processor(), _processor(), str(threads)]
    for name in _ENGINES:
        try:
            facts.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            facts.append(f"no {name}")
    return hashlib.sha256("|".join(facts).encode()).hexdigest()[:8]


def _processor() -> str:
    """Model and abilities, as Linux tells them; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    wanted = ("model name", "flags", "Features")
    return "|".join(next((line for line in lines if line.startswith(name)), "") for name in wanted)
