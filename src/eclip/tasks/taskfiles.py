"""What a fitted task keeps on disk: a folder that appears whole, and a JSON file that names its model."""

from __future__ import annotations

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


def write_task(folder: Path, content: dict[str, Any]) -> None:
    """Write what a task keeps as JSON."""
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / TASK_FILE).write_text(text + "\n", encoding="utf-8")


def read_task(folder: Path, model_digest: str) -> dict[str, Any]:
    """Read what `write_task` wrote, for the model with this digest.

    Raises:
        ModelError: The task was not fitted, its file is damaged, or it was fitted on vectors of another model.
    """
    try:
        content: dict[str, Any] = json.loads((folder / TASK_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{folder}: task {folder.name} is not fitted; run `eclip fit STORE --model MODEL` (it writes "
            f"MODEL/{MODEL_TASKS})"
        ) from None
    except ValueError as error:
        raise ModelError(f"{folder / TASK_FILE} is damaged ({error}); run `eclip fit` again") from error
    if content.get("model") != model_digest:
        raise ModelError(
            f"{folder}: task {folder.name} was fitted on vectors of model {content.get('model')}, this is "
            f"{model_digest}; run `eclip embed STORE --model MODEL` and `eclip fit STORE --model MODEL` again"
        )
    return content
