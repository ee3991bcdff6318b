"""What travels between the process that reads a feed and those that clean it: batches, listings, counts.

A parcel is pickled, its tables as Arrow IPC (a pickled slice would drag the table along that it was cut from).
Parcels go between processes of one user, as Ray's own messages do; nothing of a stranger is unpickled.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from eclip.products.feeds import RawBatch
from eclip.products.titles.cleaner import RuleCounts


@dataclass(frozen=True)
class Cleaned:
    """What became of one batch.

    Attributes:
        listings: Table of `LISTINGS_SCHEMA`.
        counts: What the title rules did to it.
    """

    listings: pa.Table
    counts: RuleCounts


def pack_batch(batch: RawBatch) -> bytes:
    """A raw batch as a parcel."""
    return pack(batch.table, replace(batch, table=None))


def unpack_batch(parcel: bytes) -> RawBatch:
    """The raw batch of a parcel."""
    table, batch = unpack(parcel)
    return replace(batch, table=table)


def pack_cleaned(cleaned: Cleaned | Exception) -> bytes:
    """What became of a batch as a parcel; an error travels as one and is raised where it arrives."""
    if isinstance(cleaned, Cleaned):
        return pack(cleaned.listings, cleaned.counts)
    return pack(None, cleaned)


def unpack_cleaned(parcel: bytes) -> Cleaned:
    """What became of a batch.

    Raises:
        Exception: Whatever cleaning it ran into.
    """
    table, rest = unpack(parcel)
    if isinstance(rest, Exception):
        raise rest
    return Cleaned(table, rest)


def pack(table: pa.Table | None, rest: Any) -> bytes:
    """A table, if any, and what belongs to it, as a parcel."""
    if table is None:
        return pickle.dumps((None, rest))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return pickle.dumps((pickle.PickleBuffer(sink.getvalue()), rest), protocol=5)


def unpack(parcel: bytes) -> tuple[pa.Table | None, Any]:
    """What `pack` packed."""
    data, rest = pickle.loads(parcel)  # nosec B301
    return None if data is None else pa.ipc.open_stream(data).read_all(), rest
