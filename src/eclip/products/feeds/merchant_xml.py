"""Google Merchant feeds in XML: RSS 2.0 and Atom with the g: namespace, item by item.

Read by a streaming parser that expands no entities and opens nothing outside the file. XML that is not
well-formed can't be read beyond the fault; the error says where it is.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from eclip.errors import FeedError
from eclip.products.feeds.encoding import head_bytes, open_bytes
from eclip.products.feeds.feed import Cells, FileFeed, Row, columns_of

_ITEMS = ("item", "entry")
_GOOGLE = "{http://base.google.com/ns/1.0}"
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)["']""")
_KNOWN_TO_EXPAT = ("utf-8", "utf-16", "iso-8859-1", "us-ascii", "windows-1252")
_READ_BYTES = 1 << 16
_MAX_ITEM_BYTES = 64 << 20  # a longer one is an element that is never closed
_SEPARATOR = "|"  # of several values in one cell


def open_merchant_xml(path: Path) -> FileFeed:
    """A Google Merchant feed in XML; its columns are all names that an item has, so it is read through once.

    Raises:
        FeedError: Not well-formed, entities of its own, or no item.
    """
    if path.stat().st_size == 0:
        raise FeedError("is empty", path=path)
    rows = partial(xml_rows, path)
    try:
        columns = columns_of(rows(), str(path))
    except FeedError as fault:
        if str(fault).endswith("is empty"):
            raise FeedError("has no <item> (RSS) or <entry> (Atom): no Google Merchant feed", path=path) from None
        raise
    return FileFeed(path, columns, rows)


def xml_rows(path: Path) -> Iterator[Row]:
    """One row an item; elements without the g: prefix count where the one with it is missing.

    Raises:
        FeedError: Not well-formed, or entities of its own.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser, iterparse

    encoding = _own_decoding(head_bytes(path))
    with open_bytes(path) as file, closing(_Utf8(file, encoding) if encoding else file) as opened:
        source = _Bounded(opened, path)
        parser = DefusedXMLParser(encoding="utf-8") if encoding else None
        try:
            open_elements: list[Any] = []
            for event, element in iterparse(source, events=("start", "end"), parser=parser):
                if event == "start":
                    open_elements.append(element)
                    continue
                open_elements.pop()
                if _local(element.tag) in _ITEMS:
                    yield item_cells(element)
                    open_elements[-1].remove(element) if open_elements else None
                    source.since_item = 0
        except ParseError as fault:
            raise FeedError(f"is not well-formed XML: {fault}; export it again", path=path) from None
        except DefusedXmlException as fault:
            kind = type(fault).__name__
            raise FeedError(
                f"XML with entities of its own is not read ({kind}); export it without", path=path
            ) from None


def _own_decoding(head: bytes) -> str | None:
    """The declared encoding where the parser can't decode it itself (it knows none of several bytes a letter)."""
    found = _DECLARED.search(head)
    name = found.group(1).decode("ascii").lower() if found else "utf-8"
    if name in _KNOWN_TO_EXPAT:
        return None
    return "cp949" if name in ("euc-kr", "ks_c_5601-1987", "cp949", "ms949") else name


class _Bounded:
    """Bytes given on as long as items end among them: what lies between two ends is held in memory."""

    def __init__(self, file: Any, path: Path) -> None:
        self._file, self._path = file, path
        self.since_item = 0

    def read(self, size: int = _READ_BYTES) -> bytes:
        """About `size` bytes; none at the end.

        Raises:
            FeedError: Too many without the end of an item.
        """
        data: bytes = self._file.read(size)
        self.since_item += len(data)
        if self.since_item > _MAX_ITEM_BYTES:
            raise FeedError(f"has an item of more than {_MAX_ITEM_BYTES:,} bytes, or none so far", path=self._path)
        return data


class _Utf8:
    """Bytes of a file, decoded and given on as UTF-8."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        try:
            self._text = io.TextIOWrapper(file, encoding=encoding, errors="replace")
        except LookupError:
            raise FeedError(f"unknown encoding {encoding!r}", path=getattr(file, "name", None)) from None

    def read(self, size: int = _READ_BYTES) -> bytes:
        """About `size` bytes; none at the end."""
        return self._text.read(size).encode("utf-8")

    def close(self) -> None:
        """Close the file."""
        self._text.close()


def item_cells(item: Any) -> Cells:
    """Cells of one item: `g:title` before `title`, repeated elements joined by a bar, empty ones None."""
    google: dict[str, list[str]] = {}
    plain: dict[str, list[str]] = {}
    for child in item:
        name = _local(child.tag)
        text = _text(child)
        if name and text:
            (google if child.tag.startswith(_GOOGLE) else plain).setdefault(name, []).append(text)
    merged = {**plain, **google}
    first_only = ("title", "description", "link", "product_type", "google_product_category")
    return {
        name: values[0] if name in first_only else _SEPARATOR.join(dict.fromkeys(values))
        for name, values in merged.items()
    }


def _text(element: Any) -> str:
    """Text of an element with what is in it; Atom's links stand in an attribute."""
    text = " ".join(part.strip() for part in element.itertext() if part.strip())
    return text or (element.get("href") or "").strip()


def _local(tag: Any) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
