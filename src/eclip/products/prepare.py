"""From a feed to a product store: stream, clean, write; then the columns that need a view of all rows.

The story: `cleaned_listings` yields cleaned batches; rejects go aside with their reasons, the rest is
appended to the dataset, so memory is bounded by a batch. A second pass over a few key columns finds
duplicates, loss groups and the split, and adds them as new columns (a merge of columns rewrites no picture;
building the dataset a second time would). store.json, written last, makes a store of it; until then an old
store of that name is whole.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa

from eclip.products.accept import LISTING_SCHEMA, Counts, accepted_batches, texts
from eclip.products.corrections import carry_corrections
from eclip.products.dataset import (
    DatasetWriter,
    forget_old_versions,
    newest_version,
    open_dataset,
    put_columns,
    whole_version,
)
from eclip.products.deleted import DELETED, Deleted, without_examples
from eclip.products.feeds import Feed
from eclip.products.garbage import search_put_off
from eclip.products.listings import LISTING_COLUMNS, Feeding, FeedPlan, plan_listings, planned_listings
from eclip.products.manifest import (
    CONFLICTS_VERSION,
    DATASET_VERSION,
    REJECTS_VERSION,
    VECTORS_MODEL,
    read_manifest,
    version_keys,
    write_manifest,
)
from eclip.products.place import StoreName, StorePlace, store_place
from eclip.products.report.page import REPORT_STAGE, render_store_report
from eclip.products.stagetimes import StageTimes, peak_memory_bytes
from eclip.products.store import Store
from eclip.products.titles.cleaner import TitleCleaner
from eclip.products.wholefeed import KEY_COLUMNS, view_whole_feed
from eclip.progress import stage
from eclip.schema import (
    CONFLICTS_DATASET,
    CONFLICTS_SCHEMA,
    PRODUCTS_DATASET,
    REJECTS_DATASET,
    REJECTS_SCHEMA,
    STORE_REPORT,
    STORE_VERSION,
)
from eclip.version import __version__

_PLAN_ROWS = 200  # looked at by a dry run


@dataclass(kw_only=True)
class PrepareSummary:
    """What `prepare` did, counted."""

    platform: str | None = None
    """Whose export the feed was taken for; None = nobody's."""
    rows_read: int = 0
    rows_kept: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    """Rows not kept, by reason."""
    flagged: dict[str, int] = field(default_factory=dict)
    """Flags on kept rows, by kind (the text before a colon)."""
    titles: int = 0
    title_rules: dict[str, int] = field(default_factory=dict)
    """Titles that each rule changed."""
    pictures: int = 0
    duplicates: int = 0
    placeholders: int = 0
    """Pictures that stand under many different products and so prove nothing."""
    catalogs: int = 0
    conflicts: int = 0
    """Links between listings that something contradicts: inferred ones were cut, given ones flagged."""
    categories: int = 0
    """Different category paths."""
    loss_groups: int = 0
    splits: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    stage_seconds: dict[str, float] = field(default_factory=dict)
    """Time of each stage, by the clock."""
    stage_processor_seconds: dict[str, float] = field(default_factory=dict)
    """The same by the processor, all threads together: where far less, the stage waited."""
    peak_memory_bytes: int = 0
    """The most memory that the process has held."""
    num_bytes: int = 0
    """Size of the store on disk."""

    def add_costs(self, times: StageTimes) -> None:
        """Write down what the stages cost so far."""
        self.stage_seconds = {name: round(spent, 3) for name, spent in times.seconds.items()}
        self.stage_processor_seconds = {name: round(spent, 3) for name, spent in times.processor_seconds.items()}
        self.peak_memory_bytes = peak_memory_bytes()


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
    platform: str | None = None
    """Whose export the feed was taken for."""
    rejected: dict[str, int]
    """Rows of the sample that would be rejected, by reason."""


def prepare_store(feed: Feed | Path | str, store: StoreName, **feeding: Unpack[Feeding]) -> PrepareSummary:
    """Make a product store from a feed; a finished store of that name is replaced once the new one is whole.

    Args:
        feed: An opened feed, or what `open_feed` opens.
        store: Folder to make, or s3://bucket/prefix.
        feeding: How to read the feed.

    Raises:
        FeedError: The feed can't be read, or no row of it can be kept.
        ConfigError: `columns` or `skip_title_rules` can't be understood.
        StoreError: `store` is a file or a folder of something else.
        DiskError: The disk is full, or the place can't be written.
    """
    started, times = time.monotonic(), StageTimes()
    place = store_place(store)
    place.check_replaceable()
    with times.stage("first look"):
        plan = plan_listings(feed, **feeding)
    with place.writing(), place.made_anew() as fresh:
        before = read_manifest(place) or {}
        deleted = Deleted.from_json(before.get(DELETED))  # stays so in the new one, as corrections do
        summary, content = _write_rows(plan, fresh, deleted, times)
        add_whole_feed_columns(fresh, summary, times=times)
        summary.add_costs(times)
        summary.seconds = round(time.monotonic() - started, 2)
        summary.num_bytes = fresh.num_bytes()
        manifest = {
            **_manifest(plan, summary, content, feeding),
            DATASET_VERSION: whole_version(fresh.dataset(PRODUCTS_DATASET), summary.rows_kept),
            REJECTS_VERSION: newest_version(fresh.dataset(REJECTS_DATASET)),
            CONFLICTS_VERSION: newest_version(fresh.dataset(CONFLICTS_DATASET)),
            VECTORS_MODEL: None,
            DELETED: deleted.to_json(),
            **carry_corrections(place, before, fresh),
        }
        if deleted:  # rows that are refused were cleaned and counted as well
            manifest["titles"] = without_examples(manifest["titles"])
        with times.stage(REPORT_STAGE):
            page = render_store_report(Store(fresh, manifest))
        summary.add_costs(times)
        write_manifest(fresh, {**manifest, "summary": asdict(summary)})
        fresh.write_text(STORE_REPORT, page)
        for name, key in version_keys(manifest).items():
            forget_old_versions(fresh.dataset(name), manifest[key])
    return summary


def plan_feed(feed: Feed | Path | str, **feeding: Unpack[Feeding]) -> FeedForecast:
    """Rows, bytes and time that `prepare_store` would need: the first rows are read, nothing is fetched or written.

    Raises:
        FeedError: As `prepare_store`.
        ConfigError: As `prepare_store`.
    """
    feeding["titles"] = TitleCleaner(feeding.get("skip_title_rules", ""))  # learning would read the whole feed
    feeding["fetch_images"] = "none"
    plan = plan_listings(feed, **feeding)
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
        platform=plan.feed.platform,
        rejected=dict(Counter(texts(sample["reject_reason"]))),
    )


def _write_rows(plan: FeedPlan, place: StorePlace, deleted: Deleted, times: StageTimes) -> tuple[PrepareSummary, str]:
    """First pass: kept rows and rejects to their datasets; the summary so far and the content's digest."""
    kept = DatasetWriter(place.dataset(PRODUCTS_DATASET), LISTING_SCHEMA)
    rejects = DatasetWriter(place.dataset(REJECTS_DATASET), REJECTS_SCHEMA)
    counts, digest = Counts(), hashlib.sha256()
    # Closed whatever happens: as long as somebody looks at an error, what hangs on its frames would live on.
    with (
        stage("Preparing products", plan.feed.num_rows) as advance,
        closing(accepted_batches(plan, rejects, counts, advance, deleted=deleted)) as accepted,
    ):
        for products in times.each("read and clean", accepted):
            with times.stage("write"):
                kept.append(products)
            for told in products["listing_hash"].to_pylist():
                digest.update(told.encode())
        with times.stage("write"):
            kept.close()
            rejects.close()
    summary = PrepareSummary(rows_kept=kept.num_rows, platform=plan.feed.platform)
    counts.report(summary)
    summary.title_rules = dict(plan.titles.counts.changed)
    return summary, digest.hexdigest()


def add_whole_feed_columns(
    place: StorePlace,
    summary: PrepareSummary,
    *,
    settled: Mapping[str, str] | None = None,
    times: StageTimes | None = None,
) -> None:
    """Second pass, over key columns of the newest version: duplicates, catalogs, loss groups, split."""
    times = times or StageTimes()
    dataset = place.dataset(PRODUCTS_DATASET)
    opened = open_dataset(dataset)
    keys = opened.to_table(columns=list(KEY_COLUMNS))

    def read_pictures(rows: Sequence[int]) -> list[bytes | None]:
        return list(opened.take(list(rows), columns=["image"])["image"].to_pylist())

    with stage("Duplicates, catalogs, split", keys.num_rows) as advance, search_put_off():
        whole = view_whole_feed(keys, read_pictures, settled=settled, times=times)
        with times.stage("put columns"):
            put_columns(dataset, whole.columns)
        advance(keys.num_rows)
    for name in ("duplicates", "placeholders", "catalogs", "loss_groups", "splits"):
        setattr(summary, name, getattr(whole, name))
    summary.conflicts = len(whole.conflicts)
    conflicts = DatasetWriter(place.dataset(CONFLICTS_DATASET), CONFLICTS_SCHEMA)
    conflicts.append(pa.Table.from_pylist([asdict(conflict) for conflict in whole.conflicts], schema=CONFLICTS_SCHEMA))
    conflicts.close()


def _manifest(plan: FeedPlan, summary: PrepareSummary, content: str, feeding: Feeding) -> dict[str, Any]:
    """What store.json says: how the store came to be, and what is in it."""
    return {
        "version": STORE_VERSION,
        "eclip": __version__,
        "digest": content,
        "num_rows": summary.rows_kept,
        "feed": plan.feed.facts(),
        "images": str(feeding.get("images") or "") or None,
        "columns": feeding.get("columns", ""),
        "column_map": plan.columns.to_json(),
        "category_separator": plan.category_separator,
        "titles": plan.titles.to_json(),
        "summary": asdict(summary),
    }
