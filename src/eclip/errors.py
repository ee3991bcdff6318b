"""The error family: each says what was found, what was expected, and what to do.

The command line prints the text of an `EclipError` in one line and exits 2; anything else is a bug and
shows its traceback. The service answers 4xx for these and 500 for the rest.
"""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class EclipError(Exception):
    """A fault that the caller can mend: bad input, a bad option, a damaged artefact.

    Its text is one line that can be printed, whatever names of files and columns stand in it.
    """

    def __str__(self) -> str:
        lines = (line.strip() for line in super().__str__().splitlines())
        return _UNPRINTABLE.sub("?", " ".join(line for line in lines if line))


class ConfigError(EclipError):
    """An option or recipe has a value that cannot work."""


class FeedError(EclipError):
    """A feed can't be read or understood; carries where.

    Args:
        message: What was found, what was expected, what to do.
        path: The feed.
        row: 1-based row in the feed, where the fault sits in one row.
        column: Column name, where the fault sits in one column.
    """

    def __init__(self, message: str, *, path: object = None, row: int | None = None, column: str | None = None) -> None:
        where = [str(path)] if path is not None else []
        where += [f"row {row}"] if row is not None else []
        where += [f"column {column!r}"] if column is not None else []
        super().__init__(f"{', '.join(where)}: {message}" if where else message)
        self.path, self.row, self.column = path, row, column


class DiskError(EclipError):
    """A place can't be written: the disk is full or forbidden, or a file is where a folder should be."""


class NoRowsError(FeedError):
    """A feed is whole, has columns, and no row below them: of several files one may be so."""


class StoreError(EclipError):
    """A product store is missing, damaged, of another version, or lacks what is asked of it."""


class ModelError(EclipError):
    """A model folder is missing, damaged, of another version, or lacks what is asked of it."""


class CheckpointError(EclipError):
    """A training checkpoint can't continue this run."""


class OtherRunError(CheckpointError):
    """A folder holds an unfinished run with other settings."""


class RankLostError(EclipError):
    """Another process of a distributed run has ended, so this one can't go on."""


class DivergedError(EclipError):
    """Training has no finite loss or gradients any more."""


class MissingExtraError(EclipError):
    """An optional package is needed; the text names the `pip install` line."""


class ClusterError(EclipError):
    """A Ray cluster can't be reached, or gave up on what it was asked."""
