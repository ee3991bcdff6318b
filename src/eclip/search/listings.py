"""The listings that a search shows: corrected, numbered by product, found by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eclip.products.corrections import latest_corrections
from eclip.search.corrected import corrected_record, corrected_table
from eclip.search.filtering import FILTER_COLUMNS
from eclip.search.results import Hit, Offer, Product

_HIT_COLUMNS = ("product_id", "title", "category", "price", "seller", "brand", "catalog_id")
SHOWN_COLUMNS = tuple(dict.fromkeys((*_HIT_COLUMNS, *FILTER_COLUMNS, "duplicate_of")))
_PRODUCT_COLUMNS = (
    *("product_id", "title", "raw_title", "description", "brand", "seller", "price", "url", "gtin", "model_number"),
    *("category", "attributes", "policy", "catalog_id", "catalog_reason", "duplicate_of"),
)
_OFFER_COLUMNS = ("product_id", "seller", "price", "title", "url")
MAX_OFFERS = 1_000  # shown of one product


class ProductStore(Protocol):
    """What a search needs of a store."""

    @property
    def digest(self) -> str:
        """Digest of the content."""

    def table(self, columns: Sequence[str]) -> pa.Table:
        """The named columns, rows in store order."""

    def take(self, rows: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """The named columns of these row positions."""

    def corrections(self) -> pa.Table:
        """What people said of listings, the earliest first."""

    def images(self, rows: Sequence[int]) -> list[bytes | None]:
        """Encoded main pictures of these row positions."""

    def extra_images(self, rows: Sequence[int]) -> list[list[bytes]]:
        """Encoded further pictures of these row positions."""

    def vectors(self, *, model_digest: str | None) -> pa.Table:
        """`product_id` and the vector columns, rows in store order."""


class Listings:
    """All listings of a store; reading only, so threads may share it.

    Attributes:
        table: `SHOWN_COLUMNS`, corrections applied, in store order.
        groups: [N] the product of each row, numbered from 0.
    """

    def __init__(self, store: ProductStore) -> None:
        self._store = store
        said = store.corrections()
        self._said = latest_corrections(said)
        self.table = corrected_table(store.table(SHOWN_COLUMNS), said).combine_chunks()
        self.groups = product_groups(self.table)
        self._by_group = np.argsort(self.groups, kind="stable")
        self._group_starts = np.searchsorted(self.groups[self._by_group], np.arange(self.num_groups + 1))
        keys = np.fromiter(map(hash, self.table["product_id"].to_pylist()), np.int64, self.table.num_rows)
        self._by_key = np.argsort(keys, kind="stable")
        self._keys = keys[self._by_key]

    @property
    def num_rows(self) -> int:
        """Listings."""
        return int(self.table.num_rows)

    @property
    def num_groups(self) -> int:
        """Different products."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0

    def row_of(self, product_id: str) -> int | None:
        """The row of a listing; None where there is none of this id."""
        start = int(np.searchsorted(self._keys, hash(product_id)))
        while start < len(self._keys) and self._keys[start] == hash(product_id):
            row = int(self._by_key[start])
            if self.table["product_id"][row].as_py() == product_id:
                return row
            start += 1
        return None

    def members(self, row: int) -> npt.NDArray[np.int64]:
        """Rows of the same product, this one among them, in store order."""
        group = self.groups[row]
        return self._by_group[self._group_starts[group] : self._group_starts[group + 1]]

    def hits(self, rows: Sequence[int], scores: Sequence[float], matched: Sequence[tuple[str, ...]]) -> list[Hit]:
        """What is shown of these rows, one for each."""
        members = [self.members(row) for row in rows]
        places = pa.array(np.concatenate([np.zeros(0, np.int64), *members]))
        told = self.table.select(_HIT_COLUMNS).take(pa.array(rows, pa.int64())).to_pylist()
        others = {name: self.table[name].take(places).to_pylist() for name in ("product_id", "seller", "price")}
        ends = np.cumsum([len(each) for each in members]).tolist()
        hits = []
        for number, (row, fields) in enumerate(zip(rows, told, strict=True)):
            own = slice(ends[number] - len(members[number]), ends[number])
            prices = [price for price in others["price"][own] if price is not None]
            hits.append(
                Hit(
                    **fields,
                    score=scores[number],
                    row=row,
                    same_product_ids=[each for each in others["product_id"][own] if each != fields["product_id"]],
                    num_sellers=len(set(others["seller"][own])),
                    min_price=min(prices, default=None),
                    max_price=max(prices, default=None),
                    matched=matched[number],
                )
            )
        return hits

    def product(self, product_id: str) -> Product | None:
        """One listing in full, with the offers of its product; None where there is none of this id."""
        row = self.row_of(product_id)
        if row is None:
            return None
        said = self._said.get(product_id, {})
        (stored,) = self._store.take([row], _PRODUCT_COLUMNS).to_pylist()
        told = corrected_record(stored, said)
        members = self.members(row)[:MAX_OFFERS].tolist()
        offers = self._store.take(members, _OFFER_COLUMNS).to_pylist()
        has_picture = self._store.images([row])[0] is not None
        told["attributes"] = {name: list(values or ()) for name, values in told["attributes"] or ()}
        return Product(
            **told,
            row=row,
            num_pictures=has_picture + len(self._store.extra_images([row])[0]),
            sellers=[Offer(**offer) for offer in offers],
            corrections=dict(said),
        )

    def picture(self, product_id: str, number: int = 0) -> bytes | None:
        """An encoded picture of a listing: 0 = the main one, then the others; None where there is none."""
        row = self.row_of(product_id)
        if row is None or number < 0:
            return None
        if number == 0:
            return self._store.images([row])[0]
        extra = self._store.extra_images([row])[0]
        return extra[number - 1] if number <= len(extra) else None


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
    encoded = pc.dictionary_encode(keys)
    chunks = encoded.chunks if isinstance(encoded, pa.ChunkedArray) else [encoded]
    return np.concatenate([np.zeros(0, np.int64), *(np.asarray(chunk.indices, dtype=np.int64) for chunk in chunks)])
