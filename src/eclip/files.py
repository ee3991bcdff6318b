"""Writing so that nothing half-written is ever taken for whole: aside first, then renamed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eclip.errors import EclipError


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; on success it takes the place of `path`, else it is removed.

    Raises:
        EclipError: The disk is full.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with full_disk_in_one_line(path):
            yield aside
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file aside, then rename it."""
    with replace_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


@contextmanager
def full_disk_in_one_line(path: Path) -> Iterator[None]:
    """Turn "no space left" from any library into one clear line that names `path`.

    Libraries written in Rust report it as text of their own errors, not as `OSError` with `ENOSPC`.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            full = True
        else:
            full = "no space left" in str(error).lower() or "os error 28" in str(error).lower()
        if full and not isinstance(error, EclipError):
            raise EclipError(
                f"the disk is full while writing {path}; free some space and run the same command again"
            ) from error
        raise
