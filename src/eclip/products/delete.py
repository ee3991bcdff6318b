"""Listings out of a store on request, for good: what people see, what programs read, and every old version.

The story: their rows are deleted and the rest is compacted, so that no data file holds them any more; the
whole-feed columns are filled anew; rejects lose their rows too. store.json then names the new versions, and
remembers what may not come back. Only after that are the old versions, the report and the caches replaced or
removed: killed anywhere, the store is the old or the new one, and the same command again finishes the erasing.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eclip.errors import ConfigError, StoreError
from eclip.products.agreement.upkeep import settle_placeholders
from eclip.products.clean import clean_text
from eclip.products.corrections import without_corrections
from eclip.products.dataset import (
    DatasetWriter,
    begin_at,
    compact_rows,
    delete_products,
    erase_old_versions,
    newest_version,
)
from eclip.products.deleted import DELETED, Deleted, without_examples
from eclip.products.manifest import CONFLICTS_VERSION, DATASET_VERSION, REJECTS_VERSION, version_keys, write_manifest
from eclip.products.place import StoreName
from eclip.products.prepare import PrepareSummary, add_whole_feed_columns
from eclip.products.report.page import write_store_report
from eclip.products.store import Store
from eclip.products.update import describe, settled_splits
from eclip.progress import stage
from eclip.schema import CONFLICTS_DATASET, PRODUCTS_DATASET, REJECTS_DATASET, REJECTS_SCHEMA, STORE_INDEX

_EXAMPLES = 10


@dataclass(frozen=True, kw_only=True)
class DeleteSummary:
    """What was deleted, counted."""

    deleted: int
    """Listings that were taken out."""
    rejects_deleted: int
    """Rows of the feed that had not been kept, and of which the store kept the text."""
    not_found: int
    """Ids and sellers of which the store held nothing: deleted before, or never there."""
    not_found_examples: list[str] = field(default_factory=list)
    rows_kept: int
    freed_bytes: int
    """By which the store is smaller now."""
    seconds: float


def delete_listings(
    store: StoreName, *, product_ids: Collection[str] = (), sellers: Collection[str] = ()
) -> DeleteSummary:
    """Delete listings from every part of a store and all its versions; feeds that bring them again are refused them.

    Args:
        store: A finished store.
        product_ids: Listings by id.
        sellers: Names of sellers, all listings of whom go.

    Raises:
        ConfigError: Nothing is named.
        StoreError: There is no finished store, another process is writing it, or no listing would be left.
        DiskError: The disk is full, or the place can't be written.
    """
    started = time.monotonic()
    if not product_ids and not sellers:
        raise ConfigError("nothing to delete: name listings or a seller")
    opened = Store.open(store)
    place, asked = opened.place, Deleted.of(product_ids, sellers)
    with opened.changing():
        size = place.num_bytes()
        table = opened.table(["product_id", "seller"])
        gone = table.filter(_mask(asked, table))
        if gone.num_rows == opened.num_rows:
            raise StoreError(f"{place}: that is every listing of the store; remove the store instead")
        with stage("Deleting listings", gone.num_rows) as advance:
            manifest = _without_listings(opened, gone["product_id"].to_pylist())
            rejects = _without_rejects(opened, asked)
            advance(gone.num_rows)
        manifest[REJECTS_VERSION] = newest_version(place.dataset(REJECTS_DATASET))
        manifest[DELETED] = (Deleted.from_json(manifest.get(DELETED)) | asked).to_json()
        ids = [*gone["product_id"].to_pylist(), *product_ids]
        manifest |= without_corrections(opened, ids)
        manifest["titles"] = _without_texts(manifest["titles"], sellers)
        write_manifest(place, manifest)
        write_store_report(Store(place, manifest))
        for name in version_keys(manifest):
            erase_old_versions(place.dataset(name))
        place.remove(STORE_INDEX)
        place.clear_leftovers()
        not_found = _not_found(product_ids, sellers, gone, rejects)
        return DeleteSummary(
            deleted=gone.num_rows,
            rejects_deleted=rejects.num_rows,
            not_found=len(not_found),
            not_found_examples=not_found[:_EXAMPLES],
            rows_kept=manifest["num_rows"],
            freed_bytes=size - place.num_bytes(),
            seconds=round(time.monotonic() - started, 2),
        )


def _without_listings(store: Store, gone: Sequence[str]) -> dict[str, Any]:
    """New versions of the products without these, compacted, that nobody reads yet; returns their manifest."""
    dataset = store.place.dataset(PRODUCTS_DATASET)
    begin_at(dataset, store.manifest[DATASET_VERSION])
    summary = PrepareSummary(**store.manifest["summary"])
    if gone:
        settled = settled_splits(store, gone)
        delete_products(dataset, gone)
        add_whole_feed_columns(store.place, summary, settled=settled)
        settle_placeholders(store)
    else:
        begin_at(store.place.dataset(CONFLICTS_DATASET), store.manifest[CONFLICTS_VERSION])
    compact_rows(dataset)
    return describe(store, summary, num_rows=store.num_rows - len(gone))


def _without_rejects(store: Store, asked: Deleted) -> pa.Table:
    """A new version of the rejects without the rows of these listings; returns those rows."""
    rejects, dataset = store.rejects(), store.place.dataset(REJECTS_DATASET)
    fields = {**store.manifest["column_map"], **store.manifest.get("updated", {})}["fields"]  # of the last feed
    rows = zip(rejects["product_id"].to_pylist(), rejects["raw"].to_pylist(), strict=True)
    mine = pa.array([asked.has_row(product_id, raw, fields) for product_id, raw in rows], pa.bool_())
    gone = rejects.filter(mine)
    if gone.num_rows:
        writer = DatasetWriter(dataset, REJECTS_SCHEMA)
        writer.append(rejects.filter(pc.invert(mine)))
        writer.close()
    else:
        begin_at(dataset, store.manifest[REJECTS_VERSION])
    return gone


def _without_texts(titles: dict[str, Any], sellers: Collection[str]) -> dict[str, Any]:
    """What the manifest says of titles without examples, which are texts of listings, and without these names."""
    named = [f" {(clean_text(name) or name).lower()} " for name in sellers]
    phrases = [
        phrase for phrase in titles["learned"]["phrases"] if not any(name in f" {phrase['text']} " for name in named)
    ]
    return without_examples({**titles, "learned": {**titles["learned"], "phrases": phrases}})


def _mask(asked: Deleted, table: pa.Table) -> pa.Array:
    rows = zip(table["product_id"].to_pylist(), table["seller"].to_pylist(), strict=True)
    return pa.array([asked.has(product_id, seller) for product_id, seller in rows], pa.bool_())


def _not_found(product_ids: Collection[str], sellers: Collection[str], gone: pa.Table, rejects: pa.Table) -> list[str]:
    """The ids and names of which nothing was there; a seller's rejected rows do not count."""
    ids = {*gone["product_id"].to_pylist(), *rejects["product_id"].to_pylist()}
    names = set(gone["seller"].to_pylist())
    missing = [product_id for product_id in product_ids if product_id not in ids]
    return missing + [name for name in sellers if clean_text(name) not in names]
