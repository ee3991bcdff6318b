"""The product store: a folder with two Lance datasets and a manifest that is written last.

Rows are appended through Daft; columns that need a view of all rows, and later the vectors, are added beside
them with Lance's own column functions: the pictures are never rewritten. The version of the dataset that
`prepare` finished is tagged; vectors are always added to that version, so that one commit replaces them,
whatever their length was before.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eclip.errors import StoreError
from eclip.files import writing
from eclip.schema import (
    EMBEDDING_COLUMNS,
    EMBEDDING_MODEL_COLUMN,
    PRODUCTS_DATASET,
    STORE_MANIFEST,
    STORE_VERSION,
    vectors_schema,
)

PREPARED_TAG = "prepared"
_WRITE_BYTES = 64 << 20  # rows gathered before an append: each append is a fragment and a commit
_KEEP_OLD_VECTORS = timedelta(days=1)


@dataclass(frozen=True)
class Store:
    """A finished product store, opened for reading; vectors can be added.

    Attributes:
        path: The store's folder.
        manifest: What store.json says.
    """

    path: Path
    manifest: dict[str, Any] = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open a store.

        Raises:
            StoreError: No such folder, no finished store in it, or one of another version.
        """
        if not path.exists():
            raise StoreError(f"{path}: no such store; make one with `eclip prepare FEED --store {path}`")
        manifest = read_manifest(path)
        if manifest is None:
            raise StoreError(f"{path}: no finished store (no readable {STORE_MANIFEST}); run `eclip prepare` again")
        if manifest.get("version") != STORE_VERSION:
            raise StoreError(
                f"{path}: store version {manifest.get('version')}, this eclip reads {STORE_VERSION}; "
                "run `eclip prepare` again"
            )
        if not (path / PRODUCTS_DATASET).is_dir():
            raise StoreError(f"{path}: {PRODUCTS_DATASET} is missing; run `eclip prepare` again")
        return cls(path, manifest)

    @property
    def num_rows(self) -> int:
        """Listings in the store."""
        return int(self.manifest["num_rows"])

    @property
    def digest(self) -> str:
        """Digest of the content: equal stores, equal digests."""
        return str(self.manifest["digest"])

    def table(self, columns: Sequence[str]) -> pa.Table:
        """These columns of all rows in the store's order.

        Raises:
            StoreError: A column is not in the store, or the data can't be read.
        """
        dataset = self._dataset()
        missing = [name for name in columns if name not in dataset.schema.names]
        if missing:
            raise StoreError(f"{self.path}: no column {', '.join(missing)} in the store")
        with _reading(self.path):
            return dataset.to_table(columns=list(columns))

    def images(self, rows: Sequence[int]) -> list[bytes | None]:
        """Encoded main pictures at these positions, in any order, repeats allowed; None where there is none.

        Raises:
            StoreError: A position is outside the store.
        """
        outside = [row for row in rows if not 0 <= row < self.num_rows]
        if outside:
            raise StoreError(f"{self.path}: row {outside[0]} is outside the store's {self.num_rows} rows")
        if not len(rows):
            return []
        with _reading(self.path):
            found = self._dataset().take([int(row) for row in rows], columns=["image"])
        return list(found["image"].to_pylist())

    def write_vectors(self, vectors: pa.Table, *, model_digest: str) -> None:
        """Put vectors beside the products; one commit adds them, or replaces those of another model.

        Args:
            vectors: `product_id` and `EMBEDDING_COLUMNS`, one row a listing, in any order.
            model_digest: Digest of the model that made them.

        Raises:
            StoreError: Columns or listings are missing.
            DiskError: The disk is full.
        """
        missing = {"product_id", *EMBEDDING_COLUMNS} - set(vectors.column_names)
        if missing:
            raise StoreError(f"{self.path}: vectors lack the column {', '.join(sorted(missing))}")
        order = pc.index_in(self.table(["product_id"])["product_id"], vectors["product_id"].combine_chunks())
        if order.null_count or len(vectors) != self.num_rows:
            raise StoreError(
                f"{self.path}: vectors of {len(vectors)} listings do not fit the store's {self.num_rows}; "
                "embed the whole store"
            )
        columns = vectors.select(list(EMBEDDING_COLUMNS)).take(order)
        digests = pa.array([model_digest] * len(columns), pa.string())
        with writing(self.path):
            _replace_columns(self.path / PRODUCTS_DATASET, columns.append_column(EMBEDDING_MODEL_COLUMN, digests))

    @property
    def vectors_digest(self) -> str | None:
        """Digest of the model whose vectors lie in the store; None before `eclip embed`."""
        dataset = self._dataset()
        if EMBEDDING_MODEL_COLUMN not in dataset.schema.names:
            return None
        return str(dataset.take([0], columns=[EMBEDDING_MODEL_COLUMN])[EMBEDDING_MODEL_COLUMN][0].as_py())

    def vectors(self, *, model_digest: str | None) -> pa.Table:
        """`product_id` and the three vectors of each listing in the store's order; null where missing.

        Args:
            model_digest: The model whose vectors are wanted; None = whichever made them.

        Raises:
            StoreError: No vectors, or another model's.
        """
        advice = f"run `eclip embed {self.path} --model MODEL`"
        found = self.vectors_digest
        if found is None:
            raise StoreError(f"{self.path}: no vectors in the store; {advice}")
        if model_digest not in (None, found):
            raise StoreError(f"{self.path}: vectors are of another model ({found}); {advice}")
        table = self.table(["product_id", *EMBEDDING_COLUMNS])
        return table.cast(vectors_schema(table.schema.field(EMBEDDING_COLUMNS[0]).type.list_size))

    def _dataset(self) -> Any:
        """The newest version of the products; opened anew, since vectors may have come."""
        return _open_dataset(self.path / PRODUCTS_DATASET)


def read_manifest(path: Path) -> dict[str, Any] | None:
    """What store.json of this folder says; None if it is missing or damaged."""
    try:
        manifest = json.loads((path / STORE_MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    """Write store.json aside, then in place: the store is whole from then on."""
    aside = path / f"{STORE_MANIFEST}.tmp"
    with aside.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, ensure_ascii=False, indent=2)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path / STORE_MANIFEST)


class DatasetWriter:
    """Appends tables to a new Lance dataset through Daft, some 64 MB at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema = path, schema
        self.num_rows = 0
        self._waiting: list[pa.Table] = []
        self._created = False

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
        if not self._created:
            import lance

            lance.write_dataset(self.schema.empty_table(), str(self.path))

    def _write(self) -> None:
        daft = _quiet_daft()
        rows = pa.concat_tables(self._waiting)
        mode = "append" if self._created else "create"
        daft.from_arrow(rows).write_lance(str(self.path), mode=mode, schema=self.schema)
        self._waiting, self._created = [], True


def _quiet_daft() -> Any:
    """Daft without progress bars, reports to its makers, and log lines of errors that it also raises."""
    os.environ.setdefault("DAFT_ANALYTICS_ENABLED", "0")
    os.environ.setdefault("DAFT_PROGRESS_BAR", "0")
    logging.getLogger("daft_local_execution").setLevel(logging.CRITICAL)
    import daft

    return daft


def add_columns(path: Path, columns: pa.Table) -> None:
    """Add columns, one value a row in the dataset's order, and tag the result as what `prepare` finished."""
    dataset = _open_dataset(path)
    dataset.add_columns(pa.RecordBatchReader.from_batches(columns.schema, columns.to_batches()))
    dataset.tags.create(PREPARED_TAG, dataset.version)


def dataset_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """Columns of a dataset that is no store yet."""
    return _open_dataset(path).to_table(columns=list(columns))


def _replace_columns(path: Path, columns: pa.Table) -> None:
    """Add columns to the tagged version and commit that as the newest one: columns added before are gone.

    A reader sees the old version or the new one, never rows of both.
    """
    import lance

    fragments, schema, done = [], None, 0
    for fragment in lance.dataset(str(path), version=PREPARED_TAG).get_fragments():
        part = columns.slice(done, fragment.count_rows())
        done += part.num_rows
        reader = pa.RecordBatchReader.from_batches(part.schema, part.to_batches())
        metadata, schema = fragment.merge_columns(reader)
        fragments.append(metadata)
    merge = lance.LanceOperation.Merge(fragments, schema)
    newest = lance.LanceDataset.commit(str(path), merge, read_version=_open_dataset(path).version)
    newest.cleanup_old_versions(_KEEP_OLD_VECTORS, error_if_tagged_old_versions=False)


def _open_dataset(path: Path) -> Any:
    import lance

    with _reading(path):
        return lance.dataset(str(path))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as fault:
        raise StoreError(f"{path}: damaged, can't be read: {str(fault).splitlines()[0]}") from None
