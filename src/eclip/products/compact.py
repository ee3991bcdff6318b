"""Small fragments of a store merged, and the files of its old versions removed; what the store says stays."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from eclip.products.dataset import begin_at, compact_rows, erase_old_versions, newest_version, open_dataset
from eclip.products.store import DATASET_VERSION, REJECTS_VERSION, Store, write_manifest
from eclip.products.storefolder import folder_bytes
from eclip.progress import stage
from eclip.schema import PRODUCTS_DATASET, REJECTS_DATASET


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


def compact_store(store: Path) -> CompactSummary:
    """Merge the fragments that updates left and remove old versions; rows, order and digest stay.

    Who opened the store before and still reads from it has to open it again.

    Raises:
        StoreError: There is no finished store, or another process is writing it.
        DiskError: The disk is full: for a while the store needs its size again.
    """
    started = time.monotonic()
    opened = Store.open(store)
    with opened.changing():
        size, manifest = folder_bytes(store), dict(opened.manifest)
        fragments = _num_fragments(store, manifest[DATASET_VERSION])
        with stage("Compacting", opened.num_rows) as advance:
            for name, key in ((PRODUCTS_DATASET, DATASET_VERSION), (REJECTS_DATASET, REJECTS_VERSION)):
                begin_at(store / name, manifest.get(key))
                compact_rows(store / name)
                manifest[key] = newest_version(store / name)
            advance(opened.num_rows)
        write_manifest(store, manifest)
        erase_what_is_old(store)
        now = folder_bytes(store)
        return CompactSummary(
            rows=opened.num_rows,
            fragments_before=fragments,
            fragments=_num_fragments(store, manifest[DATASET_VERSION]),
            num_bytes=now,
            freed_bytes=size - now,
            seconds=round(time.monotonic() - started, 2),
        )


def erase_what_is_old(store: Path) -> None:
    """Remove all versions but the newest ones, which the manifest must name by now."""
    for name in (PRODUCTS_DATASET, REJECTS_DATASET):
        erase_old_versions(store / name)


def _num_fragments(store: Path, version: int) -> int:
    return len(open_dataset(store / PRODUCTS_DATASET, version).get_fragments())
