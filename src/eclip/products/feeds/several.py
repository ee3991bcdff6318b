"""Several files as one feed: the union of their columns, rows numbered on and on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from eclip.errors import FeedError
from eclip.products.columns import ColumnMap
from eclip.products.feeds.feed import Feed, RawBatch, moved


class SeveralFeeds(Feed):
    """Feeds one after another, in the order given.

    A column that one of them lacks is null in its rows. Each batch names its file, so that a reject can say where
    it stands, and the file's folder, where its pictures' names start.

    Args:
        source: What the user called them: a folder or a pattern.
        feeds: At least one.

    Raises:
        FeedError: They come from different platforms, whose columns can't be mapped in one way.
    """

    def __init__(self, source: str, feeds: Sequence[Feed]) -> None:
        self.source, self._feeds = source, list(feeds)
        self.folder = Path(os.path.commonpath([feed.folder.absolute() for feed in feeds]))
        self.columns = tuple(dict.fromkeys(name for feed in feeds for name in feed.columns))
        self.columnar = all(feed.columnar for feed in feeds)  # type: ignore[misc]
        first = feeds[0]
        for feed in feeds[1:]:
            if feed.platform != first.platform:
                raise FeedError(
                    f"{_made_by(first)}, {_made_by(feed)}: their columns mean different things; read them one by one, "
                    "or all plainly with --platform none",
                    path=source,
                )
        self.platform, self.column_map = first.platform, _widest_map(feeds)

    @cached_property
    def num_rows(self) -> int:  # type: ignore[override]
        """Rows of all of them."""
        return sum(feed.num_rows for feed in self._feeds)

    def facts(self) -> dict[str, object]:
        """Number, size and newest time, with the files' names."""
        facts = [feed.facts() for feed in self._feeds]
        return {
            "path": self.source,
            "files": [str(each["path"]) for each in facts],
            "bytes": sum(int(str(each.get("bytes", 0))) for each in facts),
            "modified_ns": max(int(str(each.get("modified_ns", 0))) for each in facts),
        }

    def batches(self, batch_size: int, *, columns: Sequence[str] | None = None) -> Iterator[RawBatch]:
        """See `Feed.batches`."""
        names = list(self.columns if columns is None else columns)
        before = 0
        for feed in self._feeds:
            own = [name for name in names if name in feed.columns]
            for batch in feed.batches(batch_size, columns=own):
                table = _with_columns(batch.table, names, len(batch.rows))
                whole = replace(batch, table=table)
                yield moved(
                    whole, file=os.path.relpath(feed.source, self.folder), rows_before=before, folder=feed.folder
                )
            before += feed.num_rows


def _widest_map(feeds: Sequence[Feed]) -> ColumnMap:
    """The platform's map of the file that has most of its columns."""
    return max((feed.column_map for feed in feeds), key=lambda mapped: len(mapped.used))


def _with_columns(table: pa.Table, names: list[str], num_rows: int) -> pa.Table:
    arrays = [table[name] if name in table.column_names else pa.nulls(num_rows) for name in names]
    return pa.table(arrays, names=names)


def _made_by(feed: Feed) -> str:
    return f"{Path(feed.source).name} is {f'a feed for {feed.platform}' if feed.platform else 'a plain feed'}"
