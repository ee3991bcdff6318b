"""Text feeds row by row: encoding, delimiter, quotes, JSON lines. A bad row is a text that says why."""

from __future__ import annotations

import codecs
import csv
import json
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from eclip.errors import FeedError

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_BYTES = 4096
_SAMPLE_LINES = 1000  # with letters beyond ASCII: enough to tell UTF-8 from cp949
_MAX_RECORD_LINES = 20_000  # a quoted field of more lines is a quote that was never closed
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class CsvShape:
    """How a CSV file is written."""

    header: tuple[str, ...]
    delimiter: str
    encoding: str


def text_encoding(path: Path) -> str:
    """UTF-8, UTF-16 or cp949 (the Korean Windows code page), by byte order mark, else by trying lines.

    A few broken bytes do not decide: the encoding that reads more of the lines wins.
    """
    with path.open("rb") as file:
        head = file.read(_SAMPLE_BYTES)
        for mark, name in _BOMS:
            if head.startswith(mark):
                return name
        if head[1::2].count(0) > len(head) // 4:
            return "utf-16-le"
        if head[0::2].count(0) > len(head) // 4:
            return "utf-16-be"
        file.seek(0)
        lines = list(islice((line for line in file if not line.isascii()), _SAMPLE_LINES))
    readable = {name: sum(_reads(line, name) for line in lines) for name in ("utf-8", "cp949")}
    return "cp949" if readable["cp949"] > readable["utf-8"] else "utf-8"


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _open_text(path: Path, encoding: str) -> TextIO:
    """Open so that bytes which can't be decoded survive as marks in their own row only."""
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    return path.open(encoding=encoding, errors=errors, newline="")


def csv_shape(path: Path) -> CsvShape:
    """Read the header of a CSV or TSV file.

    Raises:
        FeedError: The file is empty or its header names a column twice.
    """
    _lift_field_limit()
    encoding = text_encoding(path)
    with _open_text(path, encoding) as file:
        lines = (line for line in file if line.strip())
        first = next(lines, None)
        if first is None:
            raise FeedError("is empty", path=path)
        delimiter = "\t"
        if path.suffix.lower() == ".csv":
            delimiter = max(_DELIMITERS, key=first.count)
        try:
            record = next(csv.reader(_chained(first, lines), delimiter=delimiter, strict=True))
        except csv.Error as fault:
            raise FeedError(f"the header can't be read: {fault}", path=path) from None
    names = [name.strip() or f"column_{index}" for index, name in enumerate(record, 1)]
    for name in names:
        if names.count(name) > 1:
            raise FeedError("the header has this column twice; rename one", path=path, column=name)
    return CsvShape(tuple(names), delimiter, encoding)


def _lift_field_limit() -> None:
    """Let a field be of any length: the csv module stops at 128 KiB otherwise."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def csv_rows(path: Path, shape: CsvShape) -> Iterator[dict[str, str | None] | str]:
    """Rows of a CSV file as texts by column (empty = None); a bad row is a text that says why."""
    _lift_field_limit()
    with _open_text(path, shape.encoding) as file:
        records = csv_records(iter(file), delimiter=shape.delimiter, num_fields=len(shape.header))
        header_seen = False
        for record in records:
            if not header_seen:
                header_seen = True
            elif isinstance(record, str):
                yield record
            elif any("\udc80" <= letter <= "\udcff" for value in record for letter in value):
                yield f"not readable as {shape.encoding}"
            else:
                yield {name: value or None for name, value in zip(shape.header, record, strict=True)}


def csv_records(lines: Iterator[str], *, delimiter: str, num_fields: int) -> Iterator[list[str] | str]:
    """Split lines into records of `num_fields` values; a bad record is a text that says why.

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
        except (csv.Error, _TooManyLinesError) as error:
            record, fault = [], str(error)
        if fault is None and len(record) <= 1 and not any(value.strip() for value in record):
            continue
        while len(record) > num_fields and not record[-1]:
            record.pop()
        if fault is None and len(record) == num_fields:
            yield record
            continue
        if fault is None and len(source.taken) == 1:
            yield f"{len(record)} fields where the header has {num_fields}"
            continue
        first, *rest = source.taken
        source.waiting.extendleft(reversed(rest))
        reader = csv.reader(source, delimiter=delimiter, strict=True)
        yield _first_line_alone(first, delimiter=delimiter, num_fields=num_fields)


def _first_line_alone(line: str, *, delimiter: str, num_fields: int) -> list[str] | str:
    """Make the best of one line whose quotes are not as they should be."""
    try:
        next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as fault:
        if "end of data" in str(fault):
            return "a quote is opened and never closed"
    record = next(csv.reader([line], delimiter=delimiter))
    if len(record) != num_fields:
        return f"{len(record)} fields where the header has {num_fields}"
    return record


class _TooManyLinesError(Exception):
    """A record runs over more lines than any real one."""


class _PushBack:
    """Lines that can be given back, and the lines taken since `taken` was cleared."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> _PushBack:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= _MAX_RECORD_LINES:
            raise _TooManyLinesError
        line = self.waiting.popleft() if self.waiting else next(self._lines)
        self.taken.append(line)
        return line


def json_rows(path: Path) -> Iterator[dict[str, str | None] | str]:
    """Rows of a JSON lines file as texts by key; lists and objects stay JSON text; numbers as written."""
    encoding = text_encoding(path)
    with _open_text(path, encoding) as file:
        for line in file:
            if line.strip():
                yield _json_row(line, encoding)


def _json_row(line: str, encoding: str) -> dict[str, str | None] | str:
    if any("\udc80" <= letter <= "\udcff" for letter in line):
        return f"not readable as {encoding}"
    try:
        value = json.loads(line, parse_float=str, parse_int=str, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as fault:
        return f"no JSON: {fault}"
    if not isinstance(value, dict):
        return f"expected a JSON object, found {type(value).__name__}"
    return {key: _json_text(item) for key, item in value.items()}


def _json_text(value: Any) -> str | None:
    """Text of a JSON value; half characters (lone surrogates) become question marks."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode("utf-8")
