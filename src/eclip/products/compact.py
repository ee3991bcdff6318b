"""Small fragments of a store merged, and the files of its old versions removed; what the store says stays."""

from __future__ import annotations

import time
from dataclasses import dataclass

from eclip.products.dataset import (
    begin_at,
    compact_rows,
    erase_old_versions,
    newest_version,
    num_fragments,
    whole_version,
)
from eclip.products.manifest import DATASET_VERSION, version_keys, write_manifest
from eclip.products.place import StoreName
from eclip.products.store import Store
from eclip.progress import stage
from eclip.schema import PRODUCTS_DATASET


@dataclass(frozen=True, kw_only=True)
class CompactSummary:
    """What compacting changed."""

    rows: int
    fragments_before: int
    fragments: int
    """Pieces that the products lie in now."""
    num_bytes: int
    """Size of the store now."""
    freed_bytes: int
    """By which it is smaller."""
    seconds: float


def compact_store(store: StoreName) -> CompactSummary:
    """Merge the fragments that updates left and remove old versions; rows, order and digest stay.

    Who opened the store before and still reads from it has to open it again.

    Raises:
        StoreError: There is no finished store, or another process is writing it.
        DiskError: The disk is full: for a while the store needs its size again.
    """
    started = time.monotonic()
    opened = Store.open(store)
    place, products = opened.place, opened.place.dataset(PRODUCTS_DATASET)
    with opened.changing():
        size, manifest = place.num_bytes(), dict(opened.manifest)
        fragments = num_fragments(products, manifest[DATASET_VERSION])
        with stage("Compacting", opened.num_rows) as advance:
            for name, key in version_keys(manifest).items():
                dataset = place.dataset(name)
                begin_at(dataset, manifest[key])
                compact_rows(dataset)
                manifest[key] = newest_version(dataset)
            whole_version(products, opened.num_rows)
            advance(opened.num_rows)
        write_manifest(place, manifest)
        for name in version_keys(manifest):
            erase_old_versions(place.dataset(name))
        now = place.num_bytes()
        return CompactSummary(
            rows=opened.num_rows,
            fragments_before=fragments,
            fragments=num_fragments(products, manifest[DATASET_VERSION]),
            num_bytes=now,
            freed_bytes=size - now,
            seconds=round(time.monotonic() - started, 2),
        )
