"""The model folder: what `train` leaves behind and every later step reads.

The layout is open_clip's, so that `open_clip.create_model_and_transforms("local-dir:FOLDER")` loads it, with
`eclip.json` written last: a folder without it was never finished. No file needs pickle.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from eclip.errors import ModelError
from eclip.files import replace_file, replace_file_by_library, write_text
from eclip.model.card import model_card
from eclip.model.encoder import MODALITIES, Encoder, default_device
from eclip.model.foreign import plain_name
from eclip.model.presets import assemble
from eclip.schema import MODEL_CARD, MODEL_CONFIG, MODEL_MANIFEST, MODEL_VERSION, MODEL_WEIGHTS
from eclip.version import __version__


def save_model(
    encoder: Encoder, folder: Path, *, facts: dict[str, Any], titles: dict[str, Any] | None = None
) -> Encoder:
    """Write the model into `folder` and return it with its path and digest.

    Args:
        encoder: The trained encoder.
        folder: Made if needed; an older model in it is replaced, its heads in `tasks/` then belong to
            another model and say so when they are read.
        facts: How it was made (recipe, store, seed, time); kept in the manifest and told in the card.
        titles: How the titles that it has learned from were cleaned, so that those of other feeds can be cleaned alike.
    """
    folder.mkdir(parents=True, exist_ok=True)
    manifest_file = folder / MODEL_MANIFEST
    manifest_file.unlink(missing_ok=True)  # from here until the end the folder is not whole
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in encoder.module.state_dict().items()}
    with replace_file_by_library(folder / MODEL_WEIGHTS) as aside:
        save_file(state, aside)
    config = {"model_cfg": encoder.model_cfg, "preprocess_cfg": encoder.preprocess_cfg}
    contents = {MODEL_CONFIG: json.dumps(config, indent=2).encode(), **encoder.tokenizer_files}
    for name, content in contents.items():
        with replace_file(folder / name) as aside:
            aside.write_bytes(content)
    sums = {name: _sha256(folder / name) for name in sorted([MODEL_WEIGHTS, *contents])}
    manifest = {
        "version": MODEL_VERSION,
        "eclip_version": __version__,
        "digest": hashlib.sha256(json.dumps(sums).encode()).hexdigest()[:16],
        "files": sums,
        "tokenizer_files": sorted(encoder.tokenizer_files),
        "pad_id": encoder.pad_id,
        "modalities": list(encoder.modalities),
        "licences": list(encoder.licences),
        "facts": facts,
        "titles": titles,
    }
    write_text(folder / MODEL_CARD, model_card(encoder, manifest))
    write_text(manifest_file, json.dumps(manifest, indent=2, ensure_ascii=False))
    encoder.manifest, encoder.path = manifest, folder
    return encoder


def load_model(folder: str | Path) -> Encoder:
    """Read a model folder into an `Encoder`, ready to encode.

    The folder may come from strangers: no file outside of it is touched, and nothing in it is run.

    Raises:
        ModelError: The folder is missing, was never finished, is damaged or of another version, or asks for more than
            a model needs: code, files elsewhere, parts to be fetched.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    try:
        encoder = _assembled(folder, manifest)
        encoder.module.load_state_dict(load_file(folder / MODEL_WEIGHTS))
    except (RuntimeError, SafetensorError) as error:
        raise ModelError(f"{folder / MODEL_WEIGHTS} does not fit {MODEL_CONFIG}: {error}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        said = f"{type(error).__name__}: {error}"[:160]
        raise ModelError(f"{folder} is damaged ({said}); copy the model again or train it again") from error
    encoder.module.to(default_device()).eval()
    encoder.modalities = tuple(manifest.get("modalities", MODALITIES))
    encoder.pad_id, encoder.manifest, encoder.path = manifest["pad_id"], manifest, folder
    return encoder


def _assembled(folder: Path, manifest: dict[str, Any]) -> Encoder:
    """The encoder of a folder, its weights still fresh."""
    for name, expected in manifest["files"].items():
        file = folder / plain_name(name)
        if not file.is_file() or _sha256(file) != expected:
            raise ModelError(f"{file} is missing or damaged; copy the model again or train it again")
    config = json.loads((folder / MODEL_CONFIG).read_text(encoding="utf-8"))
    files = {plain_name(name): (folder / name).read_bytes() for name in manifest["tokenizer_files"]}
    return assemble(config["model_cfg"], config["preprocess_cfg"], files, licences=tuple(manifest["licences"]))


def read_manifest(folder: Path) -> dict[str, Any]:
    """What `eclip.json` says of a model folder.

    Raises:
        ModelError: There is no finished model of this version there.
    """
    file = folder / MODEL_MANIFEST
    if not folder.is_dir():
        raise ModelError(f"no model folder at {folder}; expected one that `eclip train STORE --out MODEL` made")
    if not file.is_file():
        raise ModelError(f"{folder} holds no finished eclip model ({MODEL_MANIFEST} is missing); run `eclip train`")
    try:
        manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{file} is not JSON ({error}); copy the model again or train it again") from error
    if manifest.get("version") != MODEL_VERSION:
        raise ModelError(
            f"{folder} is a model of version {manifest.get('version')!r}; this eclip reads {MODEL_VERSION}: "
            "train it again or install the eclip that made it"
        )
    plain_name(manifest.get("digest"))  # files that are made of the model are called by it
    return manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
