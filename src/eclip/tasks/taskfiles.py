"""What a fitted task keeps on disk: a folder that appears whole, and a JSON file that names its model."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eclip.errors import ModelError
from eclip.schema import MODEL_TASKS

TASKS = ("category", "attributes", "matching", "clustering", "adult")
TASK_FILE = "task.json"  # what a task keeps beside its heads
TASK_VERSION = 2  # of all that `fit` writes; 2: pairs are compared listing by listing, spans know their categories


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder` that takes its place once the block has ended well.

    Whoever is stopped half-way leaves the old folder as it was; one that was killed between the two renames left
    it aside, and it is brought back first.
    """
    aside, old = folder.with_name(f".{folder.name}.partial"), folder.with_name(f".{folder.name}.old")
    if old.exists() and not folder.exists():
        old.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    finally:
        if old.exists() and not folder.exists():  # stopped between the two renames
            old.rename(folder)
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_versioned(file: Path, version: int, content: dict[str, Any], *, indent: int | None = 1) -> None:
    """Write JSON that says of which version it is."""
    text = json.dumps({**content, "version": version}, ensure_ascii=False, indent=indent, sort_keys=True)
    file.write_text(text + "\n", encoding="utf-8")


def read_versioned(file: Path, version: int) -> dict[str, Any]:
    """Read what `write_versioned` wrote, within `readable`.

    Raises:
        ModelError: It is of another version.
    """
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if content["version"] != version:
        raise ModelError(
            f"{file} is of version {content['version']}, expected {version}: another version of eclip wrote it; run "
            "`eclip fit` again"
        )
    return content


@contextmanager
def readable(folder: Path, what: str) -> Iterator[None]:
    """Whatever fails to be read within the block is told as one fault.

    Raises:
        ModelError: `what` is missing or damaged.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise ModelError(f"{folder} holds no readable {what} ({error}); run `eclip fit` again") from error


def write_task(folder: Path, content: dict[str, Any]) -> None:
    """Write what a task keeps as JSON."""
    write_versioned(folder / TASK_FILE, TASK_VERSION, content)


def read_task(folder: Path, model_digest: str) -> dict[str, Any]:
    """Read what `write_task` wrote, for the model with this digest.

    Raises:
        ModelError: The task was not fitted, its file is damaged or of another version, or it was fitted on vectors of
            another model.
    """
    if not (folder / TASK_FILE).is_file():
        raise ModelError(
            f"{folder}: task {folder.name} is not fitted; run `eclip fit STORE --model MODEL` (it writes "
            f"MODEL/{MODEL_TASKS})"
        )
    with readable(folder, TASK_FILE):
        content = read_versioned(folder / TASK_FILE, TASK_VERSION)
    if content.get("model") != model_digest:
        raise ModelError(
            f"{folder}: task {folder.name} was fitted on vectors of model {content.get('model')}, this is "
            f"{model_digest}; run `eclip embed STORE --model MODEL` and `eclip fit STORE --model MODEL` again"
        )
    return content


def tasks_digest(tasks: Path) -> str:
    """Digest of all fitted tasks in a folder: of their files' names and bytes."""
    digest = hashlib.sha256()
    for file in sorted(file for file in tasks.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(tasks)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def is_of_one_model(folder: Path, other: Path) -> bool:
    """Whether both tasks are fitted, and on vectors of the same model."""
    told = []
    for each in (folder, other):
        if not (each / TASK_FILE).is_file():
            return False
        with readable(each, TASK_FILE):
            told.append(json.loads((each / TASK_FILE).read_text(encoding="utf-8")).get("model"))
    return bool(told[0] == told[1])
