"""What every task reads: the columns of a store, with the vectors of one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np

from eclip.errors import StoreError
from eclip.products.corrections import latest_corrections
from eclip.schema import SPLITS
from eclip.tasks.corrections.apply import corrected
from eclip.tasks.features import complete_rows, features
from eclip.vectors import vectors_from_arrow

COLUMNS = (
    "product_id",
    "title",
    "split",
    "category",
    "attributes",
    "feed_catalog_id",
    "catalog_id",
    "feed_model_id",
    "image_hash",
    "policy",
    "duplicate_of",
    "seller",
    "perceptual_hash",
    "brand",
    "price",
    "model_number",
    "gtin",
    "description",
)
RECORD_COLUMNS = ("brand", "price", "model_number", "gtin", "description")  # read as text, beside attributes


class VectorStore(Protocol):
    """The part of a product store that tasks read."""

    def table(self, columns: Sequence[str]) -> Any:
        """Rows in store order, as an Arrow table of these columns."""

    def vectors(self, *, model_digest: str | None) -> Any:
        """`product_id` and the vectors of this model in store order, as an Arrow table."""

    def corrections(self) -> Any:
        """What people said of listings, as an Arrow table of `CORRECTIONS_SCHEMA`."""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The columns of a store that tasks read, one entry a listing, in store order."""

    product_ids: np.ndarray  # [N] object
    titles: list[str | None]
    split: np.ndarray  # [N] object, of SPLITS
    categories: list[tuple[str, ...]]  # root to leaf; () where none
    attributes: list[dict[str, tuple[str, ...]]]
    catalog_ids: np.ndarray  # [N] object, None where none; as the feed gave them: inferred ones are no truth
    model_ids: np.ndarray
    image_hashes: np.ndarray  # [N] object, digests of pixels; None without a picture
    policies: np.ndarray
    duplicate_of: np.ndarray
    image_vectors: np.ndarray  # [N, D] float32 unit rows, NaN where missing
    text_vectors: np.ndarray  # [N, D]; D may differ from the pictures' for towers of no common space
    model_digest: str = ""  # whose vectors these are
    sellers: np.ndarray | None = None  # [N] object, None where not named; None = nobody is
    perceptual_hashes: np.ndarray | None = None  # [N] object, None where there is no picture; None = nowhere
    # [N] further fields as text: brand, price, model number, description, attributes; () = none were read
    records: Sequence[Mapping[str, str]] = ()

    def __post_init__(self) -> None:
        """Check that all columns speak of the same rows.

        Raises:
            StoreError: Two columns differ in length.
        """
        for each in fields(self):
            column = getattr(self, each.name)
            if each.name == "model_digest" or column is None or (each.name == "records" and not column):
                continue
            if len(column) != len(self.product_ids):
                raise StoreError(
                    f"the catalogue's {each.name} has {len(column):,} rows, expected "
                    f"{len(self.product_ids):,}: give every column one entry a product"
                )

    @property
    def num_rows(self) -> int:
        """How many listings there are."""
        return len(self.product_ids)

    def rows_of(self, split: str) -> np.ndarray:
        """Row positions [n] of one split; a listing that repeats another is neither learned from nor counted."""
        return np.flatnonzero(self.within(split))

    def within(self, split: str) -> np.ndarray:
        """Mask [N] of the rows of one split, those left out that repeat another listing."""
        return (self.split == split) & np.array([original is None for original in self.duplicate_of], dtype=bool)

    def features(self, modality: str) -> tuple[np.ndarray, np.ndarray]:
        """Features [N, F] of a modality and a mask [N] of the rows that have it."""
        return features(self.image_vectors, self.text_vectors, modality)

    def complete(self, modality: str) -> np.ndarray:
        """Mask [N] of the rows that have all that a modality reads."""
        return complete_rows(self.image_vectors, self.text_vectors, modality)

    def with_vectors(self, image_vectors: np.ndarray, text_vectors: np.ndarray) -> Catalogue:
        """The same products as another pair of towers sees them."""
        return replace(self, image_vectors=image_vectors, text_vectors=text_vectors)


def read_catalogue(store: VectorStore, model_digest: str) -> Catalogue:
    """Read what tasks need from a store that holds the vectors of the model with `model_digest`.

    Corrections of people win over what the feed said.

    Raises:
        StoreError: The store holds no vectors, or those of another model.
    """
    table = store.table(COLUMNS)
    vectors = store.vectors(model_digest=model_digest)
    if vectors["product_id"].to_pylist() != table["product_id"].to_pylist():
        raise StoreError("the store's vectors and products are not in the same order: run `eclip embed` again")
    columns = {name: table[name].to_pylist() for name in COLUMNS}
    catalogue = Catalogue(
        product_ids=_objects(columns["product_id"]),
        titles=columns["title"],
        split=_objects(columns["split"]),
        categories=[tuple(path or ()) for path in columns["category"]],
        attributes=[
            {name: tuple(values) for name, values in (pairs or []) if values} for pairs in columns["attributes"]
        ],
        catalog_ids=_objects(columns["feed_catalog_id"]),
        model_ids=_objects(columns["feed_model_id"]),
        image_hashes=_objects(columns["image_hash"]),
        policies=_objects(columns["policy"]),
        duplicate_of=_objects(columns["duplicate_of"]),
        image_vectors=vectors_from_arrow(vectors["image_embedding"]),
        text_vectors=vectors_from_arrow(vectors["text_embedding"]),
        model_digest=model_digest,
        sellers=_objects(columns["seller"]),
        perceptual_hashes=_objects(columns["perceptual_hash"]),
        records=listing_records(table),
    )
    return corrected(catalogue, latest_corrections(store.corrections()), inferred_catalogs=columns["catalog_id"])


def listing_records(table: Any) -> list[dict[str, str]]:
    """What each listing of an Arrow table says beside its title, as text by field; fields without a value are left out.

    An attribute comes after a column of its name, which wins.
    """
    columns = {name: table[name].to_pylist() for name in RECORD_COLUMNS if name in table.column_names}
    given = table["attributes"].to_pylist() if "attributes" in table.column_names else [None] * table.num_rows
    records = []
    for row, attributes in enumerate(given):
        record = {name: str(values[row]) for name, values in columns.items() if values[row] is not None}
        for name, values in attributes or []:
            if values:
                record.setdefault(name.casefold(), " / ".join(values))
        records.append(record)
    return records


def _objects(values: Sequence[Any]) -> np.ndarray:
    """Values [N] as they are: numpy would make text of None, and a table of tuples."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def check_splits(catalogue: Catalogue) -> str | None:
    """Reason why nothing can be fitted on this catalogue, or None."""
    if not len(catalogue.rows_of(SPLITS[0])):
        return "the train split has no products"
    return None
