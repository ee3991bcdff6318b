"""The file of answers: Parquet, CSV or JSON lines by its suffix, written a window at a time and read back.

Parquet has `ENRICHED_SCHEMA`. In JSON lines lists are lists and maps objects. CSV has the same columns, a category as
"Apparel > Shirts" and lists and maps as JSON; an empty cell is null, and what a spreadsheet would run begins with an
apostrophe (`eclip.spreadsheets`).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eclip.errors import FeedError
from eclip.files import replace_file
from eclip.lineage import metadata, write_sidecar
from eclip.schema import ENRICHED_SCHEMA
from eclip.spreadsheets import original, protected
from eclip.tasks.category.targets import label_path, path_label

SUFFIXES = (".parquet", ".csv", ".jsonl")


def write_answers(tables: Iterable[pa.Table], out: Path, *, lineage: Mapping[str, Any] | None = None) -> int:
    """Write tables of `ENRICHED_SCHEMA` to a file, aside first; returns how many rows.

    Args:
        tables: The answers.
        out: The file.
        lineage: Which model, store and feed they come from: inside a Parquet file, beside any other.

    Raises:
        DiskError: The disk is full, or the place can't be written.
    """
    with replace_file(out) as aside:
        if out.suffix == ".parquet":
            return _write_parquet(tables, aside, metadata(lineage) if lineage else {})
        with aside.open("w", encoding="utf-8", newline="") as file:
            rows = _write_csv(tables, file) if out.suffix == ".csv" else _write_lines(tables, file)
    if lineage:
        write_sidecar(out, lineage)
    return rows


def read_answers(path: Path) -> pa.Table:
    """The answers in a file that `write_answers` wrote; columns that it lacks, of an earlier eclip, are null.

    Raises:
        FeedError: It is missing, or holds no answers.
    """
    readers = {".parquet": _read_parquet, ".csv": _read_csv, ".jsonl": _read_lines}
    if path.suffix not in readers:
        raise FeedError(f"expected answers of `eclip enrich`: a {' or '.join(SUFFIXES)} file", path=path)
    try:
        rows = list(readers[path.suffix](path))
        if rows and "product_id" not in rows[0]:
            raise FeedError("holds no product_id; expected answers of `eclip enrich`", path=path)
        return pa.Table.from_pylist(rows, schema=ENRICHED_SCHEMA)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, csv.Error) as fault:
        raise FeedError(f"can't be read as answers of `eclip enrich` ({fault})", path=path) from None


def plain_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Rows with maps as dictionaries."""
    maps = [field.name for field in table.schema if pa.types.is_map(field.type)]
    for row in table.to_pylist():
        yield row | {name: None if row[name] is None else dict(row[name]) for name in maps}


def _write_parquet(tables: Iterable[pa.Table], aside: Path, told: Mapping[str, str]) -> int:
    rows = 0
    with pq.ParquetWriter(aside, ENRICHED_SCHEMA) as writer:
        writer.add_key_value_metadata(told)
        for table in tables:
            writer.write_table(table)
            rows += table.num_rows
    return rows


def _write_lines(tables: Iterable[pa.Table], file: Any) -> int:
    rows = 0
    for table in tables:
        for row in plain_rows(table):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            rows += 1
    return rows


def _write_csv(tables: Iterable[pa.Table], file: Any) -> int:
    writer, rows = csv.writer(file, lineterminator="\n"), 0
    writer.writerow(ENRICHED_SCHEMA.names)
    for table in tables:
        for row in plain_rows(table):
            writer.writerow([protected(_cell(name, row[name])) for name in ENRICHED_SCHEMA.names])
            rows += 1
    return rows


def _cell(name: str, value: Any) -> Any:
    if name == "category" and value is not None:
        return path_label(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | bool) else value


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    yield from pq.read_table(path).to_pylist()


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    maps = [field.name for field in ENRICHED_SCHEMA if pa.types.is_map(field.type)]
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield row | {name: list(row[name].items()) for name in maps if row.get(name) is not None}


def _read_csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {
                field.name: _value(field, original(row[field.name])) for field in ENRICHED_SCHEMA if row.get(field.name)
            }


def _value(field: pa.Field, cell: str) -> Any:
    if field.name == "category":
        return list(label_path(cell))
    if pa.types.is_nested(field.type):
        value = json.loads(cell)
        return list(value.items()) if pa.types.is_map(field.type) else value
    if pa.types.is_boolean(field.type):
        return cell == "true"
    return float(cell) if pa.types.is_floating(field.type) else cell
