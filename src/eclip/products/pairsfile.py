"""Pairs files: two records a line, and whether they are the same product.

Two forms are read. Lines `left TAB right TAB 0/1`, where a record is written `COL title VAL red shoe COL price VAL 9`
(the label may be missing); and CSV with the columns left and right (plain titles, or records in that form), or
with a column a field: left_title, right_title, left_brand, ...; and label, if any.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from eclip.errors import FeedError

Record: TypeAlias = dict[str, str]

TITLE_FIELDS = ("title", "name")  # what a record's title is called; otherwise its first field that is not empty
LABEL_COLUMNS = ("label", "same")
LABELS = {"0": False, "1": True, "": None, "false": False, "true": True}
_FIELD = re.compile(r"(?:^|(?<=\s))COL\s+(\S+)\s+VAL(?=\s|$)")
_SIDE = re.compile(r"(left|right|ltable|rtable)_(.+)")


@dataclass(frozen=True, kw_only=True)
class BadLine:
    """A line that was left out: its number from 1 and why."""

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class PairsFile:
    """N pairs in the order of the file.

    Attributes:
        path: The file.
        digest: Of its content.
        left: N records, field -> text.
        right: Likewise.
        labels: Whether they are the same product; None = not said.
        lines: Number of the line that each ends in, from 1.
        bad_lines: Lines that are no pair.
    """

    path: Path
    digest: str
    left: list[Record]
    right: list[Record]
    labels: list[bool | None]
    lines: list[int]
    bad_lines: list[BadLine]

    def __len__(self) -> int:
        return len(self.labels)

    def told(self) -> str | None:
        """One line on what was left out; None where nothing was."""
        if not self.bad_lines:
            return None
        first = self.bad_lines[0]
        return f"{self.path}: {len(self.bad_lines)} lines are no pairs and were left out, first line {first.line}: " + (
            first.reason
        )


def read_pairs_file(path: Path) -> PairsFile:
    """Read a pairs file of either form.

    Raises:
        FeedError: It can't be read, is empty, or no line of it is a pair.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise FeedError(f"can't be read: {error.strerror}", path=path) from error
    except UnicodeDecodeError as error:
        raise FeedError(f"is not UTF-8 (byte {error.start}); save it as UTF-8", path=path) from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise FeedError("is empty; expected pairs of products, a line each", path=path)
    header = _header(first)
    lines = _of_table(text, path) if header else _of_lines(text)
    left, right, labels, numbers, bad = [], [], [], [], []
    for line, found in lines:
        if isinstance(found, str):
            bad.append(BadLine(line=line, reason=found))
        else:
            left.append(found[0])
            right.append(found[1])
            labels.append(found[2])
            numbers.append(line)
    if not labels:
        reason = bad[0].reason if bad else "no lines below the header"
        raise FeedError(
            f"holds no pair ({reason}); expected lines `left TAB right TAB 0/1` in COL/VAL form, or CSV with the "
            "columns left, right and label",
            path=path,
        )
    digest = hashlib.sha256(content).hexdigest()[:16]
    return PairsFile(path=path, digest=digest, left=left, right=right, labels=labels, lines=numbers, bad_lines=bad)


def record_title(record: Mapping[str, str]) -> str:
    """What a record calls itself; empty where all its fields are."""
    named = [record[name] for name in TITLE_FIELDS if record.get(name)]
    return next(iter([*named, *(value for value in record.values() if value)]), "")


def parse_record(text: str) -> Record:
    """`COL title VAL red shoe COL price VAL 9` -> its fields; a text without COL is a title."""
    fields = list(_FIELD.finditer(text))
    if not fields:
        return {"title": _tidy(text)}
    ends = [field.start() for field in fields[1:]] + [len(text)]
    return {field.group(1).lower(): _tidy(text[field.end() : end]) for field, end in zip(fields, ends, strict=True)}


_Parsed: TypeAlias = "tuple[Record, Record, bool | None] | str"


def _of_lines(text: str) -> Iterator[tuple[int, _Parsed]]:
    """Number of each line, and its pair or what is wrong with it."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _pair(line.rstrip("\r").split("\t"))


def _pair(parts: list[str]) -> _Parsed:
    if len(parts) not in (2, 3):
        return f"expected two or three parts between tabs, found {len(parts)}"
    return _checked(parse_record(parts[0]), parse_record(parts[1]), parts[2] if len(parts) == 3 else "")


def _of_table(text: str, path: Path) -> Iterator[tuple[int, _Parsed]]:
    delimiter = _header(next(line for line in text.splitlines() if line.strip()))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or ",", strict=True)
    names: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                names = [cell.strip().lower() for cell in cells]
                continue
            if len(cells) != len(names):
                yield reader.line_num, f"expected {len(names)} cells, found {len(cells)}"
                continue
            yield reader.line_num, _row(dict(zip(names, cells, strict=True)))
    except csv.Error as error:
        raise FeedError(f"is not CSV from line {reader.line_num} on: {error}", path=path) from error


def _row(cells: Mapping[str, str]) -> _Parsed:
    sides: dict[str, Record] = {"l": {}, "r": {}}
    for name, cell in cells.items():
        side = _SIDE.fullmatch(name)
        if name in ("left", "right"):
            sides[name[0]].update(parse_record(cell))
        elif side and side[2] not in ("id", "product_id"):
            sides[side[1][0]][side[2]] = _tidy(cell)
    label = next((cells[name] for name in LABEL_COLUMNS if name in cells), "")
    return _checked(sides["l"], sides["r"], label)


def _checked(left: Record, right: Record, label: str) -> _Parsed:
    if label.strip().lower() not in LABELS:
        return f"label {label.strip()!r}: expected 0 or 1"
    empty = [side for side, record in (("left", left), ("right", right)) if not record_title(record)]
    if empty:
        return f"the {empty[0]} record is empty"
    return left, right, LABELS[label.strip().lower()]


def _header(first: str) -> str | None:
    """What parts the columns, where the first line names left and right ones; None where it is a pair already."""
    for delimiter in (",", "\t", ";"):
        names = {name.strip().strip('"').lower() for name in first.split(delimiter)}
        if {"left", "right"} <= names or {"l", "r"} <= {side[1][0] for side in map(_SIDE.fullmatch, names) if side}:
            return delimiter
    return None


def _tidy(text: str) -> str:
    return " ".join(text.split())
