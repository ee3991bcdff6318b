"""Writing so that nothing half-written is ever taken for whole: aside first, then renamed."""

from __future__ import annotations

import errno
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eclip.errors import DiskError, EclipError

_FULL = (errno.ENOSPC, errno.EDQUOT)
# What a place to write to can be at fault with; any other `OSError` is a bug and keeps its traceback.
_NOT_WRITABLE = (
    errno.EACCES,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; on success it takes the place of `path`, else it is removed.

    The folder is made if needed; what a killed process left of the same file is removed.

    Raises:
        DiskError: The disk is full, or the place can't be written.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(path.parent, glob.escape(path.name))
            yield aside
            aside.replace(path)
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


@contextmanager
def replace_file_by_library(path: Path) -> Iterator[Path]:
    """As `replace_file`, for a library that itself writes aside first, under a name that nobody knows.

    It gets a folder of its own, which a later run finds and removes when this one is killed. The file can be read by
    whom the system lets read new files; safetensors alone would let only its owner.

    Raises:
        DiskError: The disk is full, or the place can't be written.
    """
    with replace_file(path) as aside:
        aside.touch()
        room = path.with_name(f".{path.name}.room.{os.getpid()}.partial")
        room.mkdir(exist_ok=True)
        try:
            yield room / path.name
            shutil.copymode(aside, room / path.name)
            (room / path.name).replace(aside)
        finally:
            shutil.rmtree(room, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file aside, then rename it once it is on the disk."""
    with replace_file(path) as aside, aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def is_leftover(name: str) -> bool:
    """Whether a file's name is that of `replace_file` on its way, as a killed process leaves it."""
    return name.startswith(".") and name.endswith(".partial")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a full or forbidden disk, as any library tells it, into one clear line that names `path`.

    Libraries written in Rust report "no space left" as text of their own errors, not as `OSError`.

    Raises:
        DiskError: In place of such an error.
    """
    try:
        yield
    except EclipError:
        raise
    except Exception as error:
        code = error.errno if isinstance(error, OSError) else None
        text = str(error).lower()
        if code in _FULL or "no space left" in text or "os error 28" in text:
            raise DiskError(
                f"the disk is full while writing {path}; free some space and run the same command again"
            ) from error
        if code in _NOT_WRITABLE:
            raise DiskError(f"can't write {path}: {_cause(error)}; name another place") from error
        raise


def _cause(error: BaseException) -> str:
    """What the system says, with the path that it says it of."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    return str(error)


def remove_leftovers(folder: Path, pattern: str) -> None:
    """Remove what killed processes left aside in a folder, of files whose names fit a pattern."""
    for leftover in folder.glob(f".{pattern}.*.partial"):
        pid = leftover.name.split(".")[-2]
        if not pid.isdigit() or is_running(int(pid)):
            continue
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def is_running(pid: int) -> bool:
    """Whether a process of this number runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
