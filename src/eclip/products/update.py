"""A new feed merged into a store: what is new, changed, unchanged, gone.

The story: the feed is cleaned as `prepare` does; listings that say something new are staged aside, with the
vectors of those whose picture and title are as before. Then their old rows are deleted, the staged ones
appended, and the whole-feed columns filled anew; listings that stay keep their split. All of these are
versions of the dataset that nobody reads until the manifest, put in place last, names the newest. A killed
update leaves the store as it was; the next one starts from there.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa
import pyarrow.compute as pc

from eclip.products.accept import LISTING_SCHEMA, Counts, accepted_batches
from eclip.products.agreement.upkeep import recounted_check, settle_placeholders
from eclip.products.dataset import (
    DatasetWriter,
    append_rows,
    begin_at,
    delete_products,
    forget_old_versions,
    newest_version,
    open_dataset,
    whole_version,
)
from eclip.products.deleted import DELETED, Deleted
from eclip.products.feeds import Feed
from eclip.products.fitting import require_columns, require_ids
from eclip.products.listings import Feeding, FeedPlan, plan_listings
from eclip.products.manifest import (
    CONFLICTS_VERSION,
    DATASET_VERSION,
    REJECTS_VERSION,
    VECTORS_MODEL,
    version_keys,
    write_manifest,
)
from eclip.products.place import StoreName, StorePlace
from eclip.products.prepare import PrepareSummary, add_whole_feed_columns
from eclip.products.report.page import write_store_report
from eclip.products.stagetimes import StageTimes
from eclip.products.store import Store
from eclip.products.titles.cleaner import TitleCleaner
from eclip.progress import stage
from eclip.schema import (
    CONFLICTS_DATASET,
    EMBEDDING_COLUMNS,
    EMBEDDING_MODEL_COLUMN,
    PRODUCTS_DATASET,
    REJECTS_DATASET,
    REJECTS_SCHEMA,
)

_CARRIED = ("pair_score", "weight", *EMBEDDING_COLUMNS, EMBEDDING_MODEL_COLUMN)  # of a picture and title as before
_APPEND_ROWS = 5_000


@dataclass(kw_only=True)
class UpdateSummary:
    """What an update did, counted."""

    rows_read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    """Listings that the feed no longer has and that were taken out of the store."""
    missing: int = 0
    """Listings that the feed no longer has and that stay (removing was not asked for)."""
    rejected_but_kept: int = 0
    """Listings whose row in the feed was rejected; they stay as they were, whether removing was asked for or not."""
    rejected: dict[str, int] = field(default_factory=dict)
    rows_kept: int = 0
    """Listings in the store now."""
    without_vectors: int = 0
    """Listings that the next `eclip embed` has to encode."""
    duplicates: int = 0
    catalogs: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class _Changes:
    """Product ids by what became of them; new and changed listings lie in the staging dataset."""

    new: list[str]
    changed: list[str]
    unchanged: list[str]
    held: list[str]
    gone: list[str]


def update_store(
    feed: Feed | Path | str, store: StoreName, *, remove_missing: bool, **feeding: Unpack[Feeding]
) -> UpdateSummary:
    """Merge a feed into a finished store; the store is the old one or the new one, never between.

    Args:
        feed: An opened feed, or what `open_feed` opens.
        store: The store.
        remove_missing: Take listings out of the store that the feed does not have. One whose row is rejected is
            there, as far as its id can be read.
        feeding: How to read the feed; what is not said is done as when the store was made, and titles are cleaned
            by what was learned then.

    Raises:
        FeedError: The feed can't be read, no row of it can be kept, or it has no ids to tell its listings by.
        ConfigError: `columns` can't be understood.
        StoreError: There is no finished store.
        DiskError: The disk is full, or the place can't be written.
    """
    started = time.monotonic()
    opened = Store.open(store)
    feeding["columns"] = feeding.get("columns") or opened.manifest["columns"]
    feeding["category_separator"] = feeding.get("category_separator") or opened.manifest["category_separator"]
    feeding["titles"] = TitleCleaner.from_json(opened.manifest["titles"])
    plan = plan_listings(feed, **feeding)
    require_columns(plan, opened, feeding["columns"])
    place = opened.place
    with opened.changing(), _staging(place.incoming) as incoming:
        counts = Counts()
        changes = _stage_changes(plan, opened, incoming, counts)
        require_ids(plan, changes.changed)
        removed = changes.gone if remove_missing else []
        summary = UpdateSummary(
            rows_read=counts.rows_read,
            new=len(changes.new),
            changed=len(changes.changed),
            unchanged=len(changes.unchanged),
            removed=len(removed),
            missing=len(changes.gone) - len(removed),
            rejected_but_kept=len(changes.held),
            rejected=dict(counts.rejected),
        )
        manifest = dict(opened.manifest)
        if changes.new or changes.changed or removed:
            whole = _apply(opened, changes, removed, incoming)
            counts.report_feed(whole)
            num_rows = opened.num_rows + len(changes.new) - len(removed)
            manifest = describe(opened, whole, num_rows=num_rows)
        summary.rows_kept = manifest["num_rows"]
        summary.without_vectors = _encoded_by(place, manifest[DATASET_VERSION])[1]
        summary.duplicates = manifest["summary"]["duplicates"]
        summary.catalogs = manifest["summary"]["catalogs"]
        summary.seconds = round(time.monotonic() - started, 2)
        manifest[REJECTS_VERSION] = newest_version(place.dataset(REJECTS_DATASET))
        told = {"feed": str(plan.feed.source), "fields": dict(plan.columns.fields), **asdict(summary)}
        manifest = {**manifest, "updated": told}
        write_manifest(place, manifest)
        write_store_report(Store(place, manifest))
        for name, key in version_keys(manifest).items():
            forget_old_versions(place.dataset(name), manifest[key])
    return summary


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """The folder, empty, for listings on their way; what a killed update left there is cleared."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stage_changes(plan: FeedPlan, store: Store, incoming: Path, counts: Counts) -> _Changes:
    """Clean the feed and stage what says something new; its rejects are a version that nobody reads yet."""
    table = store.table(["product_id", "listing_hash"])
    known = dict(zip(table["product_id"].to_pylist(), table["listing_hash"].to_pylist(), strict=True))
    staged = DatasetWriter(incoming / PRODUCTS_DATASET, LISTING_SCHEMA)
    rejects = DatasetWriter(store.place.dataset(REJECTS_DATASET), REJECTS_SCHEMA)
    deleted = Deleted.from_json(store.manifest.get(DELETED))
    changes = _Changes([], [], [], [], [])
    with stage("Comparing listings", plan.feed.num_rows) as advance:
        for products in accepted_batches(plan, rejects, counts, advance, deleted=deleted):
            wanted = []
            ids, hashes = products["product_id"].to_pylist(), products["listing_hash"].to_pylist()
            for product_id, told in zip(ids, hashes, strict=True):
                before = known.get(product_id)
                wanted.append(before != told)
                fate = changes.new if before is None else changes.changed if before != told else changes.unchanged
                fate.append(product_id)
            staged.append(products.filter(pa.array(wanted, pa.bool_())))
        staged.close()
        rejects.close()
    seen = {*changes.changed, *changes.unchanged}
    rejected = counts.rejected_ids - seen
    changes.held.extend(product_id for product_id in known if product_id in rejected)
    seen.update(changes.held)  # a broken row is no listing that was taken back
    changes.gone.extend(product_id for product_id in known if product_id not in seen)
    return changes


def _apply(store: Store, changes: _Changes, removed: Sequence[str], incoming: Path) -> PrepareSummary:
    """Old rows out, staged ones in, whole-feed columns anew; only versions that nobody reads yet are made.

    Returns:
        What the store's summary says, with the counts of the whole-feed columns anew.
    """
    dataset = store.place.dataset(PRODUCTS_DATASET)
    begin_at(dataset, store.manifest[DATASET_VERSION])
    settled = settled_splits(store, removed)
    carried = _carried_values(store, changes.changed)
    delete_products(dataset, [*changes.changed, *removed])
    staged = open_dataset(incoming / PRODUCTS_DATASET)
    total = len(changes.new) + len(changes.changed)
    with stage("Merging listings", total) as advance:
        for batch in staged.to_batches(batch_size=_APPEND_ROWS):
            append_rows(dataset, _with_carried(pa.Table.from_batches([batch]), carried))
            advance(batch.num_rows)
    summary, times = PrepareSummary(**store.manifest["summary"]), StageTimes()
    add_whole_feed_columns(store.place, summary, settled=settled, times=times)
    summary.add_costs(times)
    settle_placeholders(store)
    return summary


def settled_splits(store: Store, removed: Collection[str]) -> dict[str, str]:
    """Product id -> split of the listings that stay: they keep it for ever."""
    gone, table = set(removed), store.table(["product_id", "split"])
    splits = zip(table["product_id"].to_pylist(), table["split"].to_pylist(), strict=True)
    return {product_id: split for product_id, split in splits if product_id not in gone}


def _carried_values(store: Store, changed: Sequence[str]) -> pa.Table:
    """`content_hash` and what was computed of it, for listings about to be replaced."""
    present = [name for name in _CARRIED if name in store.column_names]
    return store.products(changed, ["product_id", "content_hash", *present])


def _with_carried(rows: pa.Table, carried: pa.Table) -> pa.Table:
    """Staged rows with what was computed before of the same product's same picture and title."""
    if not carried.num_rows:
        return rows
    keys = [pc.binary_join_element_wise(t["product_id"], t["content_hash"], "\0") for t in (rows, carried)]
    places = pc.index_in(keys[0], keys[1].combine_chunks())
    for name in carried.column_names[2:]:
        values = carried[name].take(places)
        if name in rows.column_names:
            values = pc.coalesce(values, rows[name])
            rows = rows.drop_columns([name])
        rows = rows.append_column(carried.schema.field(name), values)
    return rows


def describe(store: Store, summary: PrepareSummary, *, num_rows: int) -> dict[str, Any]:
    """The manifest of the newest version of the store's products, so many; counts of its rows go into the summary."""
    version = whole_version(store.place.dataset(PRODUCTS_DATASET), num_rows)
    dataset = open_dataset(store.place.dataset(PRODUCTS_DATASET), version)
    table = dataset.to_table(columns=["listing_hash", "title", "image_hash", "category"])
    digest = hashlib.sha256()
    for told in table["listing_hash"].to_pylist():
        digest.update(told.encode())
    summary.rows_kept = table.num_rows
    summary.titles = table.num_rows - table["title"].null_count
    summary.pictures = table.num_rows - table["image_hash"].null_count
    summary.categories = len({tuple(path) for path in table["category"].to_pylist() if path})
    return {
        **store.manifest,
        **recounted_check(store.manifest, dataset),
        "digest": digest.hexdigest(),
        "num_rows": table.num_rows,
        "summary": asdict(summary),
        DATASET_VERSION: version,
        CONFLICTS_VERSION: newest_version(store.place.dataset(CONFLICTS_DATASET)),
        VECTORS_MODEL: _encoded_by(store.place, version)[0],
    }


def _encoded_by(place: StorePlace, version: int) -> tuple[str | None, int]:
    """The model that has encoded every listing of a version (None = none has), and how many no model has."""
    dataset = open_dataset(place.dataset(PRODUCTS_DATASET), version)
    if EMBEDDING_MODEL_COLUMN not in dataset.schema.names:
        return None, int(dataset.count_rows())
    models = dataset.to_table(columns=[EMBEDDING_MODEL_COLUMN])[EMBEDDING_MODEL_COLUMN]
    each = models.unique().to_pylist()
    return each[0] if len(each) == 1 else None, models.null_count
