"""Parquet, Arrow IPC and Feather files: types and pictures' bytes as they are, only the columns asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eclip.errors import FeedError, NoRowsError
from eclip.products.columns import refuse_repeated
from eclip.products.feeds.feed import Feed, RawBatch, file_facts, file_stamp, numbered, reading, steady

_FILE_MAGIC = b"ARROW1"
_MAX_BATCH_BYTES = 256 << 20  # rows with large pictures: fewer at once


class ParquetFeed(Feed):
    """A Parquet file.

    Raises:
        FeedError: Empty, damaged, without rows, or with two columns of one name.
    """

    columnar = True

    def __init__(self, path: Path) -> None:
        self.path, self.source, self.folder = path, str(path), path.parent
        self._seen = file_stamp(path)
        with _opening(path, "Parquet"):
            file = pq.ParquetFile(path)
        self._num_rows = int(file.metadata.num_rows)
        if not self._num_rows:
            raise NoRowsError("has columns but no rows", path=path)
        self.columns = tuple(file.schema_arrow.names)
        refuse_repeated(self.columns, path)

    @property
    def num_rows(self) -> int:
        """As the file says."""
        return self._num_rows

    def facts(self) -> dict[str, object]:
        """See `Feed.facts`."""
        return file_facts(self.path)

    def batches(self, batch_size: int, *, columns: Sequence[str] | None = None) -> Iterator[RawBatch]:
        """See `Feed.batches`."""
        with reading(self.path), steady(self.path, self._seen):
            yield from numbered(self._tables(batch_size, list(self.columns if columns is None else columns)))

    def _tables(self, batch_size: int, columns: list[str]) -> Iterator[pa.Table]:
        """Rows with large values come fewer at a time."""
        file = pq.ParquetFile(self.path)
        groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
        largest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=0)
        size = max(1, min(batch_size, int(_MAX_BATCH_BYTES / max(largest, 1))))
        for batch in file.iter_batches(size, columns=columns, use_threads=False):
            yield pa.Table.from_batches([batch])


class ArrowFeed(Feed):
    """An Arrow IPC file (Feather version 2) or stream.

    Raises:
        FeedError: Empty, damaged, without rows, or with two columns of one name.
    """

    columnar = True

    def __init__(self, path: Path) -> None:
        self.path, self.source, self.folder = path, str(path), path.parent
        self._seen = file_stamp(path)
        with _opening(path, "Arrow"), _arrow_batches(path) as (schema, _):
            self.columns = tuple(schema.names)
        refuse_repeated(self.columns, path)
        if not self.num_rows:
            raise NoRowsError("has columns but no rows", path=path)

    @cached_property
    def num_rows(self) -> int:  # type: ignore[override]
        """Counted over the file's batches."""
        with reading(self.path), _arrow_batches(self.path, self.columns[:1]) as (_, batches):
            return sum(batch.num_rows for batch in batches)

    def facts(self) -> dict[str, object]:
        """See `Feed.facts`."""
        return file_facts(self.path)

    def batches(self, batch_size: int, *, columns: Sequence[str] | None = None) -> Iterator[RawBatch]:
        """See `Feed.batches`."""
        names = list(self.columns if columns is None else columns)
        with (
            reading(self.path),
            steady(self.path, self._seen),
            _arrow_batches(self.path, names) as (_, batches),
        ):
            yield from numbered(sliced(batches, names, batch_size))


def sliced(batches: Iterator[pa.RecordBatch], columns: list[str], batch_size: int) -> Iterator[pa.Table]:
    """Tables of at most `batch_size` rows and about 256 MB; batches without rows left out."""
    for batch in batches:
        table = pa.Table.from_batches([batch]).select(columns)
        largest = table.nbytes / max(table.num_rows, 1)
        size = max(1, min(batch_size, int(_MAX_BATCH_BYTES / max(largest, 1))))
        for start in range(0, table.num_rows, size):
            yield table.slice(start, size)


@contextmanager
def _arrow_batches(
    path: Path, columns: Sequence[str] | None = None
) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """Schema and batches of a file or a stream, these columns alone; None = all.

    Not memory-mapped: a file that shrinks under its map ends the process.
    """
    with pa.OSFile(str(path)) as file:
        is_file = file.read(len(_FILE_MAGIC)) == _FILE_MAGIC
        file.seek(0)
        reader: Any = pa.ipc.open_file(file) if is_file else pa.ipc.open_stream(file)
        if columns is not None:
            places = [reader.schema.get_field_index(name) for name in columns]
            file.seek(0)
            options = pa.ipc.IpcReadOptions(included_fields=places)
            reader = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(file, options=options)
        batches = (reader.get_batch(index) for index in range(reader.num_record_batches)) if is_file else iter(reader)
        yield reader.schema, batches


@contextmanager
def _opening(path: Path, kind: str) -> Iterator[None]:
    if path.stat().st_size == 0:
        raise FeedError("is empty", path=path)
    try:
        yield
    except pa.ArrowException as fault:
        raise FeedError(f"is no readable {kind} file: {str(fault).splitlines()[0]}", path=path) from None
