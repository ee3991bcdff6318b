"""The Lance datasets of a store: appended to through Daft, extended by columns, read at a version of choice.

Each commit makes a version. Which of them is the store, its manifest says: versions after it belong to a write
that was never finished, and the next write begins from the manifest's own.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from eclip.errors import StoreError
from eclip.products.bucket import storage_options

_WRITE_BYTES = 64 << 20  # rows gathered before an append: each append is a fragment and a commit
_FRAGMENT_ROWS = 1 << 16  # of a compacted dataset: with pictures of 20 kB, some 1.3 GB
_COMPACT_ROWS = 1_024  # held at once while compacting
_IDS_AT_ONCE = 2_000  # ids in one condition
# Of those who opened the store before it was written. Both must hold before a version goes: its own age says
# nothing of when it was superseded.
_KEEP_OLD_FOR, _KEEP_OLD_VERSIONS = timedelta(days=1), 12


Address: TypeAlias = str | Path  # of a dataset: a folder, or s3://...


class DatasetWriter:
    """Writes a Lance dataset anew through Daft, some 64 MB at a time; of one that is there it makes new versions."""

    def __init__(self, address: Address, schema: pa.Schema) -> None:
        self.address, self.schema = str(address), schema
        self.num_rows = 0
        self._waiting: list[pa.Table] = []
        self._begun = False

    def append(self, table: pa.Table) -> None:
        """Add rows; they reach the disk when enough of them wait, or on `close`."""
        if table.num_rows:
            self.num_rows += table.num_rows
            self._waiting.append(table)
            if sum(waiting.nbytes for waiting in self._waiting) >= _WRITE_BYTES:
                self._write()

    def close(self) -> None:
        """Write what waits; a dataset without rows is made as well."""
        self._begin()
        if self._waiting:
            self._write()

    def _begin(self) -> None:
        """Make it, empty: Daft would overwrite a dataset only by one of the same columns."""
        if not self._begun:
            import lance

            mode = "overwrite" if _is_there(self.address) else "create"
            options = storage_options(self.address)
            lance.write_dataset(self.schema.empty_table(), self.address, mode=mode, storage_options=options)
        self._begun = True

    def _write(self) -> None:
        self._begin()
        rows, options = pa.concat_tables(self._waiting), storage_options(self.address)
        daft = quiet_daft()
        daft.from_arrow(rows).write_lance(self.address, mode="append", schema=self.schema, storage_options=options)
        self._waiting = []


def _is_there(address: str) -> bool:
    """Whether there is a dataset; of a folder, whether there is anything."""
    if not address.startswith("s3://"):
        return Path(address).exists()
    import lance

    try:
        lance.dataset(address, storage_options=storage_options(address))
    except ValueError as fault:
        if "was not found" in str(fault):
            return False
        raise
    return True


def quiet_daft() -> Any:
    """Daft without progress bars, reports to its makers, and log lines of errors that it also raises."""
    os.environ.setdefault("DAFT_ANALYTICS_ENABLED", "0")
    os.environ.setdefault("DAFT_PROGRESS_BAR", "0")
    logging.getLogger("daft_local_execution").setLevel(logging.CRITICAL)
    import daft

    return daft


def open_dataset(address: Address, version: int | None = None) -> Any:
    """The dataset at a version; None = the newest.

    Raises:
        StoreError: It is missing or damaged.
    """
    import lance

    with reading(address):
        return lance.dataset(str(address), version=version, storage_options=storage_options(str(address)))


def newest_version(address: Address) -> int:
    """Number of the newest version."""
    return int(open_dataset(address).version)


def whole_version(address: Address, num_rows: int) -> int:
    """Number of the newest version, which must have as many rows as were written.

    Raises:
        StoreError: It has not: somebody else wrote too, as may happen to one who was silent for long (`lease`).
    """
    dataset = open_dataset(address)
    found = dataset.count_rows()
    if found != num_rows:
        raise StoreError(
            f"{address}: has {found} rows, not the {num_rows} that were written: another command wrote it at the same "
            "time; run the same command again"
        )
    return int(dataset.version)


def num_fragments(address: Address, version: int) -> int:
    """How many pieces the rows of a version lie in."""
    return len(open_dataset(address, version).get_fragments())


def put_columns(address: Address, columns: pa.Table, *, version: int | None = None) -> int:
    """Put columns beside those of a version, or in place of those of the same names; no other is rewritten.

    Args:
        address: The dataset.
        columns: One value a row, in the dataset's order.
        version: Which version to extend; None = the newest.

    Returns:
        The new version.
    """
    dataset = begin_at(address, version)
    replaced = [name for name in columns.column_names if name in dataset.schema.names]
    if replaced:
        dataset.drop_columns(replaced)
    dataset.add_columns(pa.RecordBatchReader.from_batches(columns.schema, columns.to_batches()))
    return int(dataset.version)


def forget_old_versions(address: Address, version: int) -> None:
    """Remove the files of versions that nobody should be reading any more: an update makes about four.

    Args:
        address: The dataset.
        version: That which counts. It need not be the newest: writes that were never finished may lie after it, and
            stay until a later one counts.
    """
    dataset, now = open_dataset(address), datetime.now()
    versions = sorted((each for each in dataset.versions() if each["version"] <= version), key=lambda v: v["version"])
    old = [each["version"] for each in versions[:-_KEEP_OLD_VERSIONS] if now - each["timestamp"] > _KEEP_OLD_FOR]
    if old:
        dataset.cleanup_old_versions(versions=old)


def compact_rows(address: Address) -> None:
    """Merge small fragments of the newest version and drop what was deleted from them; the rows' order stays."""
    open_dataset(address).optimize.compact_files(
        target_rows_per_fragment=_FRAGMENT_ROWS,
        materialize_deletions=True,
        materialize_deletions_threshold=0.0,
        batch_size=_COMPACT_ROWS,
        num_threads=1,
    )


def erase_old_versions(address: Address) -> None:
    """Remove every file that the newest version does not need: those of other versions and of killed writes."""
    open_dataset(address).cleanup_old_versions(older_than=timedelta(0), delete_unverified=True)


def begin_at(address: Address, version: int | None) -> Any:
    """The dataset with this version as its newest: what an unfinished write put after it is undone.

    Args:
        address: The dataset.
        version: None = the newest.
    """
    dataset = open_dataset(address, version)
    if dataset.version != dataset.latest_version:
        dataset.restore()
    return open_dataset(address)


def delete_products(address: Address, product_ids: Sequence[str]) -> None:
    """Delete rows by product id from the newest version."""
    dataset = open_dataset(address)
    for condition in _conditions(product_ids):
        dataset.delete(condition)


def read_products(dataset: Any, product_ids: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """Rows of an opened dataset by product id."""
    parts = [dataset.to_table(columns=list(columns), filter=condition) for condition in _conditions(product_ids)]
    return pa.concat_tables(parts) if parts else dataset.to_table(columns=list(columns), limit=0)


def _conditions(product_ids: Sequence[str]) -> Iterator[str]:
    """Conditions that hold for rows of these ids, some of them at a time."""
    for start in range(0, len(product_ids), _IDS_AT_ONCE):
        quoted = ("'" + each.replace("'", "''") + "'" for each in product_ids[start : start + _IDS_AT_ONCE])
        yield f"product_id IN ({', '.join(quoted)})"


def append_rows(address: Address, rows: pa.Table) -> None:
    """Append rows to the newest version; columns that they lack are null."""
    import lance

    lance.write_dataset(rows, str(address), mode="append", storage_options=storage_options(str(address)))


@contextmanager
def reading(where: object) -> Iterator[None]:
    """Turn what the library says of a damaged dataset into one line.

    Args:
        where: The dataset or store, as a user calls it.

    Raises:
        StoreError: In place of its errors.
    """
    try:
        yield
    except (OSError, ValueError) as fault:
        raise StoreError(f"{where}: damaged, can't be read: {str(fault).splitlines()[0]}") from None
