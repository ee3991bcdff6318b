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
from typing import Any

import pyarrow as pa

from eclip.errors import StoreError

_WRITE_BYTES = 64 << 20  # rows gathered before an append: each append is a fragment and a commit
_IDS_AT_ONCE = 2_000  # ids in one condition
# Of those who opened the store before it was written. Both must hold before a version goes: its own age says
# nothing of when it was superseded.
_KEEP_OLD_FOR, _KEEP_OLD_VERSIONS = timedelta(days=1), 12


class DatasetWriter:
    """Appends tables to a Lance dataset through Daft, some 64 MB at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema = path, schema
        self.num_rows = 0
        self._waiting: list[pa.Table] = []
        self._exists = path.is_dir()

    def append(self, table: pa.Table) -> None:
        """Add rows; they reach the disk when enough of them wait, or on `close`."""
        if table.num_rows:
            self.num_rows += table.num_rows
            self._waiting.append(table)
            if sum(waiting.nbytes for waiting in self._waiting) >= _WRITE_BYTES:
                self._write()

    def close(self) -> None:
        """Write what waits; a dataset without rows is made as well."""
        if self._waiting:
            self._write()
        if not self._exists:
            import lance

            lance.write_dataset(self.schema.empty_table(), str(self.path))

    def _write(self) -> None:
        daft = quiet_daft()
        rows = pa.concat_tables(self._waiting)
        mode = "append" if self._exists else "create"
        daft.from_arrow(rows).write_lance(str(self.path), mode=mode, schema=self.schema)
        self._waiting, self._exists = [], True


def quiet_daft() -> Any:
    """Daft without progress bars, reports to its makers, and log lines of errors that it also raises."""
    os.environ.setdefault("DAFT_ANALYTICS_ENABLED", "0")
    os.environ.setdefault("DAFT_PROGRESS_BAR", "0")
    logging.getLogger("daft_local_execution").setLevel(logging.CRITICAL)
    import daft

    return daft


def open_dataset(path: Path, version: int | None = None) -> Any:
    """The dataset at a version; None = the newest.

    Raises:
        StoreError: It is missing or damaged.
    """
    import lance

    with reading(path):
        return lance.dataset(str(path), version=version)


def newest_version(path: Path) -> int:
    """Number of the newest version."""
    return int(open_dataset(path).version)


def put_columns(path: Path, columns: pa.Table, *, version: int | None = None) -> int:
    """Put columns beside those of a version, or in place of those of the same names; no other is rewritten.

    Args:
        path: The dataset.
        columns: One value a row, in the dataset's order.
        version: Which version to extend; None = the newest.

    Returns:
        The new version.
    """
    dataset = begin_at(path, version)
    replaced = [name for name in columns.column_names if name in dataset.schema.names]
    if replaced:
        dataset.drop_columns(replaced)
    dataset.add_columns(pa.RecordBatchReader.from_batches(columns.schema, columns.to_batches()))
    return int(dataset.version)


def forget_old_versions(path: Path) -> None:
    """Remove the files of versions that nobody should be reading any more: an update makes about four."""
    dataset, now = open_dataset(path), datetime.now()
    versions = sorted(dataset.versions(), key=lambda version: version["version"])[:-_KEEP_OLD_VERSIONS]
    old = [version["version"] for version in versions if now - version["timestamp"] > _KEEP_OLD_FOR]
    if old:
        dataset.cleanup_old_versions(versions=old)


def begin_at(path: Path, version: int | None) -> Any:
    """The dataset with this version as its newest: what an unfinished write put after it is undone.

    Args:
        path: The dataset.
        version: None = the newest.
    """
    dataset = open_dataset(path, version)
    if dataset.version != dataset.latest_version:
        dataset.restore()
    return open_dataset(path)


def delete_products(path: Path, product_ids: Sequence[str]) -> None:
    """Delete rows by product id from the newest version."""
    dataset = open_dataset(path)
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


def append_rows(path: Path, rows: pa.Table) -> None:
    """Append rows to the newest version; columns that they lack are null."""
    import lance

    lance.write_dataset(rows, str(path), mode="append")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the library says of a damaged dataset into one line.

    Raises:
        StoreError: In place of its errors.
    """
    try:
        yield
    except (OSError, ValueError) as fault:
        raise StoreError(f"{path}: damaged, can't be read: {str(fault).splitlines()[0]}") from None
