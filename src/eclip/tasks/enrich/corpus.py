"""The listings of a store that new ones are compared with: ids, titles and vectors, read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from eclip.products.corrections import latest_corrections
from eclip.schema import SPLITS
from eclip.tasks.adult.targets import policy_codes
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
        counted: [N] int64 place in the adult task's `CLASSES` of what the seller's history counts of each, as `fit`
            learned it: listings of the train split; -1 of all others. None = of all.
    """

    ids: Sequence[str]
    titles: Sequence[str | None]
    catalog_ids: Sequence[str | None]
    content: pa.Array
    records: pa.Table
    image: np.ndarray
    text: np.ndarray
    counted: np.ndarray | None = None

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
            counted=_counted_policies(store),
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

    def counted_policies(self, ids: Sequence[str | None]) -> np.ndarray:
        """[n] of `counted` of the listings with these ids; -1 of those that are not in the store."""
        if self.counted is None:
            return np.full(len(ids), -1, dtype=np.int64)
        return np.array([self.counted[row] if (row := self._row_of(each)) >= 0 else -1 for each in ids], dtype=np.int64)

    def _row_of(self, product_id: str | None) -> int:
        return -1 if product_id is None else self._rows.get(product_id, -1)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {product_id: row for row, product_id in enumerate(self.ids)}

    def rows_of_content(self, hashes: pa.ChunkedArray) -> np.ndarray:
        """Row [n] of the listing with this very title and picture; -1 where there is none."""
        import pyarrow.compute as pc

        if not len(self.content):
            return np.full(len(hashes), -1)
        found = pc.fill_null(pc.index_in(hashes, self.content, skip_nulls=True), -1)
        return np.asarray(found.combine_chunks()).astype(np.int64)


def _counted_policies(store: Store) -> np.ndarray:
    """What `SellerHistory` counts of each listing: the corrected policy of train listings that repeat no other."""
    table = store.table(["product_id", "policy", "split", "duplicate_of"])
    said = latest_corrections(store.corrections())
    given = zip(table["product_id"].to_pylist(), table["policy"].to_pylist(), strict=True)
    policies = np.array([said.get(each, {}).get("policy", policy) or None for each, policy in given], dtype=object)
    train = np.array(table["split"].to_pylist(), dtype=object) == SPLITS[0]
    learned = train & table["duplicate_of"].combine_chunks().is_null().to_numpy(zero_copy_only=False)
    return np.where(learned, policy_codes(policies), -1)
