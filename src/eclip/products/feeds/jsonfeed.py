"""JSON feeds: one object a line, or a whole array of objects; all values become text.

Numbers stay as they are written, lists and objects stay JSON text. A bad line costs only itself; an array that
breaks off can't be read any further, because nothing in it says where the next object begins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from eclip.errors import FeedError
from eclip.products.feeds.brokenrow import BrokenRow
from eclip.products.feeds.encoding import MAX_LINE_CHARS, LongLine, is_broken, open_text, text_encoding, text_lines
from eclip.products.feeds.feed import Cells, FileFeed, Row, columns_of

_CHUNK_CHARS = 1 << 20
_MAX_OBJECT_CHARS = 64 << 20  # a longer one is an object that is never closed
_HEAD_CHARS = 4096
# The whole array, or the one in {"products": [...]}, as shops' APIs give it.
_ARRAY = re.compile(r'\s*(?:\{\s*"(?:products|items|data|rows|listings|offers|results|entries)"\s*:\s*)?\[\s*[{\]]')
_BLANK = re.compile(r"[\s,]*")
# A text, also one that is never closed, so that no part of it is tried again; a number or word; a sign.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?$)|[^\s":,{}\[\]]+|\S')
_BROKEN_CHARS = 100_000  # of a broken line, looked at for whose it is
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=lambda _: None)


def open_json(path: Path) -> FileFeed:
    """A JSON lines file or a JSON array as a feed; its columns are all keys, so it is read through once.

    Raises:
        FeedError: No row can be read, or an array breaks off.
    """
    encoding = text_encoding(path)
    with open_text(path, encoding) as file:
        is_array = _ARRAY.match(file.read(_HEAD_CHARS).lstrip("\ufeff")) is not None
    rows = partial(_array_rows if is_array else _line_rows, path, encoding)
    return FileFeed(path, columns_of(rows(), str(path)), rows)


def _line_rows(path: Path, encoding: str) -> Iterator[Row]:
    with open_text(path, encoding) as file:
        for line in text_lines(file):
            if isinstance(line, LongLine):
                yield f"a line of more than {MAX_LINE_CHARS:,} characters"
            elif line.strip("\ufeff \t\r\n"):
                yield _line_row(line.lstrip("\ufeff"), encoding)


def _line_row(line: str, encoding: str) -> Row:
    if is_broken(line):
        return BrokenRow(f"not readable as {encoding}", _readable_cells(line))
    try:
        value = _DECODER.decode(line.strip())
    except (ValueError, RecursionError) as fault:
        return BrokenRow(f"no JSON: {fault}", _readable_cells(line))
    return _row(value)


def _readable_cells(line: str) -> Cells:
    """Texts and numbers with their keys, the first of each key, wherever they stand in a line that is no JSON."""
    cells: Cells = {}
    tokens = _TOKEN.findall(line[:_BROKEN_CHARS])
    for key, sign, value, _ in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):  # the last may be cut off
        if sign != ":" or key[0] != '"' or value[0] in "{[":
            continue
        with suppress(ValueError):
            name, text = (_DECODER.decode(token) for token in (key, value))
            if not is_broken(key + value):
                cells.setdefault(_whole(name), _json_text(text))
    return cells


def _array_rows(path: Path, encoding: str) -> Iterator[Row]:
    with open_text(path, encoding) as file:
        for text, value in _array_items(file, path):
            yield f"not readable as {encoding}" if is_broken(text) else _row(value)


def _array_items(file: TextIO, path: Path) -> Iterator[tuple[str, Any]]:
    """Each item of an array with its text; no more than one item and one chunk are held.

    Raises:
        FeedError: The array breaks off, or an item is no JSON.
    """
    text = file.read(_CHUNK_CHARS).lstrip("\ufeff")
    opening = _ARRAY.match(text)
    start = text.index("[") + 1 if opening else 0
    done = 0  # items
    while True:
        start = _BLANK.match(text, start).end()  # type: ignore[union-attr]
        if text.startswith("]", start):
            return
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as fault:
            # Reading twice as much each time keeps the whole linear in the length of an item.
            more = file.read(max(_CHUNK_CHARS, len(text) - start)) if len(text) - start < _MAX_OBJECT_CHARS else ""
            if not more:
                cause = "the array is not closed" if start == len(text) else str(fault).partition(":")[0]
                raise FeedError(f"breaks off after {done} objects of its JSON array: {cause}", path=path) from None
            text, start = text[start:] + more, 0
            continue
        yield text[start:end], value
        done, start = done + 1, end


def _row(value: Any) -> Row:
    if not isinstance(value, dict):
        return f"expected a JSON object, found {type(value).__name__}"
    cells: Cells = {_whole(key): _json_text(item) for key, item in value.items()}
    return cells


def _json_text(value: Any) -> str | None:
    """Text of a JSON value."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return _whole(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _whole(text: str) -> str:
    """The text with half characters (lone surrogates), which Arrow can't hold, as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
