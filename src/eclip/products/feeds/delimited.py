"""CSV and TSV row by row: delimiter, quotes, rows of the wrong length. A bad row is a text that says why.

Read by the standard library: all values stay text (`007`, "NA"), a field may be of any length, and a row that
can't be read costs only itself. (A whole-file CSV engine needs gigabytes for long fields and ends at the first
bad row.)
"""

from __future__ import annotations

import csv
import re
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from eclip.errors import FeedError, NoRowsError
from eclip.products.columns import refuse_repeated
from eclip.products.feeds.brokenrow import BrokenRow
from eclip.products.feeds.encoding import MAX_LINE_CHARS, LongLine, is_broken, open_text, text_encoding, text_lines
from eclip.products.feeds.feed import FileFeed

_DELIMITERS = (",", ";", "\t", "|")
_QUOTED = re.compile(r'"[^"]*"')
_MAX_RECORD_LINES = 20_000  # a quoted field of more lines is a quote that was never closed
_MAX_RECORD_CHARS = MAX_LINE_CHARS  # likewise of more text
_TOO_LONG = f"a line of more than {MAX_LINE_CHARS:,} characters"


@dataclass(frozen=True)
class CsvShape:
    """How a CSV file is written."""

    header: tuple[str, ...]
    delimiter: str
    encoding: str


def open_csv(path: Path) -> FileFeed:
    """A CSV or TSV file as a feed.

    Raises:
        FeedError: The file is empty, has no rows, or its header can't be read.
    """
    shape = csv_shape(path)
    if next(csv_rows(path, shape), None) is None:
        raise NoRowsError("has a header but no rows", path=path)
    return FileFeed(path, shape.header, partial(csv_rows, path, shape))


def csv_shape(path: Path) -> CsvShape:
    """Read the header of a CSV or TSV file.

    Raises:
        FeedError: The file is empty or its header names a column twice.
    """
    _lift_field_limit()
    encoding = text_encoding(path)
    with open_text(path, encoding) as file:
        lines = (line for line in text_lines(file) if line.strip() or isinstance(line, LongLine))
        first = next(lines, None)
        if first is None:
            raise FeedError("is empty", path=path)
        if isinstance(first, LongLine):
            raise FeedError(f"the header can't be read: {_TOO_LONG}", path=path)
        delimiter = header_delimiter(first)
        try:
            record = next(csv.reader(_chained(first, lines), delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration) as fault:
            raise FeedError(f"the header can't be read: {fault}", path=path) from None
    names = [_as_utf8(name).strip() or f"column_{index}" for index, name in enumerate(record, 1)]
    refuse_repeated(names, path)
    return CsvShape(tuple(names), delimiter, encoding)


def _as_utf8(name: str) -> str:
    """A name with question marks for bytes that could not be decoded."""
    return name.encode("utf-8", "replace").decode("utf-8")


def header_delimiter(line: str) -> str:
    """What parts the names of a header: the sign it has most of, outside quotes; a tab wins wherever there is one."""
    bare = _QUOTED.sub("", line)
    return "\t" if "\t" in bare else max(_DELIMITERS, key=bare.count)


def _lift_field_limit() -> None:
    """Let a field be of any length: the csv module stops at 128 KiB otherwise."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def csv_rows(path: Path, shape: CsvShape) -> Iterator[dict[str, str | None] | str]:
    """Rows of a CSV file as texts by column (empty = None); a bad row is a text that says why."""
    _lift_field_limit()
    with open_text(path, shape.encoding) as file:
        records = csv_records(text_lines(file), delimiter=shape.delimiter, num_fields=len(shape.header))
        header_seen = False
        for record in records:
            if not header_seen:
                header_seen = True
            elif isinstance(record, _BrokenRecord):
                yield BrokenRow(record.reason, _readable_cells(shape, record.values))
            elif any(is_broken(value) for value in record):
                yield BrokenRow(f"not readable as {shape.encoding}", _readable_cells(shape, record))
            else:
                yield {name: value or None for name, value in zip(shape.header, record, strict=True)}


def _readable_cells(shape: CsvShape, values: list[str]) -> dict[str, str | None]:
    """Cells of a row that can't be taken as a whole; the header may be longer or shorter."""
    return {name: value for name, value in zip(shape.header, values, strict=False) if value and not is_broken(value)}


@dataclass(frozen=True)
class _BrokenRecord:
    """Why a record is none, and the values before what broke it."""

    reason: str
    values: list[str] = field(default_factory=list)


def csv_records(lines: Iterator[str], *, delimiter: str, num_fields: int) -> Iterator[list[str] | _BrokenRecord]:
    """Split lines into records of `num_fields` values; a bad one says why.

    A quote that is never closed would swallow the rows after it: such a record is given up after its first
    line, and reading goes on with the second. Blank lines are no rows.
    """
    source = _PushBack(lines)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.taken.clear()
        try:
            record = next(reader)
            fault = None
        except StopIteration:
            return
        except (csv.Error, _TooLongRecordError) as error:
            record, fault = [], str(error)
        if fault is None and len(record) <= 1 and not any(value.strip() for value in record):
            continue
        while len(record) > num_fields and not record[-1]:
            record.pop()
        if fault is None and len(record) == num_fields:
            yield record
            continue
        if fault is None and len(source.taken) == 1:
            yield _of_wrong_length(record, num_fields)
            continue
        first, *rest = source.taken
        source.waiting.extendleft(reversed(rest))
        reader = csv.reader(source, delimiter=delimiter, strict=True)
        yield _first_line_alone(first, delimiter=delimiter, num_fields=num_fields)


def _first_line_alone(line: str, *, delimiter: str, num_fields: int) -> list[str] | _BrokenRecord:
    """Make the best of one line whose quotes are not as they should be."""
    if isinstance(line, LongLine):
        return _BrokenRecord(_TOO_LONG)
    record = next(csv.reader([line], delimiter=delimiter))
    try:
        next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as fault:
        if "end of data" in str(fault):
            return _BrokenRecord("a quote is opened and never closed", record[:-1])
    return record if len(record) == num_fields else _of_wrong_length(record, num_fields)


def _of_wrong_length(record: list[str], num_fields: int) -> _BrokenRecord:
    return _BrokenRecord(f"{len(record)} fields where the header has {num_fields}", record)


class _TooLongRecordError(Exception):
    """A record runs over more lines or text than any real one."""


class _PushBack:
    """Lines that can be given back, and the lines taken since `taken` was cleared."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []
        self._chars = 0

    def __iter__(self) -> _PushBack:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= _MAX_RECORD_LINES or (self.taken and self._chars > _MAX_RECORD_CHARS):
            raise _TooLongRecordError
        line = self.waiting.popleft() if self.waiting else next(self._lines)
        self._chars = len(line) + (self._chars if self.taken else 0)
        self.taken.append(line)
        if isinstance(line, LongLine):
            raise _TooLongRecordError(_TOO_LONG)
        return line
