"""Which listings of a job say what another one says, so that no content is encoded twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import feather

from eclip.embed.parts import EncodeRows, part_file
from eclip.products.store import Store
from eclip.schema import EMBEDDING_COLUMNS, EMBEDDING_MODEL_COLUMN

CONTENT = "content_hash"
_REMEMBERED = 4_000_000  # contents of a feed; some 600 MB. Of more, later repeats are encoded again


@dataclass(frozen=True, kw_only=True)
class StorePlan:
    """What is to be encoded for some rows of a store.

    Attributes:
        rows: The rows that need vectors.
        encoded: Those of them that are encoded: the first of each content that has no vectors yet.
        known: Rows that have vectors of this model and the content of some of `rows`.
        places: [len(rows)] where each finds its vectors in those of `known` followed by those of `encoded`.
    """

    rows: Sequence[int]
    encoded: Sequence[int]
    known: Sequence[int]
    places: np.ndarray

    def vectors(self, store: Store, made: pa.Table | None, product_ids: pa.ChunkedArray) -> pa.Table:
        """`product_id` and the vectors of all `rows`.

        Args:
            store: Whose rows they are.
            made: The vectors of `encoded`, in that order; None where nothing was.
            product_ids: Of all rows of the store.
        """
        columns = list(EMBEDDING_COLUMNS)
        tables = [] if made is None else [made.select(columns)]
        if self.known:
            there = store.table(columns).take(list(self.known))
            tables.insert(0, there if made is None else there.cast(tables[0].schema))
        return pa.concat_tables(tables).take(self.places).add_column(0, "product_id", product_ids.take(list(self.rows)))


def plan_store(store: Store, model_digest: str, *, rows: Sequence[int]) -> StorePlan:
    """Which of these rows, that have no vectors of a model, must be encoded, and where the others find theirs."""
    content = store.table([CONTENT])[CONTENT].combine_chunks()
    known_rows = np.zeros(0, dtype=np.int64)
    if EMBEDDING_MODEL_COLUMN in store.column_names:
        done = pc.equal(store.table([EMBEDDING_MODEL_COLUMN])[EMBEDDING_MODEL_COLUMN], model_digest)
        known_rows = np.flatnonzero(pc.fill_null(done, fill_value=False).to_numpy())
    wanted = content.take(pa.array(rows, pa.int64()))
    at_known = pc.fill_null(pc.index_in(wanted, content.take(pa.array(known_rows)), skip_nulls=True), -1).to_numpy()
    new = np.flatnonzero(at_known < 0)
    first_of = pc.index_in(wanted.take(pa.array(new)), wanted.take(pa.array(new)), skip_nulls=True)
    own = pa.array(np.arange(len(new)), pa.int32())  # a listing without a digest is like no other
    first_of = pc.coalesce(first_of, own).to_numpy(zero_copy_only=False)
    firsts, place = np.unique(first_of, return_inverse=True)
    used, known_place = np.unique(at_known[at_known >= 0], return_inverse=True)
    places = np.empty(len(rows), dtype=np.int64)
    places[at_known >= 0] = known_place
    places[new] = len(used) + place
    given = np.asarray(rows, dtype=np.int64)
    return StorePlan(rows=rows, encoded=given[new[firsts]].tolist(), known=known_rows[used].tolist(), places=places)


@dataclass
class FeedContents:
    """The contents that a feed has shown so far, and in which part each lies.

    Attributes:
        folder: Of the parts.
        num_encoded: Rows that were encoded in this run.
    """

    folder: Path
    num_encoded: int = 0
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    _repeats: dict[int, list[tuple[int, int] | None]] = field(default_factory=dict)

    def noting(self, batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The same batches, their contents noted as they go by; those of finished parts too."""
        for part, rows in enumerate(batches):
            found: list[tuple[int, int] | None] = []
            for row, content in enumerate(_contents(rows)):
                earlier = None if content is None else self._seen.get(content)
                found.append(earlier)
                if earlier is None and content is not None and len(self._seen) < _REMEMBERED:
                    self._seen[content] = (part, row)
            self._repeats = {part: found}
            yield rows

    def encoding(self, encode: EncodeRows) -> EncodeRows:
        """The same function, which takes what is known of the batch noted last from the parts."""

        def once(rows: pa.Table) -> pa.Table:
            ((part, earlier),) = self._repeats.items()
            fresh = [row for row, known in enumerate(earlier) if known is None]
            self.num_encoded += len(fresh)
            if len(fresh) == len(earlier):
                return encode(rows)
            made = encode(rows.take(pa.array(fresh, pa.int64())))
            place = {(part, row): at for at, row in enumerate(fresh)}
            order = [place.get(known or (part, row), -1) for row, known in enumerate(earlier)]
            tables, start = [made], made.num_rows
            for other in sorted({known[0] for known in earlier if known is not None and known[0] != part}):
                taken = [row for row, known in enumerate(earlier) if known is not None and known[0] == other]
                table = feather.read_table(part_file(self.folder, other), memory_map=False)
                tables.append(table.take([earlier[row][1] for row in taken]))  # type: ignore[index]
                for row in taken:
                    order[row], start = start, start + 1
            whole = pa.concat_tables(tables).take(order)
            return whole.set_column(0, made.schema.field(0), rows["product_id"])

        return once


def _contents(rows: pa.Table) -> list[str | None]:
    return rows[CONTENT].to_pylist() if CONTENT in rows.column_names else [None] * rows.num_rows
