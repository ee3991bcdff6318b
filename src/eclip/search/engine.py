"""Search over a store: exact, in memory, one hit for each product with its other listings under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eclip.errors import ConfigError
from eclip.vectors import vectors_from_arrow

CHUNK_ROWS = 65_536  # rows scored at once
_SHOWN_COLUMNS = ("product_id", "title", "category", "price", "seller", "catalog_id", "duplicate_of")

Vectors = npt.NDArray[np.float32]


class ProductStore(Protocol):
    """What a search needs of a store."""

    def table(self, columns: Sequence[str]) -> pa.Table:
        """The named columns, rows in store order."""

    def images(self, rows: Sequence[int]) -> list[bytes | None]:
        """Encoded main pictures of these row positions."""

    def vectors(self, *, model_digest: str | None) -> pa.Table:
        """`product_id` and the vector columns, rows in store order."""


class QueryEncoder(Protocol):
    """What a search needs of a model."""

    @property
    def digest(self) -> str:
        """Names the model; the store's vectors carry it."""

    def encode_text(self, texts: Sequence[str | None]) -> Vectors:
        """Unit rows [N, D]; NaN where there is nothing to encode."""

    def encode_image(self, images: Sequence[Any]) -> Vectors:
        """Unit rows [N, D]; NaN where a picture can't be read."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One product found: its best listing, and the ids of its other ones."""

    product_id: str
    title: str | None
    category: list[str] | None
    price: float | None
    seller: str | None
    score: float
    """Cosine with the query, -1..1."""
    row: int
    """Position of the listing in the store, from 0."""
    same_product_ids: list[str]
    """Listings of the same catalog; without a catalog, exact duplicates. In store order."""


class SearchEngine:
    """Answers queries from one store with the model that made its vectors.

    All product and picture vectors are held in memory: 8 bytes x D a listing. Reading only, so threads
    may share an engine.

    Args:
        store: A prepared and embedded store.
        encoder: The model whose digest the store's vectors carry.

    Raises:
        StoreError: The store has no vectors of this model.
    """

    def __init__(self, store: ProductStore, encoder: QueryEncoder) -> None:
        self._store, self._encoder = store, encoder
        vectors = store.vectors(model_digest=encoder.digest)
        pictures = unit_matrix(vectors.column("image_embedding"))
        self._products = comparable_products(pictures, unit_matrix(vectors.column("text_embedding")))
        # A picture is best sought among pictures. Listings without one keep a chance by their product vector.
        bare = ~np.isfinite(pictures).all(axis=1)
        pictures[bare] = self._products[bare]
        self._pictures = pictures
        self._table = store.table(_SHOWN_COLUMNS).combine_chunks()
        self._groups = product_groups(self._table)
        self._by_group = np.argsort(self._groups, kind="stable")
        self._group_starts = np.searchsorted(self._groups[self._by_group], np.arange(self.num_groups + 1))

    @property
    def num_products(self) -> int:
        """Listings in the store."""
        return self._table.num_rows

    @property
    def num_groups(self) -> int:
        """Different products: listings of one catalog, or duplicates, counted once."""
        return int(self._groups.max()) + 1 if len(self._groups) else 0

    def search(self, *, text: str | None, image: bytes | None, top_k: int) -> list[Hit]:
        """The products nearest to a text, a picture, or the unit mean of both; best first.

        Text, alone or with a picture, is compared with product vectors; a picture alone with pictures.

        Raises:
            ConfigError: Nothing was asked, the picture can't be read, or `top_k` is below 1.
        """
        if top_k < 1:
            raise ConfigError(f"top_k is {top_k}; ask for at least 1 product")
        text = text.strip() if text else None
        if not text and not image:
            raise ConfigError("the query is empty; give a text, a picture, or both")
        query = self._encode(text or None, image or None)
        scores = cosine_scores(self._products if text else self._pictures, query)
        return [self._hit(row, float(scores[row])) for row in best_rows(scores, self._groups, top_k=top_k)]

    def picture(self, product_id: str) -> bytes | None:
        """The encoded main picture of a listing; None when it has none or there is no such listing."""
        row = pc.index(self._table.column("product_id"), pa.scalar(product_id, pa.string())).as_py()
        return None if row < 0 else self._store.images([row])[0]

    def _encode(self, text: str | None, image: bytes | None) -> Vectors:
        parts = []
        if text is not None:
            parts.append(self._encoder.encode_text([text])[0])
            if not np.isfinite(parts[-1]).all():
                raise ConfigError("the text holds nothing that the model can read; try other words")
        if image is not None:
            parts.append(self._encoder.encode_image([image])[0])
            if not np.isfinite(parts[-1]).all():
                raise ConfigError("the picture can't be read; give a whole JPEG, PNG or WebP file")
        mean = np.mean(parts, axis=0, dtype=np.float32)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)

    def _hit(self, row: int, score: float) -> Hit:
        shown = self._table.slice(row, 1).to_pylist()[0]
        group = self._groups[row]
        members = self._by_group[self._group_starts[group] : self._group_starts[group + 1]]
        others = self._table.column("product_id").take(pa.array(members[members != row]))
        return Hit(
            product_id=shown["product_id"],
            title=shown["title"],
            category=shown["category"],
            price=shown["price"],
            seller=shown["seller"],
            score=max(-1.0, min(1.0, score)),
            row=row,
            same_product_ids=others.to_pylist(),
        )


def comparable_products(pictures: Vectors, titles: Vectors) -> Vectors:
    """Product vectors [N, D] that a query may be compared with; NaN where a listing has neither half.

    Pictures and titles lie in cones of their own, so a title alone is nearer to every text query than a title
    with its picture, and would stand before all of them. A missing half is therefore the mean of the others'.
    """
    return _unit_rows(_with_typical_rows(pictures, titles) + _with_typical_rows(titles, pictures))


def _with_typical_rows(vectors: Vectors, others: Vectors) -> Vectors:
    """`vectors`, with the mean row where only the other half is there."""
    present = np.isfinite(vectors).all(axis=1)
    filled = vectors.copy()
    if present.any():
        filled[~present & np.isfinite(others).all(axis=1)] = vectors[present].mean(axis=0)
    else:
        filled[:] = 0  # nobody has this half: the other one decides alone
    return filled


def _unit_rows(matrix: Vectors) -> Vectors:
    """Rows of length 1; NaN where a row is broken or zero."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    lengths[~(np.isfinite(lengths) & (lengths > 0))] = np.nan
    return matrix / lengths


def unit_matrix(column: pa.ChunkedArray) -> Vectors:
    """A column of fixed-size lists as unit rows [N, D] float32; NaN where it is null, broken or zero."""
    return _unit_rows(vectors_from_arrow(column))


def product_groups(table: pa.Table) -> npt.NDArray[np.int64]:
    """The product of each listing as a number [N] from 0.

    Listings share a number when they share a `catalog_id`; a listing without one goes with the listing
    that it duplicates, or stands alone.
    """
    ids = table.column("product_id")
    # The prefixes keep a catalog and a listing of the same name apart.
    of_catalog = pc.binary_join_element_wise("catalog", table.column("catalog_id"), ":")
    own = pc.coalesce(of_catalog, pc.binary_join_element_wise("listing", ids, ":"))
    of_original = own.take(pc.index_in(table.column("duplicate_of"), value_set=ids, skip_nulls=True))
    keys = pc.coalesce(of_catalog, of_original, own)
    _, groups = np.unique(keys.to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    return groups.astype(np.int64)


def cosine_scores(matrix: Vectors, query: Vectors) -> Vectors:
    """Cosine of each unit row [N, D] with a unit query [D]; minus infinity where a row is NaN."""
    scores = np.empty(len(matrix), dtype=np.float32)
    for start in range(0, len(matrix), CHUNK_ROWS):
        scores[start : start + CHUNK_ROWS] = matrix[start : start + CHUNK_ROWS] @ query
    scores[~np.isfinite(scores)] = -np.inf
    return scores


def best_rows(scores: Vectors, groups: npt.NDArray[np.int64], *, top_k: int) -> list[int]:
    """The best row of each of the `top_k` best groups, best first; equal scores go by row.

    Rows that score minus infinity are never returned, so there may be fewer.
    """
    num_wanted = min(4 * top_k, len(scores))
    while True:
        rows = _leading_rows(scores, num_wanted)
        _, firsts = np.unique(groups[rows], return_index=True)
        if len(firsts) >= top_k or num_wanted >= len(scores):
            return [int(row) for row in rows[np.sort(firsts)[:top_k]]]
        num_wanted = min(4 * num_wanted, len(scores))


def _leading_rows(scores: Vectors, num_wanted: int) -> npt.NDArray[np.int64]:
    """At least `num_wanted` rows in order of score, with all that tie with the last of them."""
    if num_wanted < len(scores):
        least = np.partition(scores, len(scores) - num_wanted)[len(scores) - num_wanted]
        rows = np.flatnonzero((scores >= least) & np.isfinite(scores))
    else:
        rows = np.flatnonzero(np.isfinite(scores))
    return rows[np.argsort(-scores[rows], kind="stable")]
