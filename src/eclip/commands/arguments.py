"""The arguments that several commands share: their names on the command line and their checks."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from eclip.errors import ConfigError
from eclip.inference.backends import BackendName

MAX_SEED = 2**32 - 1

BackendArgument = Annotated[BackendName, tyro.conf.arg(metavar="ENGINE")]

# Text: a path would fold the slashes of sqlite:///shop.db and s3://bucket/store.
FeedArgument = Annotated[tyro.conf.Positional[str | Path], tyro.conf.arg(metavar="FEED")]
StoreArgument = Annotated[tyro.conf.Positional[str | Path], tyro.conf.arg(metavar="STORE")]
MaybeStoreArgument = Annotated[tyro.conf.Positional[str | Path | None], tyro.conf.arg(metavar="STORE")]
SourceArgument = Annotated[tyro.conf.Positional[str | Path], tyro.conf.arg(metavar="SOURCE")]
AnswersArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="ANSWERS")]
CorrectionsArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="CORRECTIONS")]
OutArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
TextArgument = Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="TEXT")]


def require_positive(name: str, value: float | None) -> None:
    """Refuse a number that is not above 0 or not finite; None passes.

    Raises:
        ConfigError: It is 0 or below, infinite or no number.
    """
    if value is not None and not 0 < value < math.inf:
        raise ConfigError(f"--{name.replace('_', '-')} {value:g}: expected a number above 0")


def require_seed(value: int | None) -> None:
    """Refuse a seed that no random generator takes; None passes.

    Raises:
        ConfigError: It is below 0, or more than random generators take.
    """
    if value is not None and not 0 <= value <= MAX_SEED:
        raise ConfigError(f"--seed {value}: expected a whole number from 0 to {MAX_SEED}")


def require_folder(name: str, path: Path) -> None:
    """Refuse a folder that can't be made or written, before the work that would end there.

    Raises:
        ConfigError: It is a file, lies below one, or must not be written.
    """
    if path.exists() and not path.is_dir():
        raise ConfigError(f"--{name} {path}: is a file; name a folder")
    _require_writable(name, path)


def require_own_folder(name: str, path: Path, *, marks: Sequence[str]) -> None:
    """As `require_folder`, and refuse one that holds other things than what eclip writes there.

    Args:
        name: Of the option.
        path: The folder.
        marks: Files or folders one of which is there when it is eclip's own.

    Raises:
        ConfigError: It can't be made or written, or holds something else.
    """
    require_folder(name, path)
    held = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith(".")) if path.is_dir() else []
    if held and not any((path / mark).exists() for mark in marks):
        raise ConfigError(f"--{name} {path}: holds {held[0]}, which eclip did not write; name a new or empty folder")


def require_file(name: str, path: Path, *, suffix: str | tuple[str, ...]) -> None:
    """Refuse a file that can't be written, before the work that would end there.

    Raises:
        ConfigError: It ends otherwise than in `suffix` or one of them, is a folder, lies below a file, or must not
            be written.
    """
    suffixes = (suffix,) if isinstance(suffix, str) else suffix
    if path.suffix not in suffixes:
        raise ConfigError(f"--{name} {path}: expected the name of a {' or '.join(suffixes)} file")
    if path.is_dir():
        raise ConfigError(f"--{name} {path}: is a folder; name a file")
    _require_writable(name, path.parent)


def _require_writable(name: str, folder: Path) -> None:
    if str(folder).startswith(("s3:/", "gs:/")):
        raise ConfigError(f"--{name} {folder}: only stores may lie in object storage; name a place on this machine")
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir():
        raise ConfigError(f"--{name} {folder}: can't be made, {existing} is a file; name another place")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ConfigError(f"--{name} {folder}: {existing} can't be written; name another place")
