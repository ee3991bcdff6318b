"""The columns of a store that tell of its sellers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eclip.errors import StoreError
from eclip.products.corrections import latest_corrections
from eclip.products.duplicates.components import key_codes
from eclip.products.pictures.picture import NEAR_BLANK
from eclip.products.plainlists import shared_paths, shared_texts
from eclip.products.store import Store
from eclip.products.wholefeed import PLACEHOLDER

_COLUMNS = (
    *("product_id", "title", "seller", "price", "category", "policy", "image_hash", "perceptual_hash", "flags"),
    *("pair_score", "duplicate_of", "duplicate_reason", "catalog_id", "loss_group", "review_flags"),
)


@dataclass(frozen=True, kw_only=True)
class SellerListings:
    """N listings, one entry each, in the store's order."""

    product_ids: list[str]
    titles: list[str | None]
    seller_names: list[str]  # S of them, in alphabetical order
    sellers: np.ndarray  # [N] int64 place in `seller_names`, -1 = not named
    prices: np.ndarray  # [N] NaN where there is none
    categories: list[str | None]  # "Apparel > Shirts"
    policies: list[str | None]  # what people corrected wins
    image_codes: np.ndarray  # [N] int64 the same for equal pixels, -1 without a picture
    perceptual_hashes: np.ndarray  # [N] uint64, 0 without a picture
    telling: np.ndarray  # [N] bool, the picture is there, not blank, and no placeholder
    pair_scores: np.ndarray  # [N] NaN where no model has looked
    duplicate_of: list[str | None]
    duplicate_reasons: list[str | None]
    catalogs: np.ndarray  # [N] int64, -1 = in none
    groups: np.ndarray  # [N] int64 loss groups: one catalog, title or picture
    review_flags: list[list[str] | None]

    @property
    def repeats(self) -> np.ndarray:
        """[N] bool, listings that repeat another of the same seller."""
        return np.array([each is not None for each in self.duplicate_of], dtype=bool)


def read_listings(store: Store) -> SellerListings:
    """Read them.

    Raises:
        StoreError: No listing names its seller, or the store can't be read.
    """
    table = store.table(_COLUMNS)
    ids, names = shared_texts(table["product_id"]), shared_texts(table["seller"])
    sellers = sorted({name for name in names if name})
    if not sellers:
        raise StoreError(
            f"{store.place}: no listing names its seller; prepare the feed with --columns seller=COLUMN, naming the "
            "column that says whose offer it is"
        )
    place = {name: number for number, name in enumerate(sellers)}
    said = latest_corrections(store.corrections())
    policies = shared_texts(table["policy"])
    corrected = [said.get(str(each), {}).get("policy", own) or None for each, own in zip(ids, policies, strict=True)]
    paths = shared_paths(table["category"])
    return SellerListings(
        product_ids=[str(each) for each in ids],
        titles=shared_texts(table["title"]),
        seller_names=sellers,
        sellers=np.array([place.get(name or "", -1) for name in names], dtype=np.int64),
        prices=pc.fill_null(table["price"], np.nan).to_numpy(),
        categories=[" > ".join(path) if path else None for path in paths],
        policies=corrected,
        image_codes=key_codes(table["image_hash"].combine_chunks()),
        perceptual_hashes=table["perceptual_hash"].fill_null(0).to_numpy(),
        telling=_telling(table),
        pair_scores=pc.fill_null(table["pair_score"], np.nan).to_numpy(),
        duplicate_of=shared_texts(table["duplicate_of"]),
        duplicate_reasons=shared_texts(table["duplicate_reason"]),
        catalogs=key_codes(table["catalog_id"].combine_chunks()),
        groups=table["loss_group"].to_numpy(),
        review_flags=shared_paths(table["review_flags"]),
    )


def _telling(table: pa.Table) -> np.ndarray:
    """[N] bool: the picture is there, neither blank nor one that stands under many different products."""
    telling = table["perceptual_hash"].is_valid().to_numpy()
    return telling & ~_holds(table["flags"], NEAR_BLANK) & ~_holds(table["review_flags"], PLACEHOLDER)


def _holds(column: pa.ChunkedArray, value: str) -> np.ndarray:
    """[N] bool: the row's list holds this text."""
    lists: Sequence[list[str] | None] = shared_paths(column)
    return np.array([value in (each or ()) for each in lists], dtype=bool)
