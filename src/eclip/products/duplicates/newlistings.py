"""Which new listings repeat one of a store, or another one of their own feed: what `eclip enrich` answers.

The store's side is a `DuplicateIndex`, made once of what `prepare` found and kept in the store's cache; it is mapped
into memory and only its touched pages are read. Pictures that seem near are laid over each other as `prepare` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eclip.errors import StoreError
from eclip.products.duplicates.exact import placeholder_pictures, product_names
from eclip.products.duplicates.index import INDEX_VERSION, DuplicateIndex
from eclip.products.duplicates.keys import ListingColumns
from eclip.products.duplicates.pixels import cells_agree, picture_cells
from eclip.products.pictures.picture import NEAR_BLANK
from eclip.products.store import Store
from eclip.products.wholefeed import PLACEHOLDER
from eclip.version import __version__

IN_STORE, IN_FEED = "store", "feed"
_FACTS = ("gtin", "model_number", "brand")
_NAMING = ("gtin", "model_number")  # facts that name one product: as good as a look at the pictures
KEY_COLUMNS = (
    *("product_id", "title", "seller", "feed_catalog_id", "feed_model_id", "image_hash", "perceptual_hash", "flags"),
    *_FACTS,
)
_STORE_COLUMNS = (*KEY_COLUMNS, "duplicate_of", "duplicate_reason", "review_flags")
_LOOKED_AT = 256  # pictures of the store decoded at once


@dataclass(frozen=True)
class Repeat:
    """What is known of one new listing.

    Attributes:
        product_ids: The listings that it repeats or that repeat it: the original first, those of the store before
            those of the feed; empty = it is new.
        reason: Why, in words; None = it is new.
        place: `IN_STORE` if one of them is in the store, else `IN_FEED`; None = it is new.
    """

    product_ids: list[str] = field(default_factory=list)
    reason: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class KnownListings:
    """The listings of a store, ready to be asked about new ones.

    Attributes:
        store: The store.
        index: Its listings as numbers, in the store's order.
        product_ids: [N] their ids.
        reasons: [N] why each repeats another; null = it does not.
        naming: [N] rows of `_NAMING`.
        placeholders: Digests of pictures that stand under many different products.
    """

    store: Store
    index: DuplicateIndex
    product_ids: pa.ChunkedArray
    reasons: pa.ChunkedArray
    naming: pa.Table
    placeholders: frozenset[str]

    @classmethod
    def of(cls, store: Store, cache: Path) -> KnownListings:
        """Those of a store; the index is read from the cache folder, where it is made if it is not there yet.

        Raises:
            StoreError: The store can't be read.
            DiskError: The cache can't be written.
        """
        path = cache / f"duplicates-{_index_name(store)}.index"
        few = store.table(["product_id", "duplicate_reason", *_NAMING, "image_hash", "review_flags"])
        index = _open(path, few.num_rows)
        if index is None:
            index = store_index(store.table(_STORE_COLUMNS))
            cache.mkdir(parents=True, exist_ok=True)
            index.save(path)
            for old in cache.glob("duplicates-*.index"):
                if old != path:
                    old.unlink(missing_ok=True)
        return cls(
            store,
            index,
            few["product_id"],
            few["duplicate_reason"],
            few.select(list(_NAMING)),
            _stored_placeholders(few),
        )


def _index_name(store: Store) -> str:
    """Digest of all that an index is made of: the listings, and the eclips that linked them and that number them here.

    A store in object storage keeps its cache when it is prepared again; the same listings may be linked otherwise then.
    """
    told = (store.digest, store.manifest.get("eclip"), __version__, INDEX_VERSION)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _open(path: Path, num_rows: int) -> DuplicateIndex | None:
    """The index in a file; None where it has to be made (again)."""
    if not path.exists():
        return None
    try:
        index = DuplicateIndex.open(path)
    except StoreError:  # cut off, or of another version: it can be made again
        return None
    return index if len(index) == num_rows else None


def store_index(rows: pa.Table) -> DuplicateIndex:
    """An index of a store's listings, linked as `prepare` found them.

    Args:
        rows: `KEY_COLUMNS`, `duplicate_of` and `review_flags` of all listings.
    """
    originals = pc.index_in(rows["duplicate_of"], rows["product_id"].combine_chunks(), skip_nulls=True)
    own = np.arange(rows.num_rows)
    known = np.asarray(pc.fill_null(originals, -1).combine_chunks(), dtype=np.int64)
    return DuplicateIndex.linked(listing_columns(rows, _stored_placeholders(rows)), np.where(known >= 0, known, own))


def _stored_placeholders(rows: pa.Table) -> frozenset[str]:
    """Pictures that `prepare` took for placeholders, by the flag of the rows that show them."""
    flagged = pc.list_flatten(rows["review_flags"])
    of_row = pc.list_parent_indices(rows["review_flags"]).filter(pc.equal(flagged, PLACEHOLDER))
    return frozenset(rows["image_hash"].take(of_row).drop_null().unique().to_pylist())


def listing_columns(rows: pa.Table, placeholders: frozenset[str]) -> ListingColumns:
    """What tells duplicates, of `KEY_COLUMNS`; pictures that are missing, blank or placeholders tell nothing."""
    hashes = rows["image_hash"].to_pylist()
    told = zip(rows["perceptual_hash"].to_pylist(), hashes, rows["flags"].to_pylist(), strict=True)
    telling = [
        perceptual is not None and digest not in placeholders and NEAR_BLANK not in (flags or ())
        for perceptual, digest, flags in told
    ]
    return ListingColumns(
        titles=rows["title"].to_pylist(),
        sellers=rows["seller"].to_pylist(),
        image_hashes=hashes,
        perceptual_hashes=rows["perceptual_hash"].fill_null(0).to_numpy(),
        telling=np.array(telling, dtype=bool),
        catalog_ids=rows["feed_catalog_id"].to_pylist(),
        facts={name: rows[name].to_pylist() for name in _FACTS},
    )


def find_repeats(
    rows: pa.Table, cells: Sequence[np.ndarray | None], known: KnownListings | None = None
) -> list[Repeat]:
    """Say of each new listing which others it repeats, in the store or in its own feed.

    A listing of the feed that the store holds already, by its id, is no duplicate of itself.

    Args:
        rows: `KEY_COLUMNS` of M listings of a feed, in its order.
        cells: [M] `picture_cells` of their pictures; None where there is none.
        known: The store; None = within the feed only.
    """
    placeholders = known.placeholders if known else frozenset()
    names = product_names(*(rows[name].to_pylist() for name in ("feed_model_id", "feed_catalog_id", "title")))
    placeholders |= placeholder_pictures(rows["image_hash"].to_pylist(), names)
    index = known.index if known else DuplicateIndex.empty(_FACTS)
    look = _Look(rows, cells, known)
    found = index.find(listing_columns(rows, placeholders), confirm=look)
    num_known = len(index)
    own = np.where(found.originals >= 0, found.originals, num_known + np.arange(rows.num_rows))
    return _answers(rows, own, found.reasons, known)


@dataclass(frozen=True)
class _Look:
    """Whether the pictures of (later, earlier) rows, counted over the store first, show the same shot."""

    rows: pa.Table
    cells: Sequence[np.ndarray | None]
    known: KnownListings | None

    def __call__(self, later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
        num_known = len(self.known.index) if self.known else 0
        same = np.zeros(len(later), dtype=bool)
        for start in range(0, len(later), _LOOKED_AT):
            some = range(start, min(start + _LOOKED_AT, len(later)))
            stored = self._stored([int(earlier[at]) for at in some if earlier[at] < num_known])
            for at in some:
                row, other = int(later[at]) - num_known, int(earlier[at])
                theirs = stored.get(other) if other < num_known else self.cells[other - num_known]
                mine = self.cells[row]
                same[at] = self._named_alike(row, other, num_known) or (
                    mine is not None and theirs is not None and cells_agree(mine, theirs)
                )
        return same

    def _stored(self, rows: list[int]) -> dict[int, np.ndarray]:
        if self.known is None or not rows:
            return {}
        wanted = sorted(set(rows))
        pictures = zip(wanted, self.known.store.images(wanted), strict=True)
        return {row: picture_cells(picture) for row, picture in pictures if picture is not None}

    def _named_alike(self, row: int, other: int, num_known: int) -> bool:
        there, at = (self.known.naming, other) if self.known and other < num_known else (self.rows, other - num_known)
        for name in _NAMING:
            mine = self.rows[name][row].as_py()
            if mine is not None and mine == there[name][at].as_py():
                return True
        return False


def _answers(
    rows: pa.Table, roots: np.ndarray, reasons: Sequence[str | None], known: KnownListings | None
) -> list[Repeat]:
    """For each listing the other members of its group: those of the store by its index, then those of the feed."""
    ids = rows["product_id"].to_pylist()
    stored: dict[int, list[tuple[str, str | None]]] = {}
    if known:
        members = np.flatnonzero(np.isin(known.index.originals, roots))
        told = zip(
            np.asarray(known.index.originals[members]).tolist(),
            known.product_ids.take(members).to_pylist(),
            known.reasons.take(members).to_pylist(),
            strict=True,
        )
        for root, product_id, reason in told:
            stored.setdefault(root, []).append((product_id, reason))
    fed: dict[int, list[tuple[str, str | None]]] = {}
    for product_id, root, reason in zip(ids, roots.tolist(), reasons, strict=True):
        if product_id is not None:
            fed.setdefault(root, []).append((product_id, reason))
    return [
        _answer(own, reason, stored.get(root, []), fed.get(root, []))
        for own, reason, root in zip(ids, reasons, roots.tolist(), strict=True)
    ]


def _answer(
    own: str | None, reason: str | None, stored: list[tuple[str, str | None]], fed: list[tuple[str, str | None]]
) -> Repeat:
    others = [each for each in stored if each[0] != own]
    place = IN_STORE if others else IN_FEED
    others += [each for each in fed if each[0] != own and each not in others]
    if not others:
        return Repeat()
    original = (stored or fed)[0][0]
    if own == original or reason is None:  # the others repeat this one: why they do
        reason = next((why for _, why in others if why), reason)
    return Repeat(list(dict.fromkeys(product_id for product_id, _ in others)), reason, place)
