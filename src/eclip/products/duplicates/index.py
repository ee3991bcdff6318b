"""Is this listing new? Answered against a store's listings without reading the store again.

The index holds every listing of the store as numbers (`keys`), its original, and the tables that lead to near
ones. It lies beside the store in one file, is mapped into memory, and only the pages that a question touches
are read. Finding in batches, each added before the next is asked, gives what finding at once gives: the
functions are the same, and an answer never depends on later rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from eclip.errors import StoreError
from eclip.products.duplicates.arrayfile import read_arrays, write_arrays
from eclip.products.duplicates.cells import Cells, TitledCells, agreeing_rows
from eclip.products.duplicates.hamming import Bands, HammingTable
from eclip.products.duplicates.keys import ListingColumns, ListingKeys
from eclip.products.duplicates.linking import link_rows
from eclip.products.duplicates.near import NEAR_RADIUS, Confirm, Duplicates
from eclip.products.duplicates.titlewords import TitleWords

INDEX_VERSION = 1  # of the arrays: raise it with any change of what they say (a test notices)


@dataclass(frozen=True)
class Lookup:
    """A number for each key: `numbers[i]` for `keys[i]`, keys ascending."""

    keys: np.ndarray
    numbers: np.ndarray

    @classmethod
    def first(cls, keys: np.ndarray, numbers: np.ndarray) -> Lookup:
        """The number that stands first for each key."""
        unique, places = np.unique(keys, return_index=True)
        return cls(unique, numbers[places])

    def __call__(self, keys: np.ndarray) -> np.ndarray:
        """The numbers of these keys; -1 where a key is not known."""
        if not len(self.keys):
            return np.full(len(keys), -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, self.numbers[places], -1)


@dataclass(frozen=True)
class DuplicateIndex:
    """Listings of a store, ready to be compared with new ones.

    Attributes:
        fact_names: Which facts were given beside the catalog, in their order.
        keys: The listings as numbers.
        originals: [N] row of the original of each; its own row for an original.
        claims: [F, N] facts that each original and its duplicates gave.
        contents: First original of each content.
        slots: First original of each content and catalog.
        pictures: First listings of each content by perceptual hash.
        words: The same by their words, where there is no picture.
        table: Bands of the different perceptual hashes.
    """

    fact_names: tuple[str, ...]
    keys: ListingKeys
    originals: np.ndarray
    claims: np.ndarray
    contents: Lookup
    slots: Lookup
    pictures: Cells
    words: Cells
    table: HammingTable

    @classmethod
    def empty(cls, fact_names: Sequence[str] = (), *, radius: int = NEAR_RADIUS) -> DuplicateIndex:
        """An index of no listings, for facts of these names."""
        none = ListingColumns(
            titles=[],
            sellers=[],
            image_hashes=[],
            perceptual_hashes=np.zeros(0, np.uint64),
            telling=np.zeros(0, bool),
            catalog_ids=[],
            facts={name: [] for name in fact_names},
        )
        keys = ListingKeys.of(none)
        return cls._of(tuple(fact_names), keys, np.zeros(0, np.int64), keys.facts, radius)

    @classmethod
    def build(cls, listings: ListingColumns, *, radius: int = NEAR_RADIUS) -> DuplicateIndex:
        """An index of these listings."""
        return cls.empty(tuple(listings.facts), radius=radius).extended(listings)

    @classmethod
    def linked(cls, listings: ListingColumns, originals: np.ndarray, *, radius: int = NEAR_RADIUS) -> DuplicateIndex:
        """An index of listings whose originals are known already: nothing is compared.

        Args:
            listings: Their columns.
            originals: [N] row of the original of each; its own row for an original. No original repeats another.
            radius: As `find_near_duplicates`.
        """
        keys = ListingKeys.of(listings)
        claims = keys.facts.copy()
        repeats = np.flatnonzero(originals != np.arange(len(keys)))[::-1]  # backwards: the first that gives a fact wins
        for fact, given in zip(claims, keys.facts, strict=True):
            telling = repeats[given[repeats] != 0]
            first = np.zeros(len(keys), dtype=np.uint64)
            first[originals[telling]] = given[telling]
            fact[:] = np.where(fact == 0, first, fact)
        return cls._of(tuple(listings.facts), keys, originals, claims, radius)

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, listings: ListingColumns, *, confirm: Confirm | None = None) -> Duplicates:
        """Which of these new listings repeat one of the index, or an earlier one of their own.

        Rows of the originals are counted over the index first, then the new listings. A listing that is in the
        index already repeats itself: compare ids where that may be. `confirm`: see `near.find_near_duplicates`;
        its rows are counted likewise.

        Raises:
            StoreError: The listings come with other facts than those of the index.
        """
        keys = self._keys_of(listings)
        return link_rows(self, keys, *self._edges(keys, confirm))[0]

    def extended(self, listings: ListingColumns, *, confirm: Confirm | None = None) -> DuplicateIndex:
        """This index with the listings behind its own.

        Raises:
            StoreError: As `find`.
        """
        return self.added(listings, confirm=confirm)[1]

    def added(self, listings: ListingColumns, *, confirm: Confirm | None = None) -> tuple[Duplicates, DuplicateIndex]:
        """What `find` says of the listings, and the index with them behind its own.

        Raises:
            StoreError: As `find`.
        """
        keys = self._keys_of(listings)
        found, rows, changed = link_rows(self, keys, *self._edges(keys, confirm))
        claims = np.concatenate([self.claims, keys.facts], axis=1)
        claims[:, rows] = changed
        own = np.where(found.originals >= 0, found.originals, len(self) + np.arange(len(keys)))
        originals = np.concatenate([self.originals, own])
        both = ListingKeys.joined(self.keys, keys)
        return found, DuplicateIndex._of(self.fact_names, both, originals, claims, self.table.bands.radius)

    def save(self, path: Path) -> None:
        """Write the index to a file; an earlier one is replaced once this is whole.

        Raises:
            DiskError: The disk is full, or the place can't be written.
        """
        arrays: dict[str, np.ndarray] = {"originals": self.originals, "claims": self.claims}
        for name in ("keys", "contents", "slots", "pictures", "words"):
            part = getattr(self, name)
            arrays |= {f"{name}.{f.name}": getattr(part, f.name) for f in fields(part) if f.name != "titles"}
        titles = self.keys.titles
        arrays |= {f"titles.{f.name}": getattr(titles, f.name) for f in fields(titles)}
        for name in ("words", "positions", "starts"):
            arrays |= {f"table.{name}.{k}": a for k, a in enumerate(getattr(self.table, name))}
        bands = {
            "radius": self.table.bands.radius,
            "widths": self.table.bands.widths,
            "limits": self.table.bands.limits,
        }
        facts = {"index": INDEX_VERSION, "fact_names": self.fact_names, "bands": bands}
        write_arrays(path, arrays, facts)

    @classmethod
    def open(cls, path: Path) -> DuplicateIndex:
        """Map an index into memory.

        Raises:
            StoreError: No such file, not an index, cut off, or of another version.
        """
        arrays, facts = read_arrays(path)
        if facts.get("index") != INDEX_VERSION:
            raise StoreError(
                f"{path}: duplicate index of version {facts.get('index')}, this eclip reads {INDEX_VERSION}; "
                "run `eclip prepare` again"
            )

        def part(name: str) -> dict[str, np.ndarray]:
            return {key.partition(".")[2]: a for key, a in arrays.items() if key.startswith(f"{name}.")}

        bands = facts["bands"]
        parting = Bands(bands["radius"], tuple(bands["widths"]), tuple(bands["limits"]))
        table = [
            tuple(arrays[f"table.{name}.{k}"] for k in range(len(parting.widths)))
            for name in ("words", "positions", "starts")
        ]
        return cls(
            tuple(facts["fact_names"]),
            ListingKeys(**part("keys"), titles=TitleWords(**part("titles"))),
            arrays["originals"],
            arrays["claims"],
            Lookup(**part("contents")),
            Lookup(**part("slots")),
            Cells(**part("pictures")),
            Cells(**part("words")),
            HammingTable(parting, *table),
        )

    @classmethod
    def _of(
        cls, fact_names: tuple[str, ...], keys: ListingKeys, originals: np.ndarray, claims: np.ndarray, radius: int
    ) -> DuplicateIndex:
        contents, slots = Lookup.first(keys.contents, originals), Lookup.first(keys.slots, originals)
        first = np.zeros(len(keys), dtype=bool)
        first[np.unique(keys.contents, return_index=True)[1]] = True
        pictures, words = _cells(keys, first, 0)
        table = HammingTable.build(pictures.values, radius)
        return cls(fact_names, keys, originals, claims, contents, slots, pictures, words, table)

    def _keys_of(self, listings: ListingColumns) -> ListingKeys:
        if tuple(listings.facts) != self.fact_names:
            raise StoreError(
                f"the duplicate index compares {', '.join(self.fact_names) or 'no facts'}; got listings with "
                f"{', '.join(listings.facts) or 'none'}: run `eclip prepare` again"
            )
        return ListingKeys.of(listings)

    def _edges(self, keys: ListingKeys, confirm: Confirm | None) -> tuple[np.ndarray, np.ndarray]:
        """Near listings of new ones as (later, earlier) rows, counted over the index first."""
        first = np.zeros(len(keys), dtype=bool)
        first[np.unique(keys.contents, return_index=True)[1]] = True
        first &= self.contents(keys.contents) < 0
        pictures, words = _cells(keys, first, len(self), (self.pictures, self.words))
        blocks = []
        for later, earlier in self._near_pictures(keys, pictures):
            sure = slice(None) if confirm is None or not len(later) else confirm(later, earlier)
            blocks.append((later[sure], earlier[sure]))
        mine, theirs = TitledCells(words, keys.titles, len(self)), TitledCells(self.words, self.keys.titles, 0)
        same = np.arange(len(words.values))
        place = Lookup(self.words.values, np.arange(len(self.words.values)))(words.values)
        known = np.flatnonzero(place >= 0)
        blocks += agreeing_rows(mine, mine, (same, same))
        blocks += agreeing_rows(mine, theirs, (known, place[known]))
        none = np.zeros(0, dtype=np.int64)
        return (
            np.concatenate([none, *(block[0] for block in blocks)]),
            np.concatenate([none, *(block[1] for block in blocks)]),
        )

    def _near_pictures(self, keys: ListingKeys, new: Cells) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(later, earlier) rows of near hashes and agreeing titles, in blocks; some pairs twice."""
        mine, theirs = TitledCells(new, keys.titles, len(self)), TitledCells(self.pictures, self.keys.titles, 0)
        same = np.arange(len(new.values))
        yield from agreeing_rows(mine, mine, (same, same))
        for pairs in HammingTable.build(new.values, self.table.bands.radius).pairs():
            yield from agreeing_rows(mine, mine, (pairs.left, pairs.right))
        for pairs in self.table.neighbours(new.values):
            yield from agreeing_rows(mine, theirs, (pairs.left, pairs.right))


def _cells(
    keys: ListingKeys, first: np.ndarray, base: int, before: tuple[Cells, Cells] | tuple[None, None] = (None, None)
) -> tuple[Cells, Cells]:
    """Rows that can have near ones, by perceptual hash and by words; row numbers count from `base`."""
    worded = first & (keys.titles.bag != 0) & keys.sold
    sides = ((worded & keys.pictured, keys.pictures), (worded & keys.plain, keys.titles.bag))
    one, two = (
        Cells.of(values[rows], keys.groups[rows], base + np.flatnonzero(rows), old)
        for (rows, values), old in zip(sides, before, strict=True)
    )
    return one, two
