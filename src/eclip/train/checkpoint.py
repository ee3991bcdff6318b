"""What a run needs to go on after any kind of end: weights, optimiser, place in the data.

Random numbers need no state: each step begins with a seed of its own.

`MODEL/run/start.json` with the tokenizer's files says what was begun; `MODEL/run/checkpoints` holds the newest states
of the run, a file each, and `MODEL/run/best.safetensors` the weights that did best on the validation pairs. Tensors and
JSON only, no pickle; written aside, then renamed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from eclip.console import say
from eclip.errors import CheckpointError, OtherRunError
from eclip.files import remove_leftovers, replace_file_by_library, write_text
from eclip.model.encoder import Encoder
from eclip.model.presets import assemble
from eclip.train.checks import require_at_least_zero, require_choice, require_whole

START = "start.json"
CHECKPOINTS = "checkpoints"
BEST = "best.safetensors"
TOKENIZER = "tokenizer"
STARTED_WITH = (
    "identity",
    "model_cfg",
    "preprocess_cfg",
    "licences",
    "pretrained_prefixes",
    "tokenizer_files",
    "modalities",
)
# What a run that diverged may go on with in another size; anything else would be another run.
STEADYING = ("optimizer.lr", "optimizer.pretrained_lr", "optimizer.max_grad_norm")

ModelChoice: TypeAlias = Literal["auto", "last", "best"]


@dataclass(frozen=True, kw_only=True)
class CheckpointConfig:
    """What is kept of a run while it goes on, and which of its weights become the model."""

    every_seconds: float = 60.0
    """Time between two checkpoints, which is what a kill can cost; a stop and the end write one too."""
    keep: int = 2
    """Newest checkpoints that stay: where the last one is damaged, the run goes on from the one before."""
    model: ModelChoice = "auto"
    """last: the weights of the last step; best: those of the best recall@1 on the validation pairs (of equals the
    smaller loss); auto: last, as the falling learning rate makes it the best of most runs, or best in a run that was
    seen to overfit."""

    def __post_init__(self) -> None:
        require_at_least_zero("checkpoints.every_seconds", self.every_seconds)
        require_whole("checkpoints.keep", self.keep, least=1)
        require_choice("checkpoints.model", self.model, get_args(ModelChoice))


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is: steps taken, pairs seen and seconds spent training, over all its sittings."""

    step: int
    pairs: int
    elapsed_seconds: float


def save_start(run: Path, encoder: Encoder, identity: dict[str, Any]) -> None:
    """Keep what a resumed run must begin from; `identity` (config, store) must be the same then."""
    (run / TOKENIZER).mkdir(parents=True, exist_ok=True)
    for earlier in (*checkpoint_files(run), run / BEST):  # of an earlier run: they must not be taken for this one's
        earlier.unlink(missing_ok=True)
    for name, content in encoder.tokenizer_files.items():
        (run / TOKENIZER / name).write_bytes(content)
    start = {
        "identity": identity,
        "model_cfg": encoder.model_cfg,
        "preprocess_cfg": encoder.preprocess_cfg,
        "licences": encoder.licences,
        "pretrained_prefixes": encoder.pretrained_prefixes,
        "modalities": encoder.modalities,
        "tokenizer_files": sorted(encoder.tokenizer_files),
    }
    write_text(run / START, json.dumps(start, indent=2, ensure_ascii=False))


def load_start(run: Path, identity: dict[str, Any]) -> Encoder | None:
    """The encoder of the run that was begun in this folder, weights still fresh; None when there is none.

    A finished run with other settings counts as none: its model may be replaced. One that diverged may go on with
    other learning rates.

    Raises:
        OtherRunError: The run in this folder is unfinished and has another configuration or store, or was begun by
            another version.
    """
    if not (run / START).is_file() or not checkpoint_files(run):
        return None
    start = json.loads((run / START).read_text(encoding="utf-8"))
    missing = [name for name in STARTED_WITH if name not in start]
    if missing and not start.get("finished"):
        raise OtherRunError(
            f"{run / START} was written by another version of eclip (it lacks {', '.join(missing)}); end that run with "
            f"the version that began it, or delete {run} to start anew"
        )
    if missing:
        return None
    changed = sorted(key for key in {*start["identity"], *identity} if start["identity"].get(key) != identity.get(key))
    if changed and start.get("finished"):
        return None
    if changed and not (start.get("diverged") and set(changed) <= set(STEADYING)):
        was = ", ".join(f"{key} was {start['identity'].get(key)!r}" for key in changed)
        raise OtherRunError(
            f"{run} holds an unfinished run with other settings ({was}); "
            f"repeat those to resume it, or delete {run} to start anew"
        )
    files = {name: (run / TOKENIZER / name).read_bytes() for name in start["tokenizer_files"]}
    encoder = assemble(start["model_cfg"], start["preprocess_cfg"], files, licences=tuple(start["licences"]))
    encoder.pretrained_prefixes = tuple(start["pretrained_prefixes"])
    encoder.modalities = tuple(start["modalities"])
    return encoder


def mark(run: Path, **facts: Any) -> None:
    """Note in a run's start how it fared: finished=True (another run may take its place), diverged, its identity."""
    start = json.loads((run / START).read_text(encoding="utf-8"))
    write_text(run / START, json.dumps({**start, **facts}, indent=2, ensure_ascii=False))


def checkpoint_files(run: Path) -> list[Path]:
    """A run's checkpoints, newest first."""
    return sorted((run / CHECKPOINTS).glob("step-*.safetensors"), reverse=True)


def save_checkpoint(
    run: Path,
    encoder: Encoder,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    *,
    extra: Mapping[str, torch.Tensor],
    keep: int,
) -> bool:
    """Write weights, optimiser and what else a step needs in one file, then remove all but the `keep` newest ones.

    Weights that are not finite are not written: no run can go on from them. Says whether it wrote.
    """
    tensors = {f"model.{name}": tensor for name, tensor in encoder.module.state_dict().items()}
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        return False
    for index, state in optimizer.state_dict()["state"].items():
        tensors.update({f"optimizer.{index}.{name}": value for name, value in state.items()})
    tensors.update({f"extra.{name}": tensor for name, tensor in extra.items()})
    _write(run / CHECKPOINTS / f"step-{progress.step:09d}.safetensors", tensors, dataclasses.asdict(progress))
    remove_leftovers(
        run / CHECKPOINTS, "step-*.safetensors"
    )  # of killed runs: another step's file may never come again
    # A later step than this one is of a damaged file that the run could not go on from.
    older = [path for path in checkpoint_files(run) if step_of(path) <= progress.step]
    for path in {*checkpoint_files(run)} - {*older[:keep]}:
        path.unlink(missing_ok=True)
    return True


def load_checkpoint(
    run: Path,
    encoder: Encoder,
    optimizer: torch.optim.Optimizer,
    restore: Callable[[Mapping[str, torch.Tensor]], None],
) -> Progress:
    """Put a run back to where its last whole checkpoint was; returns how far that is. `restore` takes what was `extra`.

    Raises:
        CheckpointError: None is whole, or they are of another model.
    """
    faults = []
    for path in checkpoint_files(run):
        try:
            tensors, facts = read_state(path)
            encoder.module.load_state_dict(of_part(tensors, "model"))
            state: dict[int, dict[str, torch.Tensor]] = {}
            for name, tensor in of_part(tensors, "optimizer").items():
                index, key = name.split(".", 1)
                state.setdefault(int(index), {})[key] = tensor
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
            restore(of_part(tensors, "extra"))
            progress = Progress(**facts)
        except _DAMAGE as error:
            faults.append(f"{path} can't continue this run ({' '.join(str(error).split())[:150]})")
            continue
        for fault in faults:
            say(f"{fault}: going on from the checkpoint before, step {progress.step}")
        return progress
    raise CheckpointError(f"{'; '.join(faults)[:300]}; delete {run} to start anew")


@dataclass(frozen=True, kw_only=True)
class Best:
    """How the best weights of a run did on its validation pairs, and after how many steps."""

    step: int
    recall_at_1: float
    loss: float

    def beats(self, other: Best | None) -> bool:
        """Whether these weights are better: higher recall@1, of equals the smaller loss."""
        return other is None or (self.recall_at_1, -self.loss) > (other.recall_at_1, -other.loss)


def save_best(run: Path, encoder: Encoder, best: Best) -> None:
    """Keep the weights of this moment as the best so far."""
    _write(run / BEST, encoder.module.state_dict(), dataclasses.asdict(best))


def read_best(run: Path) -> Best | None:
    """How the best weights so far did; None when there are none that can be read."""
    try:
        with safe_open(run / BEST, framework="pt") as file:
            return Best(**json.loads(file.metadata()["facts"]))
    except (OSError, *_DAMAGE):
        return None


def best_up_to(run: Path, step: int) -> Best | None:
    """How the best weights of a run that goes on at a step did; later ones are removed.

    They are of steps that will be taken again, with other learning rates after a run has diverged.
    """
    best = read_best(run)
    if best is not None and best.step > step:
        (run / BEST).unlink(missing_ok=True)
        return None
    return best


def load_best(run: Path, encoder: Encoder) -> Best | None:
    """Give an encoder the best weights; it is left as it is, and None returned, where there are none to be read."""
    try:
        tensors, facts = read_state(run / BEST)
        encoder.module.load_state_dict(tensors)
        return Best(**facts)
    except FileNotFoundError:
        return None
    except _DAMAGE as error:
        say(f"{run / BEST} is damaged ({' '.join(str(error).split())[:150]}): the last weights become the model")
        return None


_DAMAGE = (SafetensorError, RuntimeError, KeyError, TypeError, ValueError)


def _write(path: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Tensors and facts in one file, with a checksum; the old one stands until the new one is whole on the disk."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replace_file_by_library(path) as aside:
        save_file(plain, aside, metadata={"facts": json.dumps(facts), "crc32": str(_checksum(plain))})
        with aside.open("rb+") as file:
            os.fsync(file.fileno())


def read_state(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and facts of a checkpoint, or of the best weights.

    Raises:
        ValueError: The file is damaged; SafetensorError where not even its header can be read.
    """
    with safe_open(path, framework="pt") as file:
        # Copies: the optimiser's state would lie in the mapped file, and hold its place on the disk once it is removed.
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a dict
        metadata = file.metadata()
    if str(_checksum(tensors)) != metadata["crc32"]:
        raise ValueError("its checksum is wrong")
    return tensors, json.loads(metadata["facts"])


def _checksum(tensors: Mapping[str, torch.Tensor]) -> int:
    checksum = 0
    for name in sorted(tensors):
        checksum = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy(), checksum)
    return checksum


def of_part(tensors: Mapping[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    """Those of model, optimizer, extra or extra.average, by their names there."""
    prefix = f"{part}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def step_of(path: Path) -> int:
    """After which step a checkpoint was written."""
    return int(path.stem.removeprefix("step-"))
