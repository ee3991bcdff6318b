"""Which kind of feed a name stands for: by scheme (databases), by content where it is telling, else by ending."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from pathlib import Path

from eclip.errors import ConfigError, FeedError, NoRowsError
from eclip.products.feeds.columnar import ArrowFeed, ParquetFeed
from eclip.products.feeds.delimited import header_delimiter, open_csv
from eclip.products.feeds.encoding import head_bytes, marked_encoding
from eclip.products.feeds.excel import open_excel
from eclip.products.feeds.feed import Feed, RowFeed, file_facts, file_stamp, reading, steady
from eclip.products.feeds.jsonfeed import open_json
from eclip.products.feeds.merchant_xml import open_merchant_xml
from eclip.products.feeds.picturefolder import PICTURE_ENDINGS, PictureFolder, files_below
from eclip.products.feeds.platforms import PLATFORMS, PlatformFeed, recognised
from eclip.products.feeds.several import SeveralFeeds
from eclip.products.feeds.sql import is_database_url, open_sql, shown_url
from eclip.schema import PRODUCTS_DATASET, STORE_MANIFEST

UNDERSTOOD = (
    ".csv, .tsv, .jsonl, .json, .xml (also with .gz), .xlsx, .xls, .ods, .parquet, .arrow, .feather, "
    "a folder of these or of pictures, or a database with --sql"
)
_OPENERS: dict[str, Callable[[Path], Feed]] = {
    "csv": open_csv,
    "json": open_json,
    "xml": open_merchant_xml,
    "excel": open_excel,
    "parquet": ParquetFeed,
    "arrow": ArrowFeed,
}
_ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".xml": "xml",
    ".rss": "xml",
    ".atom": "xml",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
}
_DATABASE_ENDINGS = (".db", ".sqlite", ".sqlite3")
# Not taken for feeds in a folder, where settings and notes lie about: name them alone.
_NOT_IN_FOLDERS = (".json",)
_SQLITE = b"SQLite format 3\0"
_MAGIC = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"PK\x03\x04", "excel"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "excel"),
)
PLAIN = "none"  # the platform of a feed whose columns are to be read as they are
_BY_CONTENT = ("excel", "unknown")  # shops save text as .xls; what lies in it decides


def open_feed(place: str | Path, *, sql: str | None = None, platform: str | None = None) -> Feed:
    """Look at a feed: its kind, its columns, and whose export it is.

    Args:
        place: A file, a folder or pattern of files, a folder of pictures, or a database.
        sql: What to read from a database.
        platform: A name of `PLATFORMS`, or `PLAIN` for columns as they are; None = found by the header.

    Raises:
        FeedError: No such feed, of no known kind, damaged, or nothing in it.
        ConfigError: `sql` without a database, a database without `sql`, or an unknown platform.
        MissingExtraError: The database needs a driver that is not installed.
    """
    _check_platform(platform)
    name = str(place)
    if is_database_url(name) or _is_sqlite(Path(name)):
        return open_sql(name, sql)
    if sql is not None:
        raise ConfigError(f"--sql needs a database (sqlite:///FILE, a .db file, postgresql://...), found {name}")
    if "://" in name:
        raise FeedError(f"is no feed; expected {UNDERSTOOD}", path=shown_url(name))
    path = Path(name)
    if path.is_dir():
        return _open_folder(path, platform)
    if not path.exists() and glob.has_magic(name):
        found = _matching(name)
        if not found:
            raise FeedError(f"no file matches; expected {UNDERSTOOD}", path=name)
        return SeveralFeeds(name, _open_files(found, platform))
    return _open_file(path, platform)


def _check_platform(name: str | None) -> None:
    if name is not None and name != PLAIN and name not in PLATFORMS:
        raise ConfigError(f"--platform {name!r}: expected one of {', '.join(PLATFORMS)} or {PLAIN}")


def _open_folder(folder: Path, platform: str | None) -> Feed:
    """All feeds below a folder; where there are none, its pictures."""
    if (folder / STORE_MANIFEST).exists() or (folder / PRODUCTS_DATASET).exists():
        raise FeedError("is a product store, not a feed", path=folder)
    names = [name for name in files_below(folder) if _kind_by_ending(Path(name)) and name.suffix not in _NOT_IN_FOLDERS]
    if not names:
        return PictureFolder(folder)
    return SeveralFeeds(str(folder), _open_files([folder / name for name in names], platform))


def _open_files(paths: Sequence[Path], platform: str | None) -> list[Feed]:
    """Those that have rows. An empty file is none: it may be what a failed export left."""
    feeds: list[Feed] = []
    without: NoRowsError | None = None
    for path in paths:
        try:
            feeds.append(_open_file(path, platform))
        except NoRowsError as fault:
            without = fault
    if without is not None and not feeds:
        raise without
    return feeds


def _open_file(path: Path, platform: str | None) -> Feed:
    if not path.is_file():
        what = "no such file" if not path.exists() else "is no file"
        raise FeedError(f"{what}; expected a feed: {UNDERSTOOD}", path=path)
    with reading(path), steady(path, file_stamp(path)):
        feed = _OPENERS[feed_kind(path)](path)
    if platform == PLAIN or not isinstance(feed, RowFeed):
        return feed
    return PlatformFeed(feed, PLATFORMS[platform]) if platform else recognised(feed, PLATFORMS.values())


def feed_kind(path: Path) -> str:
    """csv, json, xml, excel, parquet or arrow: by the first bytes where they tell, else by the ending.

    Raises:
        FeedError: Neither tells.
    """
    head = head_bytes(path)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    kind = _kind_by_ending(path) or "unknown"
    if kind in _BY_CONTENT and head:
        kind = _text_kind(head, path) or kind
    if kind == "unknown":
        raise FeedError(f"unknown ending {path.suffix!r}; expected {UNDERSTOOD}", path=path)
    return kind


def _kind_by_ending(path: Path) -> str | None:
    """Also of a name that ends in .gz."""
    ending = path.suffix.lower()
    if ending == ".gz":
        ending = Path(path.stem).suffix.lower()
    return _ENDINGS.get(ending)


def _text_kind(head: bytes, path: Path) -> str | None:
    """What a text without a telling ending is; None for other contents."""
    text = head.decode(marked_encoding(head) or "latin-1", "replace").lstrip("\ufeff\xef\xbb\xbf \t\r\n")
    if "\0" in text:
        return None
    if text[:1] == "<":
        if "<html" in text[:500].lower() or "<table" in text[:500].lower():
            raise FeedError("is a web page, saved as a feed; open it and save it as .xlsx or .csv", path=path)
        return "xml"
    if text[:1] in ("{", "["):
        return "json"
    first = text.partition("\n")[0]
    return "csv" if "\n" in text and header_delimiter(first) in first else None


def _is_sqlite(path: Path) -> bool:
    if not path.is_file():
        return False
    with reading(path), path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE or path.suffix.lower() in _DATABASE_ENDINGS


def feed_facts(place: str | Path, *, sql: str | None = None, platform: str | None = None) -> dict[str, object]:
    """What tells one feed from another and an older state of it, without parsing it; never a password.

    Of a database that is no file nothing but its name and the query is known: rows that changed behind them don't show.
    """
    name, path = str(place), Path(str(place))
    asked = {key: value for key, value in (("sql", sql), ("platform", platform)) if value is not None}
    if is_database_url(name) or not (path.exists() or glob.has_magic(name)):
        local = Path(name.partition(":///")[2])
        return {"path": shown_url(name), **asked} if not local.is_file() else {**file_facts(local), **asked}
    if path.is_file():
        return {**file_facts(path.resolve()), **asked}
    files = [path / each for each in files_below(path)] if path.is_dir() else _matching(name)
    read = [each for each in files if _kind_by_ending(each) or each.suffix.lower() in PICTURE_ENDINGS]
    return {"path": name, "files": [file_facts(each) for each in read], **asked}


def _matching(pattern: str) -> list[Path]:
    """Files that a pattern names, sorted; `**` stands for any folders."""
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207 - a pattern may begin at the root
    return [path for path in map(Path, sorted(found)) if path.is_file()]
