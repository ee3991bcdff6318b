"""What every feed is to the rest of eclip: named columns, a number of rows, and batches of raw rows."""

from __future__ import annotations

import json
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from eclip.errors import FeedError
from eclip.products.columns import ColumnMap
from eclip.products.feeds.brokenrow import BrokenRow

# Text of one batch; with its Arrow copy, the cells as Python objects and the next batch it is held several times.
MAX_BATCH_CHARS = 16 << 20

DAMAGED = (OSError, EOFError, zlib.error, pa.ArrowException)
"""What readers raise on a file that is damaged, or is no more."""

Cells = dict[str, str | None]
Row = Cells | str
"""The cells of a row by column; a text instead says why the row can't be read."""


@dataclass(frozen=True, kw_only=True)
class RawBatch:
    """Rows of a feed as they came, all from one file.

    Attributes:
        table: The feed's columns; text, or whatever type a Parquet file or database has. Null in a bad row.
        rows: 1-based number of each row in the feed; over all its files, where it has several.
        faults: Why a row can't be read; None where it can.
        file: The file they stand in, where the feed has several.
        rows_before: Rows of the files before this one.
        folder: Where relative names of their pictures start, where it is not the feed's.
        remains: Index of a bad row -> its cells that can be read, of columns that were asked for.
    """

    table: pa.Table
    rows: list[int]
    faults: list[str | None]
    file: str | None = None
    rows_before: int = 0
    folder: Path | None = None
    remains: dict[int, Cells] = field(default_factory=dict)

    def located(self, index: int, detail: str) -> str:
        """A remark on one row, which says the file and its row there when the feed has several files."""
        return detail if self.file is None else f"{self.file} row {self.rows[index] - self.rows_before}: {detail}"


class Feed(ABC):
    """A feed that was looked at; made by `open_feed`, and read as often as needed.

    Attributes:
        source: How messages name it; never holds a password.
        columns: Its columns, in order.
        folder: Where relative names of pictures start.
        column_map: Which column holds which field, as far as the platform that made the feed tells.
        platform: Name of that platform; None = not known.
    """

    columnar: ClassVar[bool] = False
    """Columns that nobody asked for are not read, and may be large: pictures."""

    source: str
    columns: tuple[str, ...]
    folder: Path
    column_map: ColumnMap = ColumnMap()
    platform: str | None = None

    @property
    @abstractmethod
    def num_rows(self) -> int:
        """Rows of the feed, bad ones too; a text feed is read through once for it."""

    @abstractmethod
    def batches(self, batch_size: int, *, columns: Sequence[str] | None = None) -> Iterator[RawBatch]:
        """Every row in the feed's order.

        Args:
            batch_size: Most rows in a batch; fewer where rows are very large.
            columns: Columns to read; None = all.

        Raises:
            FeedError: The feed can't be read any further.
        """

    @abstractmethod
    def facts(self) -> dict[str, object]:
        """What it is and what changes with its content, without reading it: path, bytes, time; no password."""


class RowFeed(Feed):
    """A feed that is parsed row by row: all cells are text, and a bad row costs only itself."""

    @abstractmethod
    def numbered_rows(self) -> Iterator[tuple[int, Row]]:
        """Every row with its 1-based number."""

    @cached_property
    def num_rows(self) -> int:  # type: ignore[override]
        """Counted by reading the feed through once."""
        with reading(self.source):
            return sum(1 for _ in self.numbered_rows())

    def batches(self, batch_size: int, *, columns: Sequence[str] | None = None) -> Iterator[RawBatch]:
        """See `Feed.batches`."""
        with reading(self.source):
            yield from gather(self.numbered_rows(), batch_size, list(self.columns if columns is None else columns))


class FileFeed(RowFeed):
    """A feed of rows in one file.

    Args:
        path: The file.
        columns: Its columns.
        rows: Reads the rows from the start.
    """

    def __init__(self, path: Path, columns: Sequence[str], rows: Callable[[], Iterator[Row]]) -> None:
        self.path, self.source, self.folder = path, str(path), path.parent
        self.columns = tuple(columns)
        self._rows, self._seen = rows, file_stamp(path)

    def numbered_rows(self) -> Iterator[tuple[int, Row]]:
        """See `RowFeed`."""
        with steady(self.path, self._seen):
            yield from enumerate(self._rows(), 1)

    def facts(self) -> dict[str, object]:
        """See `Feed.facts`."""
        return file_facts(self.path)


def file_facts(path: Path) -> dict[str, object]:
    """Path, size and time of a file."""
    stat = path.stat()
    return {"path": str(path), "bytes": stat.st_size, "modified_ns": stat.st_mtime_ns}


Stamp = tuple[int, int, int]
"""Size, time and inode of a file: they differ once it was written to or replaced."""


def file_stamp(path: Path) -> Stamp | None:
    """What a file is like now; None where it is gone."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


@contextmanager
def steady(path: Path, seen: Stamp | None) -> Iterator[None]:
    """Read a file only as long as it is what it was at the first look: rows of two states make no store.

    Raises:
        FeedError: It was written to, replaced or deleted, before or while it was read.
    """
    _check_stamp(path, seen)
    try:
        yield
    except (FeedError, *DAMAGED):
        _check_stamp(path, seen)
        raise
    _check_stamp(path, seen)


def _check_stamp(path: Path, seen: Stamp | None) -> None:
    now = file_stamp(path)
    if now is None:
        raise FeedError("was deleted while it was read; run the same command again once it is there", path=path)
    if now != seen:
        sizes = f" ({seen[0]:,} bytes then, {now[0]:,} now)" if seen and seen[0] != now[0] else ""
        raise FeedError(
            f"changed while it was read{sizes}; run the same command again once nobody writes to it", path=path
        )


def columns_of(rows: Iterable[Row], source: str) -> tuple[str, ...]:
    """Columns of rows that name their own cells: all names in the order they turn up; reads every row.

    Raises:
        FeedError: No row can be read.
    """
    columns: dict[str, None] = {}
    fault = None
    for row in rows:
        if isinstance(row, str):
            fault = fault or row
        else:
            columns.update(dict.fromkeys(row))
    if not columns:
        raise FeedError(f"no row can be read: {fault}" if fault else "is empty", path=source)
    return tuple(columns)


def gather(rows: Iterator[tuple[int, Row]], batch_size: int, columns: list[str]) -> Iterator[RawBatch]:
    """Gather parsed rows into batches of text columns, bounded in rows and in text."""
    batch, size = _Gathered(columns), 0
    for number, row in rows:
        size += batch.add(number, row)
        if len(batch.rows) == batch_size or size > MAX_BATCH_CHARS:
            yield batch.finished()
            batch, size = _Gathered(columns), 0
    if batch.rows:
        yield batch.finished()


class _Gathered:
    """A batch of text rows on its way."""

    def __init__(self, columns: list[str]) -> None:
        self.values: dict[str, list[str | None]] = {name: [] for name in columns}
        self.rows: list[int] = []
        self.faults: list[str | None] = []
        self.remains: dict[int, Cells] = {}

    def add(self, number: int, row: Row) -> int:
        """Take a row; returns the length of its text."""
        size = 0
        bad = isinstance(row, str)
        for name, values in self.values.items():
            value = None if isinstance(row, str) else row.get(name)
            values.append(value)
            size += len(value) if value else 0
        if isinstance(row, BrokenRow):
            self.remains[len(self.rows)] = {name: row.cells[name] for name in self.values if name in row.cells}
        self.rows.append(number)
        self.faults.append(str(row) if bad else None)
        return size

    def finished(self) -> RawBatch:
        """As a batch; the texts gathered are let go."""
        values, self.values = self.values, {}
        schema = pa.schema([(name, pa.large_string()) for name in values])
        table = pa.table(values, schema=schema)
        return RawBatch(table=table, rows=self.rows, faults=self.faults, remains=self.remains)


def numbered(tables: Iterable[pa.Table]) -> Iterator[RawBatch]:
    """Batches of a feed whose rows are all readable, numbered from 1.

    Raises:
        pa.ArrowException: What a damaged file or a careless writer left is no text, or no list.
    """
    done = 0
    for table in tables:
        table.validate(full=True)
        rows = list(range(done + 1, done + table.num_rows + 1))
        yield RawBatch(table=table, rows=rows, faults=[None] * table.num_rows)
        done += table.num_rows


def moved(batch: RawBatch, *, file: str, rows_before: int, folder: Path) -> RawBatch:
    """A batch of one file as a batch of a feed of several files."""
    rows = [row + rows_before for row in batch.rows]
    return replace(batch, rows=rows, file=file, rows_before=rows_before, folder=folder)


@contextmanager
def reading(source: object) -> Iterator[None]:
    """Turn what readers of damaged files raise into one line that names the feed.

    Raises:
        FeedError: In place of such an error.
    """
    try:
        yield
    except DAMAGED as fault:
        said = (fault.strerror if isinstance(fault, OSError) else None) or str(fault)
        raise FeedError(f"can't be read: {(said.splitlines() or [type(fault).__name__])[0]}", path=source) from None


def row_as_json(values: dict[str, object]) -> str:
    """A raw row as it is kept beside a reject: pictures and other bytes left out."""
    kept = {name: value for name, value in values.items() if value is not None and not _has_bytes(value)}
    return json.dumps(kept, ensure_ascii=False, default=str)


def _has_bytes(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_bytes(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_has_bytes(item) for item in value)
    return isinstance(value, bytes)
