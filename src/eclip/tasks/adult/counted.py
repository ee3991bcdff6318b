"""Which listings of a store its sellers' history counts: each of them is judged without its own label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eclip.products.corrections import latest_corrections
from eclip.schema import SPLITS
from eclip.tasks.adult.targets import policy_codes

if TYPE_CHECKING:
    from eclip.products.store import Store


@dataclass(frozen=True)
class CountedPolicies:
    """What `SellerHistory` counts of a store's listings, as `fit` learned it.

    Attributes:
        codes: Product id -> place in `CLASSES`, of the listings of the train split that repeat no other.
    """

    codes: dict[str, int]

    @classmethod
    def of(cls, store: Store) -> CountedPolicies:
        """Those of a store, corrections applied."""
        table = store.table(["product_id", "policy", "split", "duplicate_of"])
        said = latest_corrections(store.corrections())
        ids, given, splits, originals = (column.to_pylist() for column in table.columns)
        policies = np.empty(len(ids), dtype=object)
        policies[:] = [said.get(each, {}).get("policy", own) or None for each, own in zip(ids, given, strict=True)]
        rows = zip(ids, policy_codes(policies).tolist(), splits, originals, strict=True)
        return cls({each: code for each, code, split, original in rows if split == SPLITS[0] and original is None})

    def of_listings(self, ids: Sequence[str | None]) -> np.ndarray:
        """Places [n] in `CLASSES`; -1 of listings that are not counted."""
        return np.array([-1 if each is None else self.codes.get(each, -1) for each in ids], dtype=np.int64)
