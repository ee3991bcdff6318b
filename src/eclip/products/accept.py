"""Which rows of a feed are kept: cleaned listings batch by batch, rejects put aside, everything counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eclip.errors import FeedError
from eclip.products.crew.windows import cleaned_listings
from eclip.products.dataset import DatasetWriter
from eclip.products.deleted import NOTHING_DELETED, Deleted, reject_deleted
from eclip.products.listings import LISTING_COLUMNS, FeedPlan
from eclip.progress import Advance
from eclip.schema import PRODUCTS_SCHEMA, REJECTS_SCHEMA

REPEATED_ID = "repeated product id"
LISTING_SCHEMA = pa.schema([PRODUCTS_SCHEMA.field(name) for name in LISTING_COLUMNS])
_BATCH_ROWS = 1000
_TOLD = tuple(name for name in LISTING_COLUMNS if name not in ("image", "extra_images"))


@dataclass
class Counts:
    """Counters over all batches."""

    rows_read: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    rejected_ids: set[str] = field(default_factory=set)
    """Product ids of rejected rows, as far as they can be read."""
    flagged: Counter[str] = field(default_factory=Counter)
    categories: set[tuple[str, ...]] = field(default_factory=set)
    titles: int = 0
    pictures: int = 0

    def add(self, listings: pa.Table, products: pa.Table) -> None:
        """Count one batch: all its listings, and those that are kept."""
        self.rows_read += listings.num_rows
        self.rejected.update(texts(listings["reject_reason"]))
        self.rejected_ids.update(texts(listings.filter(pc.is_valid(listings["reject_reason"]))["product_id"]))
        for flags in products["flags"].to_pylist():
            self.flagged.update(flag.partition(":")[0] for flag in flags or ())
        self.categories.update(tuple(path) for path in products["category"].to_pylist() if path)
        self.titles += products.num_rows - products["title"].null_count
        self.pictures += products.num_rows - products["image"].null_count

    def report_feed(self, summary: Any) -> None:
        """Write what is of the feed, not of the store, into a summary that has fields for it."""
        summary.rows_read, summary.rejected = self.rows_read, dict(self.rejected)

    def report(self, summary: Any) -> None:
        """Write all counts into a summary that has fields for them."""
        self.report_feed(summary)
        summary.flagged = dict(self.flagged)
        summary.titles, summary.pictures = self.titles, self.pictures
        summary.categories = len(self.categories)


def accepted_batches(
    plan: FeedPlan, rejects: DatasetWriter, counts: Counts, advance: Advance, *, deleted: Deleted = NOTHING_DELETED
) -> Generator[pa.Table, None, None]:
    """The products of a feed in `LISTING_SCHEMA`, each id once and none `deleted`; the other rows go to `rejects`.

    Raises:
        FeedError: No row of the feed can be kept.
    """
    seen: set[str] = set()
    for listings in cleaned_listings(plan, batch_size=_BATCH_ROWS):
        listings = reject_deleted(listings, deleted, plan.columns.fields)
        listings = reject_repeated_ids(listings, seen)
        fine = pc.is_null(listings["reject_reason"])
        products = listings.filter(fine).select(LISTING_COLUMNS).cast(LISTING_SCHEMA)
        rejects.append(_as_rejects(listings.filter(pc.invert(fine))))
        counts.add(listings, products)
        yield products
        advance(listings.num_rows)
    if not seen:
        raise FeedError(
            f"none of {counts.rows_read} rows can be kept: {_in_words(counts.rejected)}; check --columns and --images",
            path=plan.feed.source,
        )


def reject_repeated_ids(listings: pa.Table, seen: set[str]) -> pa.Table:
    """Reject listings whose id an earlier one has; `seen` is filled with the ids of this batch.

    The rejected row is kept as it was understood (its raw cells are gone by now), pictures left out.
    """
    reasons, details = listings["reject_reason"].to_pylist(), listings["reject_detail"].to_pylist()
    raws = listings["reject_raw"].to_pylist()
    for index, product_id in enumerate(listings["product_id"].to_pylist()):
        if reasons[index] is not None:
            continue
        if product_id in seen:
            reasons[index] = REPEATED_ID
            details[index] = f"product id {product_id!r} stands in an earlier row"
            row = listings.select(_TOLD).slice(index, 1).to_pylist()[0]
            raws[index] = json.dumps({k: v for k, v in row.items() if v is not None}, ensure_ascii=False)
        seen.add(product_id)
    for name, values in (("reject_reason", reasons), ("reject_detail", details), ("reject_raw", raws)):
        position = listings.column_names.index(name)
        listings = listings.set_column(position, name, pa.array(values, pa.string()))
    return listings


def _as_rejects(listings: pa.Table) -> pa.Table:
    names = ["row", "product_id", "reject_reason", "reject_detail", "reject_raw"]
    return listings.select(names).rename_columns(REJECTS_SCHEMA.names).cast(REJECTS_SCHEMA)


def texts(column: pa.ChunkedArray) -> Iterable[str]:
    """The values of a text column that are there."""
    return [value for value in column.to_pylist() if value is not None]


def _in_words(counts: Counter[str]) -> str:
    return ", ".join(f"{count} x {reason}" for reason, count in counts.most_common(3))
