"""The listings of a store that new ones are compared with: ids, titles and vectors, read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from eclip.tasks.catalogue import RECORD_COLUMNS, listing_records
from eclip.tasks.corrections.apply import store_catalogs
from eclip.tasks.matching.candidates import Candidates
from eclip.tasks.matching.kept import KeptListings
from eclip.vectors import vectors_from_arrow

if TYPE_CHECKING:
    import pyarrow as pa

    from eclip.products.store import Store

CORPUS_COLUMNS = ("product_id", "title", "content_hash", "attributes", *RECORD_COLUMNS)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Listings in the store's order.

    Attributes:
        ids: [N] product ids.
        titles: [N].
        catalog_ids: [N]; None where a listing stands in none.
        content: [N] digests of what a model sees of them.
        records: Further fields of them, `RECORD_COLUMNS` and attributes; read as matching does only where needed.
        image: Vectors [N, D], NaN rows where missing.
        text: Likewise.
    """

    ids: Sequence[str]
    titles: Sequence[str | None]
    catalog_ids: Sequence[str | None]
    content: pa.Array
    records: pa.Table
    image: np.ndarray
    text: np.ndarray

    @classmethod
    def of(cls, store: Store, model_digest: str) -> Corpus:
        """All listings of a store.

        Raises:
            StoreError: It has no vectors, or those of another model.
        """
        vectors = store.vectors(model_digest=model_digest)
        table = store.table(list(CORPUS_COLUMNS))
        return cls(
            ids=table["product_id"].to_pylist(),
            titles=table["title"].to_pylist(),
            catalog_ids=store_catalogs(store),
            content=table["content_hash"].combine_chunks(),
            records=table.select(["attributes", *RECORD_COLUMNS]),
            image=vectors_from_arrow(vectors["image_embedding"]),
            text=vectors_from_arrow(vectors["text_embedding"]),
        )

    @cached_property
    def candidates(self) -> Candidates:
        """How listings are found that a new one may be the same product as."""
        return Candidates.of(
            titles=self.titles,
            model_numbers=self.records["model_number"].to_pylist(),
            gtins=self.records["gtin"].to_pylist(),
            image_vectors=self.image,
            text_vectors=self.text,
        )

    @cached_property
    def listings(self) -> KeptListings:
        """What they say, each read when it is first asked for."""
        return KeptListings(
            titles=self.titles,
            image_vectors=self.image,
            text_vectors=self.text,
            records_of=lambda rows: listing_records(self.records.take(rows)),
        )

    def rows_of_content(self, hashes: pa.ChunkedArray) -> np.ndarray:
        """Row [n] of the listing with this very title and picture; -1 where there is none."""
        import pyarrow.compute as pc

        if not len(self.content):
            return np.full(len(hashes), -1)
        found = pc.fill_null(pc.index_in(hashes, self.content, skip_nulls=True), -1)
        return np.asarray(found.combine_chunks()).astype(np.int64)
