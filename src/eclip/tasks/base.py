"""What every task reads (`Catalogue`), and the one way that features are made of vectors.

A modality is "image", "text" or "both". A row lacks a modality where its vector is NaN; "both" needs at
least one of the two, and a missing half is zeros.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from eclip.errors import ModelError, StoreError
from eclip.schema import MODEL_TASKS, SPLITS
from eclip.tasks.results import MODALITIES
from eclip.vectors import vectors_from_arrow

TASKS = ("category", "attributes", "matching", "clustering", "adult")
TASK_FILE = "task.json"  # what a task keeps beside its heads
COLUMNS = (
    "product_id",
    "title",
    "split",
    "category",
    "attributes",
    "feed_catalog_id",
    "feed_model_id",
    "seller",
    "policy",
    "duplicate_of",
    "weight",
)


class VectorStore(Protocol):
    """The part of a product store that tasks read."""

    def table(self, columns: Sequence[str]) -> Any:
        """Rows in store order, as an Arrow table of these columns."""

    def vectors(self, *, model_digest: str | None) -> Any:
        """`product_id` and the vectors of this model in store order, as an Arrow table."""


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
    sellers: np.ndarray
    policies: np.ndarray
    duplicate_of: np.ndarray
    weight: np.ndarray  # [N] float32
    image_vectors: np.ndarray  # [N, D] float32 unit rows, NaN where missing
    text_vectors: np.ndarray  # [N, D]; D may differ from the pictures' for towers of no common space

    def __post_init__(self) -> None:
        """Check that all columns speak of the same rows.

        Raises:
            StoreError: Two columns differ in length.
        """
        for each in fields(self):
            if len(getattr(self, each.name)) != len(self.product_ids):
                raise StoreError(
                    f"the catalogue's {each.name} has {len(getattr(self, each.name)):,} rows, expected "
                    f"{len(self.product_ids):,}: give every column one entry a product"
                )

    @property
    def num_rows(self) -> int:
        """How many listings there are."""
        return len(self.product_ids)

    def rows_of(self, split: str) -> np.ndarray:
        """Row positions [n] of one split."""
        return np.flatnonzero(self.split == split)

    def features(self, modality: str) -> tuple[np.ndarray, np.ndarray]:
        """Features [N, F] of a modality and a mask [N] of the rows that have it."""
        return features(self.image_vectors, self.text_vectors, modality)

    def with_vectors(self, image_vectors: np.ndarray, text_vectors: np.ndarray) -> Catalogue:
        """The same products as another pair of towers sees them."""
        return replace(self, image_vectors=image_vectors, text_vectors=text_vectors)


def read_catalogue(store: VectorStore, model_digest: str) -> Catalogue:
    """Read what tasks need from a store that holds the vectors of the model with `model_digest`.

    Raises:
        StoreError: The store holds no vectors, or those of another model.
    """
    table = store.table(COLUMNS)
    vectors = store.vectors(model_digest=model_digest)
    if vectors["product_id"].to_pylist() != table["product_id"].to_pylist():
        raise StoreError("the store's vectors and products are not in the same order: run `eclip embed` again")
    columns = {name: table[name].to_pylist() for name in COLUMNS}
    return Catalogue(
        product_ids=_objects(columns["product_id"]),
        titles=columns["title"],
        split=_objects(columns["split"]),
        categories=[tuple(path or ()) for path in columns["category"]],
        attributes=[
            {name: tuple(values) for name, values in (pairs or []) if values} for pairs in columns["attributes"]
        ],
        catalog_ids=_objects(columns["feed_catalog_id"]),
        model_ids=_objects(columns["feed_model_id"]),
        sellers=_objects(columns["seller"]),
        policies=_objects(columns["policy"]),
        duplicate_of=_objects(columns["duplicate_of"]),
        weight=np.array([1.0 if w is None else w for w in columns["weight"]], dtype=np.float32),
        image_vectors=vectors_from_arrow(vectors["image_embedding"]),
        text_vectors=vectors_from_arrow(vectors["text_embedding"]),
    )


def _objects(values: Sequence[Any]) -> np.ndarray:
    """Values [N] as they are: numpy would make text of None, and a table of tuples."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def features(image_vectors: np.ndarray, text_vectors: np.ndarray, modality: str) -> tuple[np.ndarray, np.ndarray]:
    """Features of a modality, from vectors [N, D] with NaN rows where missing.

    Args:
        image_vectors: [N, D].
        text_vectors: [N, D].
        modality: "image", "text", or "both" = the two side by side, [N, 2D].

    Returns:
        Features without NaN (zeros where missing), and a mask [N] of the rows that have the modality.
    """
    if modality not in MODALITIES:
        raise ValueError(f"unknown modality {modality!r}, expected one of {', '.join(MODALITIES)}")
    has_image, has_text = present_rows(image_vectors), present_rows(text_vectors)
    image = np.where(has_image[:, None], image_vectors, np.float32(0))
    text = np.where(has_text[:, None], text_vectors, np.float32(0))
    if modality == "image":
        return image, has_image
    if modality == "text":
        return text, has_text
    return np.concatenate([image, text], axis=1), has_image | has_text


def present_rows(vectors: np.ndarray) -> np.ndarray:
    """Mask [N] of the rows of a matrix that hold a vector."""
    if not vectors.shape[1]:
        return np.zeros(len(vectors), dtype=bool)
    return ~np.isnan(vectors[:, 0])


def search_vectors(image_vectors: np.ndarray, text_vectors: np.ndarray, modality: str) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows for nearest neighbours in a modality (zeros where missing), and the mask of present rows.

    "both" is the product vector, the unit mean of what is there; towers of no common space (other D) give
    the unit concatenation, whose inner product is the mean of the two cosines.
    """
    if modality == "both" and image_vectors.shape[1] == text_vectors.shape[1]:
        image, _ = features(image_vectors, text_vectors, "image")
        text, _ = features(image_vectors, text_vectors, "text")
        matrix, mask = image + text, present_rows(image_vectors) | present_rows(text_vectors)
    else:
        matrix, mask = features(image_vectors, text_vectors, modality)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.maximum(lengths, 1e-12)).astype(np.float32), mask


def check_splits(catalogue: Catalogue) -> str | None:
    """Reason why nothing can be fitted on this catalogue, or None."""
    if not len(catalogue.rows_of(SPLITS[0])):
        return "the train split has no products"
    return None


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder` that takes its place once the block has ended well.

    Whoever is stopped half-way leaves the old folder as it was.
    """
    aside = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_task(folder: Path, content: dict[str, Any]) -> None:
    """Write what a task keeps as JSON."""
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / TASK_FILE).write_text(text + "\n", encoding="utf-8")


def read_task(folder: Path) -> dict[str, Any]:
    """Read what `write_task` wrote.

    Raises:
        ModelError: The task was not fitted, or its file is damaged.
    """
    try:
        content: dict[str, Any] = json.loads((folder / TASK_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{folder}: task {folder.name} is not fitted; run `eclip fit STORE --model MODEL` (it writes "
            f"MODEL/{MODEL_TASKS})"
        ) from None
    except ValueError as error:
        raise ModelError(f"{folder / TASK_FILE} is damaged ({error}); run `eclip fit` again") from error
    return content
