"""Folders of graphs, with all that their user needs: preprocessing, tokenizer, a README, and code without eclip."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eclip.errors import ModelError
from eclip.export import standalone
from eclip.export.graphs import Modality
from eclip.model.encoder import Encoder

TOKENIZER = "tokenizer.json"
CODE = "vectors.py"
_PACKAGES = {".onnx": "onnxruntime", ".xml": "openvino"}
_RESIZE_MODES = ("squash", "shortest")


def graph_refusal(encoder: Encoder, modality: Modality) -> str | None:
    """Why a folder of graphs can't carry a tower; None where it can."""
    things = "pictures" if modality == "image" else "titles"
    if modality not in encoder.modalities:
        return f"the model has not learned from {things}"
    if modality == "text" and TOKENIZER not in encoder.tokenizer_files:
        return f"its tokenizer has no {TOKENIZER} that other libraries read"
    if modality == "image" and encoder.preprocess_cfg.get("resize_mode", "shortest") not in _RESIZE_MODES:
        return f"resize_mode {encoder.preprocess_cfg['resize_mode']!r} is known to open_clip alone"
    return None


def write_graph_folder(encoder: Encoder, graphs: Mapping[Modality, Path], out: Path) -> None:
    """Write graphs and what goes with them into a new folder.

    Args:
        encoder: The model.
        graphs: Those of the towers that are carried; an OpenVINO one is its .xml, its .bin beside it.
        out: Made here.

    Raises:
        ModelError: There is no graph to write.
    """
    if not graphs:
        raise ModelError(f"{encoder.path}: no tower can be exported")
    out.mkdir(parents=True)
    for modality, graph in graphs.items():
        for file in {graph, graph.with_suffix(".bin")}:
            if file.is_file():
                shutil.copyfile(file, out / f"{modality}{file.suffix}")
    said = preprocessing(encoder, {modality: f"{modality}{graph.suffix}" for modality, graph in graphs.items()})
    (out / "preprocessing.json").write_text(json.dumps(said, indent=1), encoding="utf-8")
    if "text" in graphs:
        (out / TOKENIZER).write_bytes(encoder.tokenizer_files[TOKENIZER])
    shutil.copyfile(Path(standalone.__file__), out / CODE)
    packages = sorted({_PACKAGES[graph.suffix] for graph in graphs.values()})
    (out / "README.md").write_text(_readme(encoder, list(graphs), packages), encoding="utf-8")


def preprocessing(encoder: Encoder, graphs: Mapping[Modality, str]) -> dict[str, Any]:
    """What has to be done to pictures and titles before a tower sees them, as JSON."""
    said: dict[str, Any] = {"model": encoder.digest, "embed_dim": encoder.embed_dim}
    if "image" in graphs:
        cfg = encoder.preprocess_cfg
        size = cfg["size"]
        said["image"] = {
            "graph": graphs["image"],
            "size": [size, size] if isinstance(size, int) else list(size),
            "mean": list(cfg["mean"]),
            "std": list(cfg["std"]),
            "interpolation": cfg.get("interpolation", "bicubic"),
            "resize_mode": cfg.get("resize_mode", "shortest"),
        }
    if "text" in graphs:
        said["text"] = {
            "graph": graphs["text"],
            "context_length": int(encoder.model_cfg["text_cfg"].get("context_length", 77)),
            "pad_id": encoder.pad_id,
            "any_length": encoder.can_trim_padding,
        }
    return said


def _readme(encoder: Encoder, carried: list[Modality], packages: list[str]) -> str:
    lines = ["from vectors import Model", "", 'model = Model(".")']
    if "text" in carried:
        lines.append('titles = model.titles(["red running shoe"])')
    if "image" in carried:
        lines.append('pictures = model.pictures(["shoe.jpg"])')
    code = "\n".join(lines)
    licences = "\n".join(f"- {line}" for line in encoder.licences) or "None."
    return f"""# Towers of a shop's model as graphs

Vectors have {encoder.embed_dim} numbers, unit length, and lie in one space with those of the model {encoder.digest}.
Needs `pip install numpy pillow tokenizers {" ".join(packages)}`; in this folder:

```python
{code}
```

`preprocessing.json` says what is done to pictures and titles before; `{CODE}` does it. Text that was decoded wrongly
("Ã©") is mended by eclip with ftfy, and not here.

## Licences of borrowed weights
{licences}
"""
