"""The product store: a folder with two Lance datasets and a manifest, which says which of their versions counts.

Every change ends with the manifest, put in place by one rename: until then readers see the version before. An
opened store stays at the version that it was opened at, and at those that it writes itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eclip.errors import StoreError
from eclip.files import writing
from eclip.products.dataset import forget_old_versions, open_dataset, put_columns, reading
from eclip.schema import (
    EMBEDDING_COLUMNS,
    EMBEDDING_MODEL_COLUMN,
    PRODUCTS_DATASET,
    STORE_MANIFEST,
    STORE_VERSION,
    vectors_schema,
)

DATASET_VERSION = "dataset_version"  # in the manifest: the version of the products that counts
VECTORS_MODEL = "vectors_model"  # in the manifest: digest of the model whose vectors lie there, or null


@dataclass
class Store:
    """A finished product store, opened at one version; vectors can be added.

    Attributes:
        path: The store's folder.
        manifest: What store.json said.
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
        with reading(self.path):
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
        with reading(self.path):
            found = self._dataset().take([int(row) for row in rows], columns=["image"])
        return list(found["image"].to_pylist())

    def write_vectors(self, vectors: pa.Table, *, model_digest: str) -> None:
        """Put vectors beside the products, in place of those of another model.

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
        columns = columns.append_column(EMBEDDING_MODEL_COLUMN, digests)
        dataset = self.path / PRODUCTS_DATASET
        with writing(self.path):
            version = put_columns(dataset, columns, version=self.manifest[DATASET_VERSION])
            manifest = {**self.manifest, DATASET_VERSION: version, VECTORS_MODEL: model_digest}
            write_manifest(self.path, manifest)
            forget_old_versions(dataset)
        self.manifest = manifest

    @property
    def vectors_digest(self) -> str | None:
        """Digest of the model whose vectors lie in the store; None before `eclip embed`."""
        return self.manifest[VECTORS_MODEL]

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
        return open_dataset(self.path / PRODUCTS_DATASET, self.manifest[DATASET_VERSION])


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
