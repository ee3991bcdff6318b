"""What a store was asked to delete and must not take in again: told by digests, so that the store need not name it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eclip.products.cells import as_text
from eclip.products.clean import clean_text

DELETED = "deleted"  # in the manifest
DELETED_REASON = "deleted on request"  # of a row that comes again
_DETAIL = "the store was asked not to hold this listing"


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """Digests of listings and sellers that may not be in a store.

    Attributes:
        product_ids: Of product ids.
        sellers: Of sellers' names, cleaned as a store's are.
    """

    product_ids: frozenset[str] = frozenset()
    sellers: frozenset[str] = frozenset()

    @classmethod
    def of(cls, product_ids: Iterable[str], sellers: Iterable[str]) -> Deleted:
        """These ids and names."""
        names = (clean_text(name) or "" for name in sellers)
        return cls(product_ids=frozenset(map(_digest, product_ids)), sellers=frozenset(map(_digest, names)))

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Deleted:
        """From a store's manifest, which may have none."""
        value = value or {}
        return cls(**{name: frozenset(value.get(name, ())) for name in ("product_ids", "sellers")})

    def to_json(self) -> dict[str, list[str]]:
        """As it stands in a store's manifest."""
        return {"product_ids": sorted(self.product_ids), "sellers": sorted(self.sellers)}

    def __or__(self, other: Deleted) -> Deleted:
        return Deleted(product_ids=self.product_ids | other.product_ids, sellers=self.sellers | other.sellers)

    def __bool__(self) -> bool:
        return bool(self.product_ids or self.sellers)

    def has(self, product_id: str | None, seller: str | None) -> bool:
        """Whether a listing is one of these; the seller's name as a store has it."""
        if self.product_ids and product_id is not None and _digest(product_id) in self.product_ids:
            return True
        return bool(self.sellers) and seller is not None and _digest(seller) in self.sellers

    def has_row(self, product_id: str | None, raw: str | None, fields: Mapping[str, str]) -> bool:
        """Whether a rejected row is of one of these, as far as it can be understood.

        Args:
            product_id: As far as the row was understood.
            raw: The row as JSON, by the feed's columns (or the store's, for a repeated id).
            fields: Field -> column of the feed.
        """
        cells = json.loads(raw) if raw else {}
        names = [product_id, *(as_text(cells.get(key)) for key in ("product_id", fields.get("product_id")))]
        sellers = [clean_text(as_text(cells.get(key))) for key in ("seller", fields.get("seller"))]
        return any(self.has(name, None) for name in names) or any(self.has(None, name) for name in sellers)


NOTHING_DELETED = Deleted()


def reject_deleted(listings: pa.Table, deleted: Deleted, fields: Mapping[str, str]) -> pa.Table:
    """Reject the listings of a batch that the store was asked to delete; nothing but the row's number is kept.

    Args:
        listings: In `LISTINGS_SCHEMA`.
        deleted: What the store may not hold.
        fields: Field -> column of the feed.
    """
    if not deleted:
        return listings
    rows = zip(*(listings[name].to_pylist() for name in ("product_id", "seller", "reject_raw")), strict=True)
    mine = pa.array([deleted.has(i, s) or deleted.has_row(None, raw, fields) for i, s, raw in rows], pa.bool_())
    told = {"reject_reason": DELETED_REASON, "reject_detail": _DETAIL, "reject_raw": None, "product_id": None}
    for name, text in told.items():
        column = pc.if_else(mine, pa.scalar(text, pa.string()), listings[name])
        listings = listings.set_column(listings.column_names.index(name), listings.schema.field(name), column)
    return listings


def without_examples(titles: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of titles without the examples of each rule: they are texts of listings."""
    counts = titles["counts"]
    return {**titles, "counts": {**counts, "examples": {rule: [] for rule in counts["examples"]}}}


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
