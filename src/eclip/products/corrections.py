"""What people said of a store's listings: a table of its own beside the products, which outlives feeds.

Rows are only ever added; of one listing and field the one said last wins. Each change ends with the manifest, as
every change of a store does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eclip.products.dataset import (
    DatasetWriter,
    append_rows,
    begin_at,
    forget_old_versions,
    newest_version,
    open_dataset,
)
from eclip.products.manifest import CORRECTIONS_VERSION, write_manifest
from eclip.products.place import StorePlace
from eclip.products.store import Store
from eclip.schema import CORRECTIONS_DATASET, CORRECTIONS_SCHEMA

ATTRIBUTE_PREFIX = "attributes."
VALUE_SEPARATOR = "|"


def add_corrections(store: Store, rows: pa.Table) -> None:
    """Add corrections behind those that are there; all of them are there, or none.

    Args:
        store: A finished store.
        rows: In `CORRECTIONS_SCHEMA`.

    Raises:
        StoreError: Another process is writing the store, or has written it since it was opened.
        DiskError: The disk is full.
    """
    dataset = store.place.dataset(CORRECTIONS_DATASET)
    with store.changing():
        if CORRECTIONS_VERSION in store.manifest:
            begin_at(dataset, store.manifest[CORRECTIONS_VERSION])
            append_rows(dataset, rows)
        else:  # what a killed write left there, nobody has read
            _write_anew(store.place, rows)
        version = newest_version(dataset)
        manifest = {**store.manifest, CORRECTIONS_VERSION: version}
        write_manifest(store.place, manifest)
        forget_old_versions(dataset, version)
        store.manifest = manifest


def latest_corrections(table: pa.Table) -> dict[str, dict[str, str | None]]:
    """Product id -> field -> the value that counts: of each field the one that was said last.

    Files of several people come in any order: the time that each says counts, and of one time what came last.

    Args:
        table: In `CORRECTIONS_SCHEMA`, in the order in which they came.
    """
    found: dict[str, dict[str, str | None]] = {}
    order = np.argsort(table["corrected_at"].cast(pa.int64()).to_numpy(), kind="stable")
    columns = (table[name].take(order).to_pylist() for name in ("product_id", "field", "value"))
    for product_id, name, value in zip(*columns, strict=True):
        found.setdefault(product_id, {})[name] = value
    return found


def category_path(value: str | None) -> tuple[str, ...]:
    """The path that a correction of the category says, root first; () = the listing has none."""
    return tuple(part.strip() for part in value.split(">")) if value else ()


def corrected_values(value: str | None) -> tuple[str, ...]:
    """The values that a correction of an attribute says; () = the listing has none."""
    return tuple(part.strip() for part in (value or "").split(VALUE_SEPARATOR) if part.strip())


def carry_corrections(place: StorePlace, before: Mapping[str, Any], fresh: StorePlace) -> dict[str, int]:
    """Write the corrections of a store into the one that takes its place; returns what its manifest says of them.

    Args:
        place: The store, if there is one.
        before: Its manifest; empty where there is none.
        fresh: Where the new one is made.
    """
    if CORRECTIONS_VERSION not in before:
        return {}
    rows = open_dataset(place.dataset(CORRECTIONS_DATASET), before[CORRECTIONS_VERSION]).to_table()
    _write_anew(fresh, rows)
    return {CORRECTIONS_VERSION: newest_version(fresh.dataset(CORRECTIONS_DATASET))}


def without_corrections(store: Store, product_ids: Collection[str]) -> dict[str, int]:
    """A new version without what was said of these listings; returns what the manifest will say of it."""
    if CORRECTIONS_VERSION not in store.manifest:
        return {}
    rows = store.corrections()
    kept = rows.filter(pc.invert(pc.is_in(rows["product_id"], pa.array(list(product_ids), pa.string()))))
    _write_anew(store.place, kept)
    return {CORRECTIONS_VERSION: newest_version(store.place.dataset(CORRECTIONS_DATASET))}


def _write_anew(place: StorePlace, rows: pa.Table) -> None:
    writer = DatasetWriter(place.dataset(CORRECTIONS_DATASET), CORRECTIONS_SCHEMA)
    writer.append(rows)
    writer.close()
