"""A model folder: its files, tokenizer, and what its tasks were fitted on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eclip.doctor.checkup import Check, Patient
from eclip.files import is_leftover
from eclip.schema import MODEL_MANIFEST, MODEL_RUN, MODEL_TASKS, MODEL_VERSION

_MINE = Patient("model")
_ANEW = "copy the model again or train it again"


def check_model(folder: Path) -> list[Check]:
    """Look at a model folder; torch is loaded only to read its tokenizer, last of all."""
    manifest: dict[str, Any] = {}
    checks = _MINE.look("manifest", lambda: _manifest(folder, manifest), advice=_ANEW)
    if not manifest:
        return checks
    for name, looking in (
        ("files", _files(folder, manifest)),
        ("store", _origin(manifest)),
        ("tasks", _tasks(folder, manifest)),
        ("run", _run(folder)),
        ("tokenizer", _tokenizer(folder)),
    ):
        checks += _MINE.look(name, lambda found=looking: found, advice=_ANEW)  # type: ignore[misc]
    return checks


def model_digest(folder: Path) -> str | None:
    """Digest that the folder names for itself; None where it names none."""
    try:
        return str(json.loads((folder / MODEL_MANIFEST).read_text(encoding="utf-8"))["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _manifest(folder: Path, manifest: dict[str, Any]) -> Iterator[Check]:
    file = folder / MODEL_MANIFEST
    if not file.is_file():
        there = (folder / MODEL_RUN).is_dir()
        found = (
            f"{folder}: {'a training that has not ended' if there else 'no model here'} ({MODEL_MANIFEST} is missing)"
        )
        advice = "run the same `eclip train` again: it goes on" if there else "name a folder that `eclip train` made"
        yield _MINE.fault("manifest", found, advice)
        return
    content = json.loads(file.read_text(encoding="utf-8"))
    if content.get("version") != MODEL_VERSION:
        found = f"{folder}: version {content.get('version')}, this eclip reads {MODEL_VERSION}"
        yield _MINE.fault("manifest", found, "train it again, or install the eclip that made it")
        return
    modalities = " and ".join(content.get("modalities", ("image", "text")))
    manifest.update(content)
    made = f"by eclip {content['eclip_version']}, learned {modalities}"
    yield _MINE.good("manifest", f"{folder}: digest {content['digest']}, {made}")


def _files(folder: Path, manifest: dict[str, Any]) -> Iterator[Check]:
    """Every file against its sum, and these against the model's digest."""
    for name, expected in manifest["files"].items():
        if not (folder / name).is_file():
            yield _MINE.fault(name, "missing", _ANEW)
            continue
        with (folder / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        size = (folder / name).stat().st_size
        if found != expected:
            yield _MINE.fault(name, f"sha256 {found[:16]}, the manifest says {expected[:16]}", _ANEW)
        else:
            yield _MINE.good(name, f"{size / 1e6:,.1f} MB, as the manifest says")
    digest = hashlib.sha256(json.dumps(manifest["files"]).encode()).hexdigest()[:16]
    if digest != manifest["digest"]:
        yield _MINE.fault("digest", f"{digest} by its files, the manifest says {manifest['digest']}", _ANEW)


def _origin(manifest: dict[str, Any]) -> Iterator[Check]:
    facts = manifest.get("facts", {})
    told = [
        f"{name.removeprefix('run_')} {facts[name]}" for name in ("seed", "run_steps", "run_seconds") if name in facts
    ]
    if facts.get("store_digest"):
        yield _MINE.good("store", f"trained on {str(facts['store_digest'])[:16]}: {', '.join(told)}")
    else:
        yield _MINE.note("store", "does not say what it was trained on")


def _tasks(folder: Path, manifest: dict[str, Any]) -> Iterator[Check]:
    from eclip.tasks.taskfiles import TASKS, read_task

    missing = [task for task in TASKS if not (folder / MODEL_TASKS / task).is_dir()]
    for task in TASKS:
        place = folder / MODEL_TASKS / task
        if task in missing:
            continue
        fit = "run `eclip embed STORE --model MODEL` and `eclip fit STORE --model MODEL`"
        yield from _MINE.look(f"task {task}", lambda p=place: _task(p, read_task(p, manifest["digest"])), advice=fit)  # type: ignore[misc]
    if missing:
        found = f"not fitted: {', '.join(missing)}"
        yield _MINE.note("tasks", found, "run `eclip fit STORE --model MODEL`; tasks without labels are left out")


def _task(folder: Path, content: dict[str, Any]) -> Iterator[Check]:
    from eclip.tasks.heads.calibration import CALIBRATION_FILE

    calibrated = any(folder.rglob(CALIBRATION_FILE))
    heads = sum(1 for _ in folder.rglob("*.safetensors"))
    told = f"version {content['version']}, {heads} files of weights"
    yield _MINE.good(f"task {folder.name}", f"{told}, {'calibrated' if calibrated else 'no calibration file'}")


def _run(folder: Path) -> Iterator[Check]:
    left = [path.name for path in folder.iterdir() if is_leftover(path.name)]
    if left:
        yield _MINE.note("leftovers", f"{left[0]}, of a killed run", "the next run removes it; nothing reads it")
    if (folder / MODEL_RUN).is_dir():
        num = sum(path.stat().st_size for path in (folder / MODEL_RUN).rglob("*") if path.is_file())
        yield _MINE.good("run", f"{num / 1e6:,.1f} MB of its training, which only going on needs")


def _tokenizer(folder: Path) -> Iterator[Check]:
    from eclip.model.folder import load_model

    encoder = load_model(folder)
    vector = encoder.encode_text(["eclip doctor"])
    yield _MINE.good("encoder", f"loads and encodes a title into {vector.shape[1]} numbers")
