"""Excel and OpenDocument sheets as feeds: .xlsx, .xlsm, .xlsb, .xls, .ods, read by calamine.

The first visible sheet with more than a header is the feed. Text cells stay text (`007`); a number 7.0 is "7",
because sheets know no whole numbers; dates are ISO 8601. A sheet is unpacked as a whole: it has at most 1,048,576 rows.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from eclip.errors import FeedError
from eclip.products.columns import refuse_repeated
from eclip.products.feeds.feed import FileFeed, Row

_MAX_EXACT = 2**53  # whole numbers beyond are not exact in a sheet
_HEADER_SEARCH_ROWS = 100


def open_excel(path: Path) -> FileFeed:
    """The first visible sheet with rows as a feed.

    Raises:
        FeedError: No readable sheet, only empty ones, or a header that names a column twice.
    """
    with _sheets(path) as book:
        for sheet in book.sheets_metadata:
            if "visible" not in str(sheet.visible).lower() or "hidden" in str(sheet.visible).lower():
                continue
            header = _header(book, sheet.name, path)
            if header and next(_sheet_rows(path, sheet.name, header), None) is not None:
                return FileFeed(path, header, partial(_sheet_rows, path, sheet.name, header))
    raise FeedError("no visible sheet has a header and rows below it", path=path)


def _sheets(path: Path) -> Any:
    """The opened workbook.

    Raises:
        FeedError: No workbook, a damaged one, or one with a password.
    """
    import python_calamine as calamine

    if path.stat().st_size == 0:
        raise FeedError("is empty", path=path)
    try:
        return calamine.CalamineWorkbook.from_path(path)
    except calamine.PasswordError:
        raise FeedError("is locked with a password; save it without one", path=path) from None
    except (calamine.CalamineError, OSError) as fault:
        raise FeedError(f"is no readable Excel or OpenDocument file: {_first_line(fault)}", path=path) from None


def _records(book: Any, sheet: str, path: Path) -> Iterator[list[Any]]:
    import python_calamine as calamine

    try:
        yield from book.get_sheet_by_name(sheet).iter_rows()
    except (calamine.CalamineError, OSError) as fault:
        raise FeedError(f"sheet {sheet!r} can't be read: {_first_line(fault)}", path=path) from None


def _header(book: Any, sheet: str, path: Path) -> tuple[str, ...] | None:
    """Names in the first row that is not blank; None where a sheet is empty."""
    for record in islice(_records(book, sheet, path), _HEADER_SEARCH_ROWS):
        texts = [cell_text(value) for value in record]
        if any(texts):
            names = tuple((text or "").strip() or f"column_{index}" for index, text in enumerate(texts, 1))
            refuse_repeated(names, path)
            return names
    return None


def _sheet_rows(path: Path, sheet: str, header: Sequence[str]) -> Iterator[Row]:
    """Rows below the header; blank ones are no rows."""
    header_seen = False
    with _sheets(path) as book:
        for record in _records(book, sheet, path):
            texts = [cell_text(value) for value in record]
            if not any(texts):
                continue
            if header_seen:
                yield dict(zip(header, texts, strict=False))
            header_seen = True


def cell_text(value: Any) -> str | None:
    """A cell as text: 7.0 is "7", midnight of a day is the day, an empty cell is None."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) <= _MAX_EXACT else repr(value)
    if isinstance(value, datetime.datetime):
        is_day = value.time() == datetime.time(0)
        return value.date().isoformat() if is_day else value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _first_line(fault: BaseException) -> str:
    return (str(fault).splitlines() or [type(fault).__name__])[0]
