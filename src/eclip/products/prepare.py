"""From a feed to a product store: stream, clean, write; then the columns that need a view of all rows.

The story: `planned_listings` yields cleaned batches; rejects go aside with their reasons, the rest is
appended to the dataset, so memory is bounded by a batch. A second pass over a few key columns finds
duplicates, loss groups and the split, and adds them as new columns (a merge of columns rewrites no picture;
building the dataset a second time would). All of it happens in STORE.partial; store.json is written last;
then the folder is renamed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eclip.errors import FeedError
from eclip.files import writing
from eclip.products.dedup import find_duplicates, folded_titles, loss_groups, placeholder_pictures
from eclip.products.listings import LISTING_COLUMNS, WHOLE_FEED_COLUMNS, FeedPlan, plan_listings, planned_listings
from eclip.products.split import assign_splits
from eclip.products.store import DatasetWriter, add_columns, dataset_columns, write_manifest
from eclip.products.storefolder import partial_folder
from eclip.products.titles.cleaner import TitleCleaner
from eclip.progress import stage
from eclip.schema import PRODUCTS_DATASET, PRODUCTS_SCHEMA, REJECTS_DATASET, REJECTS_SCHEMA, STORE_VERSION
from eclip.version import __version__

REPEATED_ID = "repeated product id"
_BATCH_ROWS = 1000
_PLAN_ROWS = 200  # looked at by a dry run
_KEY_COLUMNS = ("product_id", "title", "seller", "catalog_id", "model_id", "image_hash")
_WRITTEN_SCHEMA = pa.schema([PRODUCTS_SCHEMA.field(name) for name in LISTING_COLUMNS])
_DIGESTED = tuple(name for name in LISTING_COLUMNS if name not in ("image", "extra_images"))


@dataclass(kw_only=True)
class PrepareSummary:
    """What `prepare` did, counted."""

    rows_read: int = 0
    rows_kept: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    """Rows not kept, by reason."""
    flagged: dict[str, int] = field(default_factory=dict)
    """Flags on kept rows, by kind (the text before a colon)."""
    titles: int = 0
    pictures: int = 0
    duplicates: int = 0
    placeholders: int = 0
    """Pictures that stand under many different products and so prove nothing."""
    catalogs: int = 0
    categories: int = 0
    """Different category paths."""
    loss_groups: int = 0
    title_rules: dict[str, int] = field(default_factory=dict)
    """Titles that each rule changed."""
    splits: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    num_bytes: int = 0
    """Size of the store on disk."""


@dataclass(frozen=True, kw_only=True)
class FeedForecast:
    """What `prepare --dry-run` says."""

    rows: int
    num_bytes: int
    """Expected size of the store."""
    seconds: float
    """Expected time."""
    category_separator: str
    columns: dict[str, Any]
    rejected: dict[str, int]
    """Rows of the sample that would be rejected, by reason."""


def prepare_store(
    feed: Path,
    store: Path,
    *,
    images: Path | None,
    columns: str,
    category_separator: str | None,
    skip_title_rules: str = "",
) -> PrepareSummary:
    """Make a product store from a feed; a finished store of that name is replaced once the new one is whole.

    Args:
        feed: CSV, TSV, JSON lines or Parquet file.
        store: Folder to make.
        images: Folder that relative picture paths start from; None = the feed's own.
        columns: `name=column,...`, see `eclip.products.columns`.
        category_separator: None = `>`, or `/` where no category of the feed has `>`.
        skip_title_rules: Names of title rules to leave out, see `eclip.products.titles.rules`.

    Raises:
        FeedError: The feed can't be read, or no row of it can be kept.
        ConfigError: `columns` or `skip_title_rules` can't be understood.
        StoreError: `store` is a file or a folder of something else.
        DiskError: The disk is full, or the place can't be written.
    """
    started = time.monotonic()
    plan = plan_listings(
        feed,
        images=images,
        columns=columns,
        category_separator=category_separator,
        skip_title_rules=skip_title_rules,
    )
    with writing(store), partial_folder(store) as partial:
        summary, content = _write_rows(plan, partial)
        _add_whole_feed_columns(partial / PRODUCTS_DATASET, summary)
        summary.seconds = round(time.monotonic() - started, 2)
        summary.num_bytes = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file())
        write_manifest(partial, _manifest(plan, summary, content, images=images, columns=columns))
    return summary


def plan_feed(
    feed: Path, *, images: Path | None, columns: str, category_separator: str | None, skip_title_rules: str = ""
) -> FeedForecast:
    """Rows, bytes and time that `prepare_store` would need: the first rows are read, nothing is written.

    Raises:
        FeedError: As `prepare_store`.
        ConfigError: As `prepare_store`.
    """
    titles = TitleCleaner(skip_title_rules)  # learning would read the whole feed
    plan = plan_listings(feed, images=images, columns=columns, category_separator=category_separator, titles=titles)
    started = time.monotonic()
    sample = next(planned_listings(plan, batch_size=_PLAN_ROWS))
    seconds = time.monotonic() - started
    rows = plan.feed.num_rows
    share = rows / max(sample.num_rows, 1)
    return FeedForecast(
        rows=rows,
        num_bytes=int(sample.select(LISTING_COLUMNS).nbytes * share),
        seconds=seconds * share,
        category_separator=plan.category_separator,
        columns=plan.columns.to_json(),
        rejected=dict(Counter(_texts(sample["reject_reason"]))),
    )


def _write_rows(plan: FeedPlan, partial: Path) -> tuple[PrepareSummary, str]:
    """First pass: kept rows and rejects to their datasets; the summary so far and the content's digest."""
    kept = DatasetWriter(partial / PRODUCTS_DATASET, _WRITTEN_SCHEMA)
    rejects = DatasetWriter(partial / REJECTS_DATASET, REJECTS_SCHEMA)
    summary, digest = PrepareSummary(), hashlib.sha256()
    counts = _Counts()
    seen: set[str] = set()
    with stage("Preparing products", plan.feed.num_rows) as advance:
        for listings in planned_listings(plan, batch_size=_BATCH_ROWS):
            listings = reject_repeated_ids(listings, seen)
            fine = pc.is_null(listings["reject_reason"])
            products = listings.filter(fine).select(LISTING_COLUMNS).cast(_WRITTEN_SCHEMA)
            kept.append(products)
            rejects.append(_as_rejects(listings.filter(pc.invert(fine))))
            counts.add(listings, products)
            for row in products.select(_DIGESTED).to_pylist():
                digest.update(json.dumps(row, ensure_ascii=False).encode())
            summary.rows_read += listings.num_rows
            advance(listings.num_rows)
        if not kept.num_rows:
            raise FeedError(
                f"none of {summary.rows_read} rows can be kept: {_in_words(counts.rejected)}; "
                "check --columns and --images",
                path=plan.feed.path,
            )
        kept.close()
        rejects.close()
    summary.rows_kept = kept.num_rows
    counts.report(summary)
    summary.title_rules = dict(plan.titles.counts.changed)
    return summary, digest.hexdigest()


@dataclass
class _Counts:
    """Counters over all batches."""

    rejected: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    categories: set[tuple[str, ...]] = field(default_factory=set)
    titles: int = 0
    pictures: int = 0

    def add(self, listings: pa.Table, products: pa.Table) -> None:
        """Count one batch: all its listings, and those that are kept."""
        self.rejected.update(_texts(listings["reject_reason"]))
        for flags in products["flags"].to_pylist():
            self.flagged.update(flag.partition(":")[0] for flag in flags or ())
        self.categories.update(tuple(path) for path in products["category"].to_pylist() if path)
        self.titles += products.num_rows - products["title"].null_count
        self.pictures += products.num_rows - products["image"].null_count

    def report(self, summary: PrepareSummary) -> None:
        """Write the counts into the summary."""
        summary.rejected, summary.flagged = dict(self.rejected), dict(self.flagged)
        summary.titles, summary.pictures = self.titles, self.pictures
        summary.categories = len(self.categories)


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
            row = listings.select(_DIGESTED).slice(index, 1).to_pylist()[0]
            raws[index] = json.dumps({k: v for k, v in row.items() if v is not None}, ensure_ascii=False)
        seen.add(product_id)
    for name, values in (("reject_reason", reasons), ("reject_detail", details), ("reject_raw", raws)):
        position = listings.column_names.index(name)
        listings = listings.set_column(position, name, pa.array(values, pa.string()))
    return listings


def _as_rejects(listings: pa.Table) -> pa.Table:
    names = ["row", "product_id", "reject_reason", "reject_detail", "reject_raw"]
    return listings.select(names).rename_columns(REJECTS_SCHEMA.names).cast(REJECTS_SCHEMA)


def _add_whole_feed_columns(dataset: Path, summary: PrepareSummary) -> None:
    """Second pass, over key columns only: duplicates, loss groups, split."""
    keys = dataset_columns(dataset, _KEY_COLUMNS).to_pydict()
    ids, titles, hashes = keys["product_id"], keys["title"], keys["image_hash"]
    catalogs, models = keys["catalog_id"], keys["model_id"]
    with stage("Duplicates, groups, split", len(ids)) as advance:
        originals, reasons = find_duplicates(titles, keys["seller"], hashes, catalogs)
        identity = [
            model or catalog or title
            for model, catalog, title in zip(models, catalogs, folded_titles(titles), strict=True)
        ]
        placeholders = placeholder_pictures(hashes, identity)
        telling = [None if image_hash in placeholders else image_hash for image_hash in hashes]
        groups = loss_groups(titles, telling, catalogs)
        splits = assign_splits(ids, catalogs, models, originals)
        first = [ids[original] if original >= 0 else None for original in originals.tolist()]
        columns = dict(zip(WHOLE_FEED_COLUMNS, (first, reasons, groups, splits), strict=True))
        schema = pa.schema([PRODUCTS_SCHEMA.field(name) for name in WHOLE_FEED_COLUMNS])
        add_columns(dataset, pa.table(columns, schema=schema))
        advance(len(ids))
    summary.duplicates = int((originals >= 0).sum())
    summary.placeholders = len(placeholders)
    summary.catalogs = len({catalog for catalog in catalogs if catalog})
    summary.loss_groups = int(groups.max()) + 1
    summary.splits = dict(Counter(splits))


def _manifest(
    plan: FeedPlan, summary: PrepareSummary, content: str, *, images: Path | None, columns: str
) -> dict[str, Any]:
    """What store.json says: how the store came to be, and what is in it."""
    feed = plan.feed.path
    facts = feed.stat()
    return {
        "version": STORE_VERSION,
        "eclip": __version__,
        "digest": content,
        "num_rows": summary.rows_kept,
        "feed": {"path": str(feed), "bytes": facts.st_size, "modified_ns": facts.st_mtime_ns},
        "images": str(images) if images is not None else None,
        "columns": columns,
        "column_map": plan.columns.to_json(),
        "category_separator": plan.category_separator,
        "titles": plan.titles.to_json(),
        "summary": asdict(summary),
    }


def _texts(column: pa.ChunkedArray) -> Iterable[str]:
    return [value for value in column.to_pylist() if value is not None]


def _in_words(counts: Counter[str]) -> str:
    return ", ".join(f"{count} x {reason}" for reason, count in counts.most_common(3))
