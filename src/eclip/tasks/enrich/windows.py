"""The pass over a feed: a window of listings read, encoded and answered, then the next; stopped, it goes on there.

Answers of finished windows lie in parts beside the output until all are there. Memory holds one window: what of its
listings answers are made of, and their vectors. Listings of one feed are compared with each other within a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from pyarrow import feather

from eclip.files import replace_file
from eclip.products.duplicates.newlistings import KnownListings, find_repeats
from eclip.schema import ENRICHED_SCHEMA
from eclip.tasks.enrich.answerers import Answerer, Answers
from eclip.tasks.enrich.encoding import FeedEncoder
from eclip.tasks.enrich.listings import Listings

ROWS_A_WINDOW = 32_768  # 150 MB with vectors of 512 numbers; two minutes of work at the rate of one small machine


class Advance(Protocol):
    """Told how many listings are done."""

    def __call__(self, step: int, /) -> None:
        """So many more."""


@dataclass(frozen=True)
class AnsweredBatch:
    """What can be said of each listing of a batch by itself.

    Attributes:
        listings: With their vectors.
        answers: By column, one entry a listing.
    """

    listings: Listings
    answers: Answers


@dataclass(frozen=True, kw_only=True)
class BatchEnricher:
    """Encodes batches and answers each listing by itself.

    Attributes:
        encoder: Makes vectors.
        answerers: One a task that looks at one listing.
    """

    encoder: FeedEncoder
    answerers: Mapping[str, Answerer]

    def answer(self, batch: pa.Table) -> AnsweredBatch:
        """Vectors and answers of some cleaned listings, in `LISTINGS_SCHEMA`."""
        listings = self.encoder.listings(batch)
        answers: dict[str, Sequence[Any]] = {}
        for answerer in self.answerers.values():
            answers |= answerer.answer(listings)
        return AnsweredBatch(listings, answers)


@dataclass(frozen=True, kw_only=True)
class WindowEnricher:
    """Adds what is known only of many listings together.

    Attributes:
        answerers: One a task that compares listings.
        known: A store's listings, for duplicates; None = within the window only.
    """

    answerers: Mapping[str, Answerer]
    known: KnownListings | None = None

    def answer(self, batches: Iterable[AnsweredBatch]) -> pa.Table:
        """All answers for the listings of some batches, in `ENRICHED_SCHEMA`."""
        parts: list[Listings] = []
        answers: dict[str, list[Any]] = {}
        for batch in batches:
            parts.append(batch.listings)
            for name, values in batch.answers.items():
                answers.setdefault(name, []).extend(values)
        whole = Listings.joined(parts)
        for answerer in self.answerers.values():
            answers |= {name: list(values) for name, values in answerer.answer(whole).items()}
        return answers_table(whole, {**answers, **self.repeats(whole)})

    def repeats(self, listings: Listings) -> Answers:
        """Which listings say what another one of the store or of the window says."""
        repeats = find_repeats(listings.table, listings.cells, self.known)
        return {
            "duplicate_ids": [repeat.product_ids for repeat in repeats],
            "duplicate_reason": [repeat.reason for repeat in repeats],
            "duplicate_place": [repeat.place for repeat in repeats],
        }


def answers_table(listings: Listings, answers: Answers) -> pa.Table:
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
    batches: Iterable[AnsweredBatch],
    enricher: WindowEnricher,
    folder: Path,
    first: int,
    advance: Advance,
    *,
    rows_a_window: int = ROWS_A_WINDOW,
) -> list[Path]:
    """Answer the rest of a feed into parts, window by window; returns the new ones in order.

    Args:
        batches: Of listings, each answered by itself; those whose windows are done already left out.
        enricher: Answers windows.
        folder: Of the parts of this very job.
        first: Number of the first part.
        advance: Told how far it is.
        rows_a_window: Listings from which a window is full.
    """
    parts = []
    for number, window in enumerate(_windows(_counted(batches, advance), rows_a_window), first):
        table = enricher.answer(window)
        part = folder / f"part-{number:06d}-{table.num_rows}.arrow"
        with replace_file(part) as aside:
            feather.write_feather(table, aside, compression="uncompressed")
        parts.append(part)
    return parts


def _counted(batches: Iterable[AnsweredBatch], advance: Advance) -> Iterator[AnsweredBatch]:
    for batch in batches:
        advance(len(batch.listings))
        yield batch


def _windows(batches: Iterable[AnsweredBatch], rows_a_window: int) -> Iterator[Iterator[AnsweredBatch]]:
    """Batches in groups of at least so many rows; each group must be read to its end before the next is asked for."""
    coming = iter(batches)
    while (first := next(coming, None)) is not None:
        yield _window(first, coming, rows_a_window)


def _window(first: AnsweredBatch, coming: Iterator[AnsweredBatch], rows_a_window: int) -> Iterator[AnsweredBatch]:
    rows = len(first.listings)
    yield first
    while rows < rows_a_window and (batch := next(coming, None)) is not None:
        rows += len(batch.listings)
        yield batch
