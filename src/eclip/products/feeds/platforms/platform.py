"""What a platform is: a header it is known by, a column map, and work on its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from eclip.products.columns import ColumnMap
from eclip.products.feeds.feed import Row, RowFeed


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A shop system or market whose exports look alike.

    Attributes:
        name: As `--platform` and the summary say it.
        signs: Sets of columns; a header that has one of the sets whole is this platform's.
        fields: Field of a product -> columns that may hold it, best first.
        attributes: Attribute -> columns that may hold it, best first.
        attribute_columns: Columns that hold several attributes each.
        added: Columns that `rework` adds.
        rework: Numbered rows as they are to be understood; None = as they come.
    """

    name: str
    signs: tuple[frozenset[str], ...]
    fields: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attribute_columns: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    rework: Callable[[RowFeed], Iterator[tuple[int, Row]]]

    def knows(self, columns: Iterable[str]) -> bool:
        """Whether a header is this platform's; case does not matter."""
        present = {name.casefold() for name in columns}
        return any({name.casefold() for name in signs} <= present for signs in self.signs)

    def column_map(self, columns: Sequence[str]) -> ColumnMap:
        """The map of a feed with these columns."""
        return ColumnMap(
            fields=_first_present(self.fields, columns),
            attributes=_first_present(self.attributes, columns),
            attribute_columns=tuple(name for name in self.attribute_columns if name in columns),
        )


def _first_present(wanted: Mapping[str, tuple[str, ...]], columns: Sequence[str]) -> dict[str, str]:
    known = {name.casefold(): name for name in reversed(columns)}
    found = {
        name: next((known[c.casefold()] for c in choices if c.casefold() in known), None)
        for name, choices in wanted.items()
    }
    return {name: column for name, column in found.items() if column is not None}


class PlatformFeed(RowFeed):
    """A feed of rows as its platform means them; its own columns stay, for `--columns`."""

    def __init__(self, feed: RowFeed, platform: Platform) -> None:
        self._feed, self._platform = feed, platform
        self.source, self.folder, self.platform = feed.source, feed.folder, platform.name
        self.columns = tuple(dict.fromkeys([*feed.columns, *platform.added]))
        self.column_map = platform.column_map(self.columns)

    def numbered_rows(self) -> Iterator[tuple[int, Row]]:
        """Rows keep the numbers of the file."""
        return self._platform.rework(self._feed)

    def facts(self) -> dict[str, object]:
        """See `Feed.facts`."""
        return self._feed.facts()


def recognised(feed: RowFeed, platforms: Iterable[Platform]) -> RowFeed:
    """The feed as the first platform that knows its header means it; the feed itself where none does."""
    for platform in platforms:
        if platform.knows(feed.columns):
            return PlatformFeed(feed, platform)
    return feed
