"""Which stages of a run are done: told by what each read and by what lies there now, not by its mere name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eclip.commands.runrecord import RunRecord
from eclip.console import say
from eclip.errors import ModelError, StoreError
from eclip.files import write_text


class Stages:
    """The stages of a run, kept in a JSON file: digests of what each read, and of the artefact that it made.

    A stage is done again when either differs: its settings or an artefact that it reads changed, or its own is
    gone, damaged or was replaced by another command.
    """

    def __init__(self, file: Path, keeper: RunRecord) -> None:
        self.file, self.keeper = file, keeper
        self.done = _read(file)

    def do(self, name: str, reads: dict[str, Any], made: Callable[[], str | None], work: Callable[[], object]) -> str:
        """Do one stage unless it is done (then say so); returns the digest of its artefact.

        Args:
            name: Of the stage.
            reads: Settings, and digests of the artefacts that it reads.
            made: Digest of its artefact as it is now; None = none, or not whole.
            work: Makes the artefact.
        """
        content = sorted((key, str(value)) for key, value in reads.items())
        record = {"read": hashlib.sha256(repr(content).encode()).hexdigest()[:16], "made": made()}
        if record["made"] and self.done.get(name) == record:
            say(f"{name}: done before, kept")
            return str(record["made"])
        with self.keeper.stage(name) as told:
            work()
            record["made"] = made()
            told.update(record)
        self.done = {**self.done, name: record}
        write_text(self.file, json.dumps(self.done, indent=2))
        return str(record["made"])


def store_digest(store: Path) -> str | None:
    """Digest of a finished store's content."""
    from eclip.products.store import Store

    try:
        return Store.open(store).digest
    except StoreError:
        return None


def weights_digest(store: Path) -> str | None:
    """Digest of what the listings of a finished store weigh in training, by the last check of their pairs.

    The store's own digest is of what the feed said, which no check changes. None before the first check, when all weigh
    the same.
    """
    from eclip.products.manifest import PAIRS_CHECK
    from eclip.products.store import Store

    opened = Store.open(store)
    if PAIRS_CHECK not in opened.manifest:
        return None
    return hashlib.sha256(opened.table(["weight"])["weight"].to_numpy().tobytes()).hexdigest()[:16]


def vectors_digest(store: Path) -> str | None:
    """Digest of the model whose vectors lie in a store."""
    from eclip.products.store import Store

    try:
        return Store.open(store).vectors_digest
    except StoreError:
        return None


def model_digest(model: Path) -> str | None:
    """Digest of a finished model folder."""
    from eclip.model.folder import read_manifest

    try:
        manifest = read_manifest(model)
    except ModelError:
        return None
    return str(manifest["digest"]) if all((model / name).is_file() for name in manifest["files"]) else None


def tree_digest(folder: Path) -> str | None:
    """Digest of the names and contents of all files below a folder, which may be none; None without the folder."""
    if not folder.is_dir():
        return None
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _read(file: Path) -> dict[str, Any]:
    """What was done before; nothing where the file is missing or damaged."""
    try:
        done = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return done if isinstance(done, dict) else {}
