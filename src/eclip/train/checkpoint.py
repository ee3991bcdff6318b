"""What a run needs to go on after any kind of end: weights, optimiser, place in the data.

Random numbers need no state: each step begins with a seed of its own.

`MODEL/run/start.json` with the tokenizer's files says what was begun; `MODEL/run/checkpoint.safetensors` says how
far it came. Tensors only, no pickle; written aside, then renamed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from eclip.errors import CheckpointError, OtherRunError
from eclip.files import replace_file, write_text
from eclip.model.encoder import Encoder
from eclip.model.presets import assemble

START = "start.json"
CHECKPOINT = "checkpoint.safetensors"
TOKENIZER = "tokenizer"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is: steps taken, pairs seen and seconds spent training, over all its sittings."""

    step: int
    pairs: int
    elapsed_seconds: float


def save_start(run: Path, encoder: Encoder, identity: dict[str, Any]) -> None:
    """Keep what a resumed run must begin from; `identity` (config, store) must be the same then."""
    (run / TOKENIZER).mkdir(parents=True, exist_ok=True)
    (run / CHECKPOINT).unlink(missing_ok=True)  # of an earlier run: it must not be taken for this one's
    for name, content in encoder.tokenizer_files.items():
        (run / TOKENIZER / name).write_bytes(content)
    start = {
        "identity": identity,
        "model_cfg": encoder.model_cfg,
        "preprocess_cfg": encoder.preprocess_cfg,
        "licences": encoder.licences,
        "pretrained_prefixes": encoder.pretrained_prefixes,
        "tokenizer_files": sorted(encoder.tokenizer_files),
    }
    write_text(run / START, json.dumps(start, indent=2, ensure_ascii=False))


def load_start(run: Path, identity: dict[str, Any]) -> Encoder | None:
    """The encoder of the run that was begun in this folder, weights still fresh; None when there is none.

    A finished run with other settings counts as none: its model may be replaced.

    Raises:
        OtherRunError: The run in this folder is unfinished and has another configuration or store.
    """
    if not (run / START).is_file() or not (run / CHECKPOINT).is_file():
        return None
    start = json.loads((run / START).read_text(encoding="utf-8"))
    if start["identity"] != identity and start.get("finished"):
        return None
    if start["identity"] != identity:
        changed = sorted(
            key for key in {*start["identity"], *identity} if start["identity"].get(key) != identity.get(key)
        )
        was = ", ".join(f"{key} was {start['identity'].get(key)!r}" for key in changed)
        raise OtherRunError(
            f"{run} holds an unfinished run with other settings ({was}); "
            f"repeat those to resume it, or delete {run} to start anew"
        )
    files = {name: (run / TOKENIZER / name).read_bytes() for name in start["tokenizer_files"]}
    encoder = assemble(start["model_cfg"], start["preprocess_cfg"], files, licences=tuple(start["licences"]))
    encoder.pretrained_prefixes = tuple(start["pretrained_prefixes"])
    return encoder


def mark_finished(run: Path) -> None:
    """Note that the model of the run in this folder is whole: another run may take its place."""
    start = json.loads((run / START).read_text(encoding="utf-8"))
    write_text(run / START, json.dumps({**start, "finished": True}, indent=2, ensure_ascii=False))


def save_checkpoint(
    run: Path,
    encoder: Encoder,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    extra: Mapping[str, torch.Tensor],
) -> None:
    """Write weights, optimiser and what else a step needs into one file; the old one stands until it is whole."""
    tensors = {f"model.{name}": tensor for name, tensor in encoder.module.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors.update({f"optimizer.{index}.{name}": value for name, value in state.items()})
    tensors.update({f"extra.{name}": tensor for name, tensor in extra.items()})
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replace_file(run / CHECKPOINT) as aside:
        save_file(tensors, aside, metadata={"progress": json.dumps(dataclasses.asdict(progress))})


def load_checkpoint(
    run: Path,
    encoder: Encoder,
    optimizer: torch.optim.Optimizer,
    restore: Callable[[Mapping[str, torch.Tensor]], None],
) -> Progress:
    """Put a run back to where its last checkpoint was; returns how far that is. `restore` takes what was `extra`.

    Raises:
        CheckpointError: The file is damaged or of another model.
    """
    path = run / CHECKPOINT
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            progress = Progress(**json.loads(file.metadata()["progress"]))
        model = {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")}
        encoder.module.load_state_dict(model)
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                state.setdefault(int(index), {})[key] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        restore({n.removeprefix("extra."): t for n, t in tensors.items() if n.startswith("extra.")})
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} can't continue this run ({' '.join(str(error).split())[:150]}); delete {run} to start anew"
        ) from error
    return progress
