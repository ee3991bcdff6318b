"""A query against a database as a feed: SQLite by the standard library, PostgreSQL by its Arrow driver (ADBC).

Both are opened read-only, so that the database itself refuses what would change it, and both stream: no more than
a batch is held. Row numbers follow the order in which the database answers; give the query an ORDER BY where they
must stay the same. Passwords appear in no message.
"""

from __future__ import annotations

import re
import sqlite3
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pyarrow as pa

from eclip.errors import ConfigError, FeedError, MissingExtraError
from eclip.products.feeds.columnar import sliced
from eclip.products.feeds.feed import Feed, RawBatch, file_facts, numbered

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://")
_POSTGRES = ("postgresql", "postgres")
_COMMENT = re.compile(r"\s+|--[^\n]*(?:\n|$)|/\*.*?\*/", re.DOTALL)
_READ_ONLY = "-c default_transaction_read_only=on"


def is_database_url(place: str) -> bool:
    """Whether a feed is named by a database's address."""
    found = _URL.match(place)
    return found is not None and found["scheme"].lower() in ("sqlite", *_POSTGRES)


def open_sql(place: str, query: str | None) -> Feed:
    """A query's rows as a feed.

    Args:
        place: `sqlite:///FILE`, a SQLite file, or `postgresql://USER:PASSWORD@HOST/DATABASE`.
        query: One SELECT or WITH.

    Raises:
        ConfigError: No query, or one that does not read.
        FeedError: No such database, or it refuses the query.
        MissingExtraError: PostgreSQL's driver is not installed.
    """
    if query is None:
        raise ConfigError(f"{shown_url(place)} is a database: say with --sql 'SELECT ...' what to read")
    query = checked_query(query)
    if is_database_url(place) and urlsplit(place).scheme.lower() in _POSTGRES:
        return PostgresFeed(place, query)
    return SqliteFeed(sqlite_file(place), query)


def sqlite_file(place: str) -> Path:
    """The file that `sqlite:///FILE` or a plain name stands for.

    Raises:
        FeedError: An address of another shape.
    """
    found = re.fullmatch(r"(?:sqlite:///)?(.+)", place, re.IGNORECASE | re.DOTALL)
    name = found.group(1) if found else ""
    if not name or _URL.match(name):
        raise FeedError(f"{place!r} names no file: expected sqlite:///FILE, or sqlite:////FOLDER/FILE from the root on")
    return Path(name)


def checked_query(query: str) -> str:
    """The query without a closing semicolon.

    Raises:
        ConfigError: It begins with neither SELECT nor WITH.
    """
    start = 0
    while found := _COMMENT.match(query, start):
        start = found.end()
    if not re.match(r"(select|with)\b", query[start:], re.IGNORECASE):
        raise ConfigError(f"--sql {query[:60]!r}: expected one query that reads: SELECT ... or WITH ... SELECT")
    return query.strip().rstrip(";")


def shown_url(place: str) -> str:
    """An address without user, password and settings; any other name as it is."""
    if not _URL.match(place):
        return place
    scheme, rest = place.split("://", 1)
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


class _QueryFeed(Feed):
    """What databases have in common."""

    columnar = True

    def __init__(self, source: str, query: str, folder: Path) -> None:
        self.source, self.query, self.folder = source, query, folder
        self.columns = self._look()
        for name in self.columns:
            if self.columns.count(name) > 1:
                raise FeedError("the query gives this column twice; rename one with AS", path=source, column=name)
        if not self.num_rows:
            raise FeedError("the query gives no rows", path=source)

    @abstractmethod
    def _look(self) -> tuple[str, ...]:
        """The query's columns."""

    @abstractmethod
    def _count(self) -> int:
        """The query's rows."""

    @cached_property
    def num_rows(self) -> int:  # type: ignore[override]
        """Counted by the database."""
        return self._count()


class SqliteFeed(_QueryFeed):
    """A query against a SQLite file; values of any type in a column become text, blobs stay bytes."""

    def __init__(self, path: Path, query: str) -> None:
        self.path = path
        if not path.is_file():
            raise FeedError("no such SQLite file", path=path)
        super().__init__(str(path), query, path.parent)

    def facts(self) -> dict[str, object]:
        """See `Feed.facts`."""
        return {**file_facts(self.path), "sql": self.query}

    def _look(self) -> tuple[str, ...]:
        # The query is the user's own, and the database is opened to be read alone.
        with self._rows(f"SELECT * FROM ({self.query}) LIMIT 0") as rows:  # nosec B608
            return tuple(entry[0] for entry in rows.description)

    def _count(self) -> int:
        with self._rows(f"SELECT count(*) FROM ({self.query})") as rows:  # nosec B608
            return int(rows.fetchone()[0])

    def batches(self, batch_size: int, *, columns: Sequence[str] | None = None) -> Iterator[RawBatch]:
        """See `Feed.batches`."""
        names = list(self.columns if columns is None else columns)
        with self._rows(self.query) as rows:
            done = 0
            while records := rows.fetchmany(batch_size):
                table = self._table(records, names)
                yield RawBatch(
                    table=table,
                    rows=list(range(done + 1, done + len(records) + 1)),
                    faults=[None] * len(records),
                )
                done += len(records)

    def _table(self, records: list[tuple[Any, ...]], names: list[str]) -> pa.Table:
        """Columns as Arrow: bytes where there are any blobs, else text; whole numbers keep their digits."""
        arrays = []
        for name in names:
            values = [record[self.columns.index(name)] for record in records]
            if any(isinstance(value, bytes) for value in values):
                mixed = [value.encode() if isinstance(value, str) else value for value in values]
                arrays.append(pa.array([v if isinstance(v, bytes) else None for v in mixed], pa.large_binary()))
            else:
                texts = [None if value is None else str(value) for value in values]
                arrays.append(pa.array(texts, pa.large_string()))
        return pa.table(arrays, names=names)

    @contextmanager
    def _rows(self, query: str) -> Iterator[sqlite3.Cursor]:
        try:
            address = f"file:{quote(str(self.path.resolve()))}?mode=ro"
            with closing(sqlite3.connect(address, uri=True)) as connection:
                connection.text_factory = lambda data: data.decode("utf-8", "replace")
                yield connection.execute(query)
        except (sqlite3.Error, sqlite3.Warning) as fault:
            raise FeedError(f"the database refuses --sql: {_one_line(str(fault))}", path=self.path) from None


class PostgresFeed(_QueryFeed):
    """A query against PostgreSQL, which answers in Arrow batches."""

    def __init__(self, url: str, query: str) -> None:
        self._url = url
        super().__init__(shown_url(url), query, Path())

    def facts(self) -> dict[str, object]:
        """Database and query: whether the rows behind them changed, only reading them would tell."""
        return {"path": self.source, "sql": self.query}

    def _look(self) -> tuple[str, ...]:
        with self._reader(f"SELECT * FROM ({self.query}) AS eclip_feed LIMIT 0") as reader:  # nosec B608
            return tuple(reader.schema.names)

    def _count(self) -> int:
        with self._reader(f"SELECT count(*) FROM ({self.query}) AS eclip_feed") as reader:  # nosec B608
            return int(reader.read_all()[0][0].as_py())

    def batches(self, batch_size: int, *, columns: Sequence[str] | None = None) -> Iterator[RawBatch]:
        """See `Feed.batches`."""
        names = list(self.columns if columns is None else columns)
        with self._reader(self.query) as reader:
            yield from numbered(sliced(iter(reader), names, batch_size))

    @contextmanager
    def _reader(self, query: str) -> Iterator[pa.RecordBatchReader]:
        driver = _postgres_driver()
        sign = "&" if "?" in self._url else "?"
        try:
            with (
                driver.connect(f"{self._url}{sign}options={quote(_READ_ONLY)}") as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute(query)
                yield cursor.fetch_record_batch()
        except (driver.Error, OSError, pa.ArrowException) as fault:
            raise FeedError(f"the database refuses: {_cause(str(fault), self._url)}", path=self.source) from None


def _postgres_driver() -> Any:
    try:
        import adbc_driver_postgresql.dbapi as driver
    except ImportError:
        raise MissingExtraError("reading PostgreSQL needs a driver: pip install 'eclip[sql]'") from None
    return driver


def _cause(text: str, url: str) -> str:
    """What the server said, in one line, without the driver's frame around it and without the password."""
    text = text.partition("Query was:")[0].partition("SQLSTATE:")[0]
    found = re.search(r"(?:ERROR|FATAL|Failed to connect):\s*(?!.*FATAL)(.*)", text, re.DOTALL)
    text = _one_line(found.group(1) if found else text)
    parts = urlsplit(url)
    secrets = {parts.password or "", unquote(parts.password or ""), parts.query, url}
    for secret in sorted((each for each in secrets if each), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(". ")
