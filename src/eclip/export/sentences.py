"""The title tower for sentence-transformers and transformers: what they can carry is a Hugging Face tower."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from eclip.errors import ModelError
from eclip.model.encoder import Encoder

_POOLERS = {"MeanPooler": "mean", "ClsLastHiddenStatePooler": "cls", "MaxPooler": "max"}
PROJECTION = "projection.safetensors"


def sentence_refusal(encoder: Encoder) -> str | None:
    """Why neither library can carry the title tower; None where both can."""
    tower: Any = encoder.module.text
    if "text" not in encoder.modalities:
        return "the model has not learned from titles"
    if not (hasattr(tower, "transformer") and hasattr(tower, "pooler") and hasattr(tower, "config")):
        return "its title tower is open_clip's own transformer, which they have no class for; use --format onnx"
    if type(tower.pooler).__name__ not in _POOLERS:
        return f"its pooling ({type(tower.pooler).__name__}) is unknown to them; use --format onnx"
    if not isinstance(tower.proj, torch.nn.Linear | torch.nn.Identity):
        return "its projection is more than one layer; use --format onnx"
    return None


def _write_tower(encoder: Encoder, out: Path) -> Any:
    """Write what both libraries read alike, transformer and tokenizer; returns the whole tower."""
    _require(encoder)
    tower: Any = encoder.module.text
    out.mkdir(parents=True)
    tower.transformer.save_pretrained(out)
    _tokenizer_files(encoder, out)
    return tower


def write_transformers_folder(encoder: Encoder, out: Path) -> None:
    """Write the tower as transformers reads it, and its projection beside it.

    Raises:
        ModelError: The tower can't be carried.
    """
    tower = _write_tower(encoder, out)
    code = [
        "import torch, transformers, safetensors.torch",
        'tokenizer = transformers.AutoTokenizer.from_pretrained(".")',
        'tower = transformers.AutoModel.from_pretrained(".").eval()',
        f"options = dict(padding=True, truncation=True, max_length={_length(encoder)}, return_tensors='pt')",
        'tokens = tokenizer(["red running shoe"], **options)',
        "states, mask = tower(**tokens).last_hidden_state, tokens.attention_mask[..., None]",
        f"features = {_pooled(tower)}",
    ]
    if isinstance(tower.proj, torch.nn.Linear):
        save_file({name: value.contiguous() for name, value in tower.proj.state_dict().items()}, out / PROJECTION)
        code.append(f'features = torch.nn.functional.linear(features, **safetensors.torch.load_file("{PROJECTION}"))')
    code.append("vectors = torch.nn.functional.normalize(features, dim=-1)")
    (out / "README.md").write_text(_readme(encoder, "transformers safetensors", code), encoding="utf-8")


def write_sentence_folder(encoder: Encoder, out: Path) -> None:
    """Write the tower as sentence-transformers reads it: transformer, pooling, projection, unit length.

    Raises:
        ModelError: The tower can't be carried.
    """
    tower = _write_tower(encoder, out)
    kinds = ["Transformer", "Pooling", *(["Dense"] if isinstance(tower.proj, torch.nn.Linear) else []), "Normalize"]
    modules = [
        {
            "idx": at,
            "name": str(at),
            "path": "" if kind == "Transformer" else f"{at}_{kind}",
            "type": f"sentence_transformers.models.{kind}",
        }
        for at, kind in enumerate(kinds)
    ]
    _write_json(out / "modules.json", modules)
    _write_json(out / "sentence_bert_config.json", {"max_seq_length": _length(encoder), "do_lower_case": False})
    _write_json(out / "config_sentence_transformers.json", {"similarity_fn_name": "cosine"})
    kind = _POOLERS[type(tower.pooler).__name__]
    width = int(tower.config.hidden_size)
    modes = {f"pooling_mode_{name}": mode == kind for name, mode in _MODES.items()}
    _write_json(out / "1_Pooling" / "config.json", {"word_embedding_dimension": width, **modes})
    if "Dense" in kinds:
        _write_dense(tower.proj, out / "2_Dense")
    (out / f"{len(kinds) - 1}_Normalize").mkdir()
    code = [
        "from sentence_transformers import SentenceTransformer",
        'model = SentenceTransformer(".")',
        'vectors = model.encode(["red running shoe"])',
    ]
    (out / "README.md").write_text(_readme(encoder, "sentence-transformers", code), encoding="utf-8")


def transformers_vectors(folder: Path, encoder: Encoder, titles: list[str]) -> np.ndarray:
    """Unit vectors [N, D] of titles by a folder of either kind, read with transformers alone."""
    import transformers

    # A folder that was written a moment ago: nothing is fetched.
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)  # nosec B615
    tower: Any = transformers.AutoModel.from_pretrained(folder).eval()  # nosec B615
    tokens = tokenizer(titles, padding=True, truncation=True, max_length=_length(encoder), return_tensors="pt")
    with torch.inference_mode():
        states = tower(**tokens).last_hidden_state
        mask = tokens.attention_mask[..., None]
        features = _POOLED[_POOLERS[type(encoder.module.text.pooler).__name__]](states, mask)
        kept = (folder / PROJECTION, folder / "2_Dense" / "model.safetensors")
        dense = next((file for file in kept if file.is_file()), None)
        if dense is not None:
            from safetensors.torch import load_file

            weights = {name.removeprefix("linear."): value for name, value in load_file(dense).items()}
            features = torch.nn.functional.linear(features, weights["weight"], weights.get("bias"))
        return np.asarray(torch.nn.functional.normalize(features, dim=-1))


_MODES = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}  # nosec B105
_POOLED = {
    "mean": lambda states, mask: (states * mask).sum(1) / mask.sum(1),
    "cls": lambda states, mask: states[:, 0],  # noqa: ARG005 - one signature for all
    "max": lambda states, mask: states.masked_fill(mask == 0, float("-inf")).amax(1),
}
_POOLED_CODE = {
    "mean": "(states * mask).sum(1) / mask.sum(1)",
    "cls": "states[:, 0]",
    "max": 'states.masked_fill(mask == 0, float("-inf")).amax(1)',
}


def _pooled(tower: Any) -> str:
    return _POOLED_CODE[_POOLERS[type(tower.pooler).__name__]]


def _require(encoder: Encoder) -> None:
    reason = sentence_refusal(encoder)
    if reason is not None:
        raise ModelError(f"{encoder.path}: {reason}")


def _length(encoder: Encoder) -> int:
    return int(encoder.model_cfg["text_cfg"].get("context_length", 77))


def _tokenizer_files(encoder: Encoder, out: Path) -> None:
    for name, content in encoder.tokenizer_files.items():
        if name != "config.json":  # the transformer has written its own
            (out / name).write_bytes(content)


def _write_dense(projection: torch.nn.Linear, folder: Path) -> None:
    folder.mkdir()
    weights = {f"linear.{name}": value.contiguous() for name, value in projection.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    told = {
        "in_features": projection.in_features,
        "out_features": projection.out_features,
        "bias": projection.bias is not None,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    _write_json(folder / "config.json", told)


def _write_json(file: Path, content: object) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _readme(encoder: Encoder, packages: str, code: list[str]) -> str:
    lines = "\n".join(code)
    licences = "\n".join(f"- {line}" for line in encoder.licences) or "None."
    return f"""# The title tower of a shop's model

Vectors have {encoder.embed_dim} numbers, unit length, and lie in one space with those of pictures of the model
{encoder.digest}. Needs `pip install {packages}`; in this folder:

```python
{lines}
```

## Licences of borrowed weights
{licences}
"""
