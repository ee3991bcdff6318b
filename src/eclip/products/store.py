"""The product store: two Lance datasets and a manifest, which says which of their versions counts.

Every change ends with the manifest, put in place in one step: until then readers see the version before. An
opened store stays at the version that it was opened at, and at those that it writes itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eclip.errors import StoreError
from eclip.products.dataset import forget_old_versions, open_dataset, put_columns, read_products, reading
from eclip.products.manifest import (
    CONFLICTS_VERSION,
    CORRECTIONS_VERSION,
    DATASET_VERSION,
    REJECTS_VERSION,
    REQUIRED_KEYS,
    VECTORS_MODEL,
    read_manifest,
    write_manifest,
)
from eclip.products.place import StoreName, StorePlace, store_place
from eclip.products.storefolder import FolderPlace
from eclip.schema import (
    CONFLICTS_DATASET,
    CORRECTIONS_DATASET,
    CORRECTIONS_SCHEMA,
    EMBEDDING_COLUMNS,
    EMBEDDING_MODEL_COLUMN,
    PRODUCTS_DATASET,
    REJECTS_DATASET,
    STORE_MANIFEST,
    STORE_VERSION,
    vectors_schema,
)


@dataclass
class Store:
    """A finished product store, opened at one version; vectors can be added.

    Attributes:
        place: Where it lies.
        manifest: What store.json said.
    """

    place: StorePlace
    manifest: dict[str, Any] = field(repr=False)
    _opened: Any = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def open(cls, name: StoreName) -> Store:
        """Open a store.

        Raises:
            ConfigError: No name of a store.
            StoreError: No such place, no finished store in it, or one of another version.
        """
        place = store_place(name)
        if not place.exists():
            raise StoreError(f"{place}: no such store; make one with `eclip prepare FEED --store {place}`")
        manifest = read_manifest(place)
        if manifest is None:
            raise StoreError(f"{place}: no finished store (no readable {STORE_MANIFEST}); run `eclip prepare` again")
        if manifest.get("version") != STORE_VERSION:
            raise StoreError(
                f"{place}: store version {manifest.get('version')}, this eclip reads {STORE_VERSION}; "
                "run `eclip prepare` again"
            )
        missing = [key for key in REQUIRED_KEYS if key not in manifest]
        if missing:
            raise StoreError(f"{place}: {STORE_MANIFEST} is damaged, it lacks {missing[0]}; run `eclip prepare` again")
        if PRODUCTS_DATASET not in place.names():
            raise StoreError(f"{place}: {PRODUCTS_DATASET} is missing; run `eclip prepare` again")
        return cls(place, manifest)

    @property
    def path(self) -> Path:
        """The folder of a store on this machine.

        Raises:
            StoreError: It is in object storage.
        """
        if not isinstance(self.place, FolderPlace):
            raise StoreError(f"{self.place}: is no folder of this machine")
        return self.place.path

    @property
    def num_rows(self) -> int:
        """Listings in the store."""
        return int(self.manifest["num_rows"])

    @property
    def digest(self) -> str:
        """Digest of the content: equal stores, equal digests."""
        return str(self.manifest["digest"])

    @property
    def column_names(self) -> list[str]:
        """The columns that there are."""
        return list(self._dataset().schema.names)

    def table(self, columns: Sequence[str]) -> pa.Table:
        """These columns of all rows in the store's order.

        Raises:
            StoreError: A column is not in the store, or the data can't be read.
        """
        dataset = self._dataset()
        missing = [name for name in columns if name not in dataset.schema.names]
        if missing:
            raise StoreError(f"{self.place}: no column {', '.join(missing)} in the store")
        with reading(self.place):
            return dataset.to_table(columns=list(columns))

    def products(self, product_ids: Sequence[str], columns: Sequence[str]) -> pa.Table:
        """These columns of some products, in the store's order; ids that it does not have are passed over."""
        with reading(self.place):
            return read_products(self._dataset(), product_ids, columns)

    def take(self, rows: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """These columns of the listings at these positions, in any order, repeats allowed."""
        with reading(self.place):
            return self._dataset().take([int(row) for row in rows], columns=list(columns))

    def rejects(self) -> pa.Table:
        """The rows of the feed that were not kept, in `REJECTS_SCHEMA`."""
        with reading(self.place):
            return open_dataset(self.place.dataset(REJECTS_DATASET), self.manifest[REJECTS_VERSION]).to_table()

    def conflicts(self) -> pa.Table:
        """Links between listings that something contradicts, in `CONFLICTS_SCHEMA`; given catalogs first."""
        with reading(self.place):
            return open_dataset(self.place.dataset(CONFLICTS_DATASET), self.manifest[CONFLICTS_VERSION]).to_table()

    def corrections(self) -> pa.Table:
        """What people said of listings, in `CORRECTIONS_SCHEMA`, the earliest first."""
        if CORRECTIONS_VERSION not in self.manifest:
            return CORRECTIONS_SCHEMA.empty_table()
        with reading(self.place):
            return open_dataset(self.place.dataset(CORRECTIONS_DATASET), self.manifest[CORRECTIONS_VERSION]).to_table()

    def images(self, rows: Sequence[int]) -> list[bytes | None]:
        """Encoded main pictures at these positions, in any order, repeats allowed; None where there is none.

        Raises:
            StoreError: A position is outside the store.
        """
        outside = [row for row in rows if not 0 <= row < self.num_rows]
        if outside:
            raise StoreError(f"{self.place}: row {outside[0]} is outside the store's {self.num_rows} rows")
        if not len(rows):
            return []
        with reading(self.place):
            found = self._dataset().take([int(row) for row in rows], columns=["image"])
        return list(found["image"].to_pylist())

    def extra_images(self, rows: Sequence[int]) -> list[list[bytes]]:
        """Encoded further pictures at these positions, in any order, repeats allowed."""
        if not len(rows):
            return []
        with reading(self.place):
            found = self._dataset().take([int(row) for row in rows], columns=["extra_images"])
        return [list(images or ()) for images in found["extra_images"].to_pylist()]

    def count_extra_images(self) -> np.ndarray:
        """How many further pictures each listing has, [N], a batch of listings in memory at a time."""
        counts = [np.zeros(0, dtype=np.int64)]
        with reading(self.place):
            for batch in self._dataset().to_batches(columns=["extra_images"]):
                counts.append(
                    pc.fill_null(pc.list_value_length(batch["extra_images"]), 0).to_numpy(zero_copy_only=False)
                )
        return np.concatenate(counts).astype(np.int64)

    def rows_without_vectors(self, model_digest: str) -> list[int]:
        """Positions of the listings that this model has not encoded; after an update, the new ones."""
        if EMBEDDING_MODEL_COLUMN not in self.column_names:
            return list(range(self.num_rows))
        done = pc.equal(self.table([EMBEDDING_MODEL_COLUMN])[EMBEDDING_MODEL_COLUMN], model_digest)
        return np.flatnonzero(~pc.fill_null(done, fill_value=False).to_numpy()).tolist()

    def has_vectors_of_others(self, model_digest: str) -> bool:
        """Whether vectors of another model lie beside any listing."""
        if EMBEDDING_MODEL_COLUMN not in self.column_names:
            return False
        models = self.table([EMBEDDING_MODEL_COLUMN])[EMBEDDING_MODEL_COLUMN].unique().to_pylist()
        return bool(set(models) - {None, model_digest})

    def write_vectors(self, vectors: pa.Table, *, model_digest: str) -> None:
        """Put vectors beside the products, in place of those of another model.

        Args:
            vectors: `product_id` and `EMBEDDING_COLUMNS`, one row for each of `rows_without_vectors`, in any order.
            model_digest: Digest of the model that made them.

        Raises:
            StoreError: Columns or listings are missing.
            DiskError: The disk is full.
        """
        missing = {"product_id", *EMBEDDING_COLUMNS} - set(vectors.column_names)
        if missing:
            raise StoreError(f"{self.place}: vectors lack the column {', '.join(sorted(missing))}")
        rows = self.rows_without_vectors(model_digest)
        ids = self.table(["product_id"])["product_id"]
        order = pc.index_in(ids.take(rows), vectors["product_id"].combine_chunks())
        if order.null_count or len(vectors) != len(rows):
            raise StoreError(
                f"{self.place}: vectors of {len(vectors)} listings do not fit the {len(rows)} of the store that have "
                "none of this model; embed the whole store"
            )
        columns = vectors.select(list(EMBEDDING_COLUMNS)).take(order)
        if len(rows) < self.num_rows:  # the others are there
            places = np.arange(self.num_rows)
            places[rows] = self.num_rows + np.arange(len(rows))
            columns = pa.concat_tables([self.table(EMBEDDING_COLUMNS).cast(columns.schema), columns]).take(places)
        columns = columns.append_column(EMBEDDING_MODEL_COLUMN, pa.array([model_digest] * self.num_rows, pa.string()))
        dataset = self.place.dataset(PRODUCTS_DATASET)
        with self.changing():
            version = put_columns(dataset, columns, version=self.manifest[DATASET_VERSION])
            manifest = {**self.manifest, DATASET_VERSION: version, VECTORS_MODEL: model_digest}
            write_manifest(self.place, manifest)
            forget_old_versions(dataset, version)
        self.manifest = manifest

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the right to change the store, which must be as it was when it was opened.

        Raises:
            StoreError: Another process is writing it, or has written it meanwhile.
            DiskError: The disk is full.
        """
        with self.place.writing(), self.place.only_writer():
            now = read_manifest(self.place) or {}
            if any(now.get(key) != self.manifest[key] for key in (DATASET_VERSION, "digest")):
                raise StoreError(f"{self.place}: was changed by another command meanwhile; run the same command again")
            if CORRECTIONS_VERSION in now:  # they change nothing that a command has read to make this change
                self.manifest = {**self.manifest, CORRECTIONS_VERSION: now[CORRECTIONS_VERSION]}
            yield

    @property
    def vectors_digest(self) -> str | None:
        """Digest of the model that has encoded every listing; None before `eclip embed`."""
        return self.manifest[VECTORS_MODEL]

    def vectors(self, *, model_digest: str | None) -> pa.Table:
        """`product_id` and the three vectors of each listing in the store's order; null where missing.

        Args:
            model_digest: The model whose vectors are wanted; None = whichever made them.

        Raises:
            StoreError: No vectors, or another model's.
        """
        advice = f"run `eclip embed {self.place} --model MODEL`"
        found = self.vectors_digest
        if found is None:
            some = EMBEDDING_MODEL_COLUMN in self.column_names
            reason = "listings that came by an update have no vectors yet" if some else "no vectors in the store"
            raise StoreError(f"{self.place}: {reason}; {advice}")
        if model_digest not in (None, found):
            raise StoreError(f"{self.place}: vectors are of another model ({found}); {advice}")
        table = self.table(["product_id", *EMBEDDING_COLUMNS])
        return table.cast(vectors_schema(table.schema.field(EMBEDDING_COLUMNS[0]).type.list_size))

    def _dataset(self) -> Any:
        """The products at the manifest's version, opened once: in object storage each time is several requests."""
        version = self.manifest[DATASET_VERSION]
        if self._opened is None or self._opened.version != version:
            self._opened = open_dataset(self.place.dataset(PRODUCTS_DATASET), version)
        return self._opened
