"""Feeds as a stream of Arrow batches: CSV, TSV, JSON lines, Parquet.

Text feeds are read by the standard library, row by row: all values stay text (`007`, "NA"), a field may be
of any length, and a row that can't be read costs only itself. (A whole-file CSV engine needs gigabytes for
long fields and ends at the first bad row.)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from eclip.errors import FeedError
from eclip.products.textfeed import CsvShape, csv_rows, csv_shape, json_rows

_MAX_BATCH_BYTES = 256 << 20  # Parquet rows with large pictures: fewer rows at once


@dataclass(frozen=True, kw_only=True)
class RawBatch:
    """Rows of a feed as they came.

    Attributes:
        table: The feed's columns; text, or whatever type a Parquet file has. Null in a bad row.
        rows: 1-based number of each row in the feed.
        faults: Why a row can't be read; None where it can.
    """

    table: pa.Table
    rows: list[int]
    faults: list[str | None]


@dataclass(frozen=True)
class Feed:
    """A feed on disk; opened by `open_feed`."""

    path: Path
    columns: tuple[str, ...]
    shape: CsvShape | None = None  # None where the feed is not CSV or TSV

    @property
    def kind(self) -> str:
        """csv, jsonl or parquet."""
        return _KINDS[self.path.suffix.lower()]

    @cached_property
    def num_rows(self) -> int:
        """Rows of the feed, bad ones too; a text feed is read through once for it."""
        if self.kind == "parquet":
            return int(pq.ParquetFile(self.path).metadata.num_rows)
        return sum(1 for _ in self._text_rows())

    def batches(self, batch_size: int, *, columns: Sequence[str] | None = None) -> Iterator[RawBatch]:
        """Every row in the feed's order.

        Args:
            batch_size: Most rows in a batch; fewer where rows are very large.
            columns: Columns to read; None = all.

        Raises:
            FeedError: The file can't be read any further.
        """
        names = list(self.columns if columns is None else columns)
        try:
            if self.kind == "parquet":
                yield from _parquet_batches(self.path, batch_size, names)
            else:
                yield from _text_batches(self._text_rows(), batch_size, names)
        except (OSError, pa.ArrowException) as fault:
            raise FeedError(f"can't be read: {fault}", path=self.path) from None

    def _text_rows(self) -> Iterator[dict[str, str | None] | str]:
        if self.shape is not None:
            return csv_rows(self.path, self.shape)
        return json_rows(self.path)


_KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def open_feed(path: Path) -> Feed:
    """Look at a feed: its kind and its columns.

    Raises:
        FeedError: No such file, a folder, an unknown ending, or nothing in it.
    """
    if not path.exists():
        raise FeedError("no such file; expected a feed: .csv, .tsv, .jsonl or .parquet", path=path)
    if path.is_dir():
        raise FeedError("is a folder; name the feed file in it (.csv, .tsv, .jsonl or .parquet)", path=path)
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise FeedError(f"unknown ending {path.suffix!r}; expected .csv, .tsv, .jsonl or .parquet", path=path)
    try:
        feed = _OPENERS[kind](path)
    except OSError as fault:
        raise FeedError(f"can't be read: {fault.strerror or fault}", path=path) from None
    return feed


def _open_csv(path: Path) -> Feed:
    shape = csv_shape(path)
    feed = Feed(path, shape.header, shape)
    if next(csv_rows(path, shape), None) is None:
        raise FeedError("has a header but no rows", path=path)
    return feed


def _open_jsonl(path: Path) -> Feed:
    columns: dict[str, None] = {}
    fault = None
    for row in json_rows(path):
        if isinstance(row, str):
            fault = fault or row
        else:
            columns.update(dict.fromkeys(row))
    if not columns:
        raise FeedError(f"no row can be read: {fault}" if fault else "is empty", path=path)
    return Feed(path, tuple(columns))


def _open_parquet(path: Path) -> Feed:
    if path.stat().st_size == 0:
        raise FeedError("is empty", path=path)
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException as fault:
        raise FeedError(f"is no readable Parquet file: {str(fault).splitlines()[0]}", path=path) from None
    if file.metadata.num_rows == 0:
        raise FeedError("has columns but no rows", path=path)
    return Feed(path, tuple(file.schema_arrow.names))


_OPENERS: dict[str, Callable[[Path], Feed]] = {
    "csv": _open_csv,
    "jsonl": _open_jsonl,
    "parquet": _open_parquet,
}


def _text_batches(
    rows: Iterator[dict[str, str | None] | str], batch_size: int, columns: list[str]
) -> Iterator[RawBatch]:
    """Gather parsed rows (a text = why the row can't be read) into batches of text columns."""
    values: dict[str, list[str | None]] = {name: [] for name in columns}
    faults: list[str | None] = []
    schema = pa.schema([(name, pa.large_string()) for name in columns])
    done = size = 0
    for row in rows:
        bad = isinstance(row, str)
        for name in columns:
            value = None if isinstance(row, str) else row.get(name)
            values[name].append(value)
            size += len(value) if value else 0
        faults.append(str(row) if bad else None)
        if len(faults) == batch_size or size > _MAX_BATCH_BYTES:
            yield _raw_batch(pa.table(values, schema=schema), done, faults)
            done += len(faults)
            values, faults, size = {name: [] for name in columns}, [], 0
    if faults:
        yield _raw_batch(pa.table(values, schema=schema), done, faults)


def _parquet_batches(path: Path, batch_size: int, columns: list[str]) -> Iterator[RawBatch]:
    """Batches of a Parquet file; rows with large values come fewer at a time."""
    file = pq.ParquetFile(path)
    groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
    largest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=0)
    size = max(1, min(batch_size, int(_MAX_BATCH_BYTES / max(largest, 1))))
    done = 0
    for batch in file.iter_batches(size, columns=columns, use_threads=False):
        yield _raw_batch(pa.Table.from_batches([batch]), done, [None] * batch.num_rows)
        done += batch.num_rows


def _raw_batch(table: pa.Table, done: int, faults: list[str | None]) -> RawBatch:
    return RawBatch(table=table, rows=list(range(done + 1, done + len(faults) + 1)), faults=faults)


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
