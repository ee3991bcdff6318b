"""The pass over a feed: a window of listings read, encoded and answered, then the next; stopped, it goes on there.

Answers of finished windows lie in parts beside the output until all are there. Memory holds one window: what of its
listings answers are made of, and their vectors. Listings of one feed are compared with each other within a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from pyarrow import feather

from eclip.files import replace_file
from eclip.products.duplicates.newlistings import KnownListings, find_repeats
from eclip.schema import ENRICHED_SCHEMA
from eclip.tasks.enrich.answerers import Answerers
from eclip.tasks.enrich.encoding import FeedEncoder
from eclip.tasks.enrich.listings import Listings

ROWS_A_WINDOW = 32_768  # 150 MB with vectors of 512 numbers; two minutes of work at the rate of one small machine


class Advance(Protocol):
    """Told how many listings are done."""

    def __call__(self, step: int, /) -> None:
        """So many more."""


@dataclass(frozen=True, kw_only=True)
class Enricher:
    """Answers windows of listings.

    Attributes:
        encoder: Makes vectors.
        answerers: One a fitted task.
        known: A store's listings, for duplicates; None = within the window only.
    """

    encoder: FeedEncoder
    answerers: Answerers
    known: KnownListings | None = None

    def window(self, batches: Iterable[pa.Table], advance: Advance) -> pa.Table:
        """Answers for the listings of some batches, in `ENRICHED_SCHEMA`."""
        parts: list[Listings] = []
        answers: dict[str, list[Any]] = {}
        for batch in batches:
            listings = self.encoder.listings(batch)
            for answerer in self.answerers.of_batch.values():
                for name, values in answerer.answer(listings).items():
                    answers.setdefault(name, []).extend(values)
            parts.append(listings)
            advance(len(listings))
        whole = Listings.joined(parts)
        for answerer in self.answerers.of_window.values():
            answers |= {name: list(values) for name, values in answerer.answer(whole).items()}
        return answers_table(whole, answers | self._repeats(whole))

    def _repeats(self, listings: Listings) -> dict[str, list[Any]]:
        """Which listings say what another one of the store or of the window says."""
        repeats = find_repeats(listings.table, listings.cells, self.known)
        return {
            "duplicate_ids": [repeat.product_ids for repeat in repeats],
            "duplicate_reason": [repeat.reason for repeat in repeats],
            "duplicate_place": [repeat.place for repeat in repeats],
        }


def answers_table(listings: Listings, answers: dict[str, list[Any]]) -> pa.Table:
    """Answers by column as a table; columns that nobody answered and rows that can't be used are null."""
    columns = []
    for field in ENRICHED_SCHEMA:
        if field.name == "product_id":
            values: Sequence[Any] = listings.ids
        else:
            given = answers.get(field.name, [None] * len(listings))
            values = [value if usable else None for value, usable in zip(given, listings.usable, strict=True)]
        columns.append(pa.array(values, field.type))
    return pa.table(columns, schema=ENRICHED_SCHEMA)


def finished_parts(folder: Path) -> list[Path]:
    """Parts that an interrupted run of the very same job has written, in order."""
    return sorted(folder.glob("part-*.arrow"))


def rows_of(parts: Sequence[Path]) -> int:
    """How many listings some parts hold, by their names."""
    return sum(int(part.stem.rpartition("-")[2]) for part in parts)


def enrich_in_windows(
    batches: Iterable[pa.Table],
    enricher: Enricher,
    folder: Path,
    first: int,
    advance: Advance,
    *,
    rows_a_window: int = ROWS_A_WINDOW,
) -> list[Path]:
    """Answer the rest of a feed into parts, window by window; returns the new ones in order.

    Args:
        batches: Cleaned listings, those that are answered already left out.
        enricher: Answers windows.
        folder: Of the parts of this very job.
        first: Number of the first part.
        advance: Told how far it is.
        rows_a_window: Listings from which a window is full.
    """
    parts = []
    for number, window in enumerate(_windows(batches, rows_a_window), first):
        table = enricher.window(window, advance)
        part = folder / f"part-{number:06d}-{table.num_rows}.arrow"
        with replace_file(part) as aside:
            feather.write_feather(table, aside, compression="uncompressed")
        parts.append(part)
    return parts


def _windows(batches: Iterable[pa.Table], rows_a_window: int) -> Iterator[Iterator[pa.Table]]:
    """Batches in groups of at least so many rows; each group must be read to its end before the next is asked for."""
    coming = iter(batches)
    while (first := next(coming, None)) is not None:
        yield _window(first, coming, rows_a_window)


def _window(first: pa.Table, coming: Iterator[pa.Table], rows_a_window: int) -> Iterator[pa.Table]:
    rows = first.num_rows
    yield first
    while rows < rows_a_window and (batch := next(coming, None)) is not None:
        rows += batch.num_rows
        yield batch
