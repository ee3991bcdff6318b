"""What a person may say of a listing, and the file that says it: JSON as the review page exports it, or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from eclip.errors import FeedError
from eclip.products.cells import as_text
from eclip.products.corrections import ATTRIBUTE_PREFIX, VALUE_SEPARATOR
from eclip.schema import CORRECTIONS_SCHEMA, POLICIES

FIELDS = ("category", "policy", "catalog_id")
_EXPECTED = f"{', '.join(FIELDS)} or {ATTRIBUTE_PREFIX}NAME"


def read_corrections(path: Path, *, source: str | None = None) -> pa.Table:
    """Corrections of a file, in `CORRECTIONS_SCHEMA`.

    Args:
        path: JSON that the review page exported ({"corrections": [...]}), or CSV with a header. Each has `product_id`,
            `field` and `value` (empty = the listing has none), and may have `corrected_at` (ISO 8601) and `source`.
        source: Who says so, where the file does not tell.

    Raises:
        FeedError: It can't be read, or a row can't be understood; nothing of it is taken then.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        given = _of_json(text, path) if text.lstrip()[:1] in ("{", "[") else list(_of_csv(text, path))
    except FileNotFoundError:
        raise FeedError("no such file; expected one that the review page exported, or CSV", path=path) from None
    except (OSError, ValueError, csv.Error) as fault:
        raise FeedError(f"can't be read ({fault}); expected what the review page exported, or CSV", path=path) from None
    if not given:
        raise FeedError("holds no correction", path=path)
    return corrections_table(given, path=path, source=source)


def corrections_table(given: list[Any], *, path: Path | None = None, source: str | None = None) -> pa.Table:
    """Corrections as `read_corrections` describes them, checked, in `CORRECTIONS_SCHEMA`.

    Args:
        given: Mappings, as JSON tells them.
        path: The file they are of, if any: faults name it.
        source: Who says so, where they do not tell.

    Raises:
        FeedError: One can't be understood.
    """
    return pa.Table.from_pylist(list(_checked(given, path, source)), schema=CORRECTIONS_SCHEMA)


def _of_json(text: str, path: Path) -> list[Any]:
    content = json.loads(text)
    rows = content.get("corrections") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise FeedError('expected a list of corrections, or {"corrections": [...]}', path=path)
    return rows


def _of_csv(text: str, path: Path) -> Iterator[dict[str, Any]]:
    """Rows with as many cells as the header: one cut short would say that a listing has no value."""
    for number, row in enumerate(csv.DictReader(io.StringIO(text, newline="")), 1):
        if None in row or None in row.values():
            raise FeedError("has another number of cells than the header", path=path, row=number)
        yield row


def _checked(given: list[Any], path: Path | None, source: str | None) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC).replace(microsecond=0)
    for number, row in enumerate(given, 1):
        if not isinstance(row, Mapping) or not {"product_id", "field", "value"} <= row.keys():
            raise FeedError("expected product_id, field and value", path=path, row=number)
        cells = [row[key] for key in ("product_id", "field", "value")]
        if any(isinstance(cell, list | dict) for cell in cells):
            raise FeedError(f"expected text, several values parted by {VALUE_SEPARATOR}", path=path, row=number)
        product_id, name, value = (as_text(cell) or "" for cell in cells)
        if not product_id:
            raise FeedError("names no listing: product_id is empty", path=path, row=number)
        if name not in FIELDS and not (name.startswith(ATTRIBUTE_PREFIX) and len(name) > len(ATTRIBUTE_PREFIX)):
            raise FeedError(f"unknown field {name!r}, expected {_EXPECTED}", path=path, row=number)
        if name == "policy" and value and value not in POLICIES:
            raise FeedError(f"unknown policy {value!r}, expected {', '.join(POLICIES)} or none", path=path, row=number)
        if name == "category":  # "Home>Mugs" is no category of its own
            value = " > ".join(part.strip() for part in value.split(">") if part.strip())
        yield {
            "product_id": product_id,
            "field": name,
            "value": value or None,
            "corrected_at": _time(row.get("corrected_at"), now, path, number),
            "source": str(row.get("source") or "").strip() or source,
        }


def _time(given: Any, now: datetime, path: Path | None, number: int) -> datetime:
    if not given:
        return now
    try:
        told = datetime.fromisoformat(str(given))
    except ValueError:
        raise FeedError(
            f"corrected_at {given!r} is no time such as 2026-11-23T14:00:00Z", path=path, row=number
        ) from None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
