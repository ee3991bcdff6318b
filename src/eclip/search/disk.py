"""Approximate nearest rows on disk, or in object storage: Lance's own index, for vectors beyond memory.

Rows lie in lists by their nearest centroid, with one bit a number (IVF with RaBitQ, Gao and Long, SIGMOD 2024). Those
bits give a first order; the leading rows are put in order by their whole vectors, read from where they lie. In memory
are 8 bytes a row, and the vectors of rows that came since the index was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from eclip.errors import ConfigError
from eclip.products.bucket import storage_options
from eclip.products.dataset import open_dataset, reading
from eclip.search.codes import Mask
from eclip.search.exact import Rows, cosine_scores, leading_rows
from eclip.search.follow import Moves
from eclip.search.recall import WANTED_RECALL, Truth, share_found
from eclip.search.spaces import Vectors, present_rows
from eclip.vectors import vectors_from_arrow, vectors_to_arrow

_ENTRY, _VECTOR = "entry", "vector"
_ENTRIES_A_LIST = 256  # at least: fewer would not train a centroid
_LISTS_PER_ROOT = 4  # lists = this x sqrt(rows), at most
_READ_PER_WANTED, _LEAST_READ = 4, 64  # whole vectors read for each row that is wanted
_NARROW_ROWS = 20_000  # so few are read once for all queries of a filter, and compared one by one
_MARGIN = 1.5  # times as many rows asked for as should pass a filter
_WRITTEN_AT_ONCE = 65_536


@dataclass(frozen=True)
class Allowed:
    """The rows that may be found.

    Attributes:
        mask: Rows [N]; None = all.
        share: Of all rows.
        rows: Themselves, where they are few.
        vectors: Theirs [n, D], where they are few.
    """

    mask: Mask | None
    share: float
    rows: Rows | None = None
    vectors: Vectors | None = None


class DiskIndex:
    """Rows of a Lance dataset under Lance's index; reading only, so threads may share it.

    Args:
        dataset: Opened, with an index; its entries are the rows that had a vector, in order.
        row_of_entry: [E] the row that each entry is now; -1 where it is gone.
        num_rows: Rows of the store now.
        num_probes: Lists that a query without filters looks into.
        added_rows: Rows that came since the index was made.
        added: Their vectors [A, D], NaN where missing.
    """

    def __init__(
        self,
        dataset: Any,
        row_of_entry: Rows,
        *,
        num_rows: int,
        num_probes: int,
        added_rows: Rows,
        added: Vectors,
    ) -> None:
        self._dataset, self.num_probes = dataset, num_probes
        self._row_of_entry = row_of_entry.astype(np.int32)
        self._entry_of_row = np.full(num_rows, -1, dtype=np.int32)
        kept = np.flatnonzero(row_of_entry >= 0)
        self._entry_of_row[row_of_entry[kept]] = kept
        there = present_rows(added)
        self._added_rows, self._added = added_rows[there], added[there]
        self._num_lists = _num_lists(len(row_of_entry))

    @classmethod
    def build(cls, address: str, matrix: Vectors, truth: Truth) -> DiskIndex:
        """Write rows and their index.

        Args:
            address: Where nothing is yet.
            matrix: Unit rows [N, D], NaN where missing.
            truth: Of queries such as will be asked, to choose how many lists to look into.

        Raises:
            ConfigError: Vectors have another length than a multiple of 8.
        """
        import lance

        if matrix.shape[1] % 8:
            raise ConfigError(
                f"an index on disk needs vectors of a multiple of 8 numbers, these have {matrix.shape[1]}"
            )
        present = np.flatnonzero(present_rows(matrix))
        starts = range(0, max(len(present), 1), _WRITTEN_AT_ONCE)
        for start in starts:
            entries = np.arange(start, min(start + _WRITTEN_AT_ONCE, len(present)), dtype=np.int32)
            vectors = vectors_to_arrow(matrix[present[entries]], is_float16=True)
            lance.write_dataset(
                pa.table({_ENTRY: entries, _VECTOR: vectors}),
                address,
                mode="append" if start else "create",
                storage_options=storage_options(address),
            )
        if len(present):
            open_dataset(address).create_index(
                _VECTOR, "IVF_RQ", metric="cosine", num_partitions=_num_lists(len(present))
            )
        built = cls.open(address, present_rows(matrix), num_probes=1)
        while share_found(built, truth) < WANTED_RECALL and built.num_probes < built._num_lists:
            built.num_probes = int(np.ceil(built.num_probes * 1.5))
        return built

    @classmethod
    def open(cls, address: str, present: Mask, num_probes: int) -> DiskIndex:
        """As `build` wrote it.

        Args:
            address: Of the dataset.
            present: Rows [N] that had a vector then.
            num_probes: As was chosen then.

        Raises:
            StoreError: It is missing or damaged.
        """
        dataset = open_dataset(address)
        dim = dataset.schema.field(_VECTOR).type.list_size
        nothing = np.zeros((0, dim), np.float32)
        return cls(
            dataset,
            np.flatnonzero(present),
            num_rows=len(present),
            num_probes=num_probes,
            added_rows=np.zeros(0, np.int64),
            added=nothing,
        )

    def moved(self, moves: Moves, added: Vectors) -> DiskIndex:
        """The same entries after the store has changed; what came is held in memory.

        Args:
            moves: What became of its rows.
            added: Vectors of those that came, NaN where missing.
        """
        rows = self._row_of_entry
        now = np.where(rows >= 0, moves.new_places[np.maximum(rows, 0)], -1)
        before = moves.new_places[self._added_rows]  # what had come before
        stayed = before >= 0
        return DiskIndex(
            self._dataset,
            now,
            num_rows=moves.num_rows,
            num_probes=self.num_probes,
            added_rows=np.concatenate([before[stayed], moves.added]),
            added=np.concatenate([self._added[stayed], added]),
        )

    @property
    def effort(self) -> int:
        """Lists that a query without filters looks into."""
        return self.num_probes

    @property
    def present(self) -> Mask:
        """Rows [N] that have a vector."""
        found = self._entry_of_row >= 0
        found[self._added_rows] = True
        return np.asarray(found)

    def allow(self, mask: Mask | None) -> Allowed:
        """What `nearest` needs to find only these rows [N]; None = all."""
        if mask is None:
            return Allowed(None, 1.0)
        rows = np.flatnonzero(mask & self.present)
        share = len(rows) / max(len(self._entry_of_row), 1)
        if len(rows) <= _NARROW_ROWS:
            return Allowed(mask, share, rows, self.vectors(rows))
        return Allowed(mask, share)

    def nearest(self, query: Vectors, *, num_rows: int, allowed: Allowed) -> tuple[Rows, Vectors]:
        """About the nearest rows and their cosines, best first.

        Args:
            query: Unit vector [D].
            num_rows: At most this many.
            allowed: What `allow` gave.

        Raises:
            StoreError: The index can't be read any more.
        """
        if allowed.rows is not None and allowed.vectors is not None:
            return _best(allowed.rows, allowed.vectors @ query, num_rows)
        num_read = max(_READ_PER_WANTED * num_rows, _LEAST_READ)
        entries = self._leading_entries(query, num_read, allowed)
        vectors = self._vectors_of(entries)
        passing = slice(None) if allowed.mask is None else allowed.mask[self._added_rows]
        added_rows, added = self._added_rows[passing], self._added[passing]
        rows = np.concatenate([self._row_of_entry[entries].astype(np.int64), added_rows])
        return _best(rows, np.concatenate([vectors @ query, cosine_scores(added, query)]), num_rows)

    def vectors(self, rows: Rows) -> Vectors:
        """Vectors [n, D] of these rows, in half precision; zeros where there is none."""
        found = np.zeros((len(rows), self._added.shape[1]), dtype=np.float32)
        entries = self._entry_of_row[rows]
        found[entries >= 0] = self._vectors_of(entries[entries >= 0].astype(np.int64))
        order = np.argsort(self._added_rows)
        places = np.searchsorted(self._added_rows[order], rows)
        places = order[np.minimum(places, len(order) - 1)] if len(order) else np.zeros(0, np.int64)
        if len(order):
            is_added = self._added_rows[places] == rows
            found[is_added] = self._added[places[is_added]]
        return found

    def _leading_entries(self, query: Vectors, num_wanted: int, allowed: Allowed) -> Rows:
        """Entries that may be found, in the order that the bits tell; so many, where there are."""
        share = max(allowed.share, 1e-6)
        num_entries = len(self._row_of_entry)
        # As in memory: fewer rows of interest in each list, so more lists, by the root of their share.
        num_probes = int(np.ceil(self.num_probes / np.sqrt(share)))
        num_asked = num_wanted if allowed.mask is None else int(_MARGIN * num_wanted / share) + 1
        while True:
            entries = self._search(query, min(num_asked, num_entries), min(num_probes, self._num_lists))
            rows = self._row_of_entry[entries]
            passing = rows >= 0 if allowed.mask is None else (rows >= 0) & allowed.mask[rows]
            everything = num_asked >= num_entries and num_probes >= self._num_lists
            if everything or np.count_nonzero(passing) >= min(num_wanted, num_entries):
                return np.asarray(entries[passing][:num_wanted])
            num_asked, num_probes = 4 * num_asked, 4 * num_probes

    def _search(self, query: Vectors, num_entries: int, num_probes: int) -> Rows:
        if not num_entries:
            return np.zeros(0, np.int64)
        nearest = {"column": _VECTOR, "q": query, "k": num_entries}
        probes = {"minimum_nprobes": num_probes, "maximum_nprobes": num_probes}
        with reading(self._dataset.uri):
            found = self._dataset.scanner(columns=[_ENTRY, "_distance"], nearest=nearest | probes).to_table()
        return np.asarray(found[_ENTRY].to_numpy(), dtype=np.int64)

    def _vectors_of(self, entries: Rows) -> Vectors:
        if not len(entries):
            return np.zeros((0, self._added.shape[1]), np.float32)
        order = np.argsort(entries)
        with reading(self._dataset.uri):
            table = self._dataset.take(entries[order].tolist(), columns=[_VECTOR])
        found = np.empty((len(entries), self._added.shape[1]), dtype=np.float32)
        found[order] = vectors_from_arrow(table[_VECTOR])
        return found


def _num_lists(num_entries: int) -> int:
    return max(1, min(int(_LISTS_PER_ROOT * np.sqrt(num_entries)), num_entries // _ENTRIES_A_LIST))


def _best(rows: Rows, scores: Vectors, num_rows: int) -> tuple[Rows, Vectors]:
    leading = leading_rows(scores, num_rows)[:num_rows]
    return rows[leading], scores[leading]
