"""Listings that many others are compared with: what each says is read when it is first asked for, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.readings import Readings, read_records

Records = Sequence[Mapping[str, str]]


@dataclass(kw_only=True)
class KeptListings:
    """N listings, some of them read.

    Attributes:
        titles: [N], None where missing.
        image_vectors: [N, D], NaN rows where missing.
        text_vectors: Likewise.
        records_of: Further fields of some rows, as text.
    """

    titles: Sequence[str | None]
    image_vectors: np.ndarray
    text_vectors: np.ndarray
    records_of: Callable[[np.ndarray], Records]
    _places: np.ndarray = field(init=False, repr=False)  # [N] when each was read, counted from 0; -1 = not yet
    _records: dict[int, Mapping[str, str]] = field(default_factory=dict, init=False, repr=False)
    _chunks: list[Readings] = field(default_factory=list, init=False, repr=False)  # in the order of reading
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        """Nothing is read yet."""
        self._places = np.full(len(self.titles), -1, dtype=np.int64)

    @classmethod
    def of(cls, source: PairSource) -> KeptListings:
        """Listings as matching reads them."""
        records = source.records or [{}] * len(source.titles)
        return cls(
            titles=source.titles,
            image_vectors=source.image_vectors,
            text_vectors=source.text_vectors,
            records_of=lambda rows: [records[row] for row in rows.tolist()],
        )

    def take(self, rows: np.ndarray) -> PairSource:
        """The listings at these positions, in this order, read."""
        with self._lock:
            self._read(np.unique(rows[self._places[rows] < 0]))
            places, chunks = self._places[rows], list(self._chunks)
        return PairSource(
            titles=[self.titles[row] for row in rows.tolist()],
            image_vectors=self.image_vectors[rows],
            text_vectors=self.text_vectors[rows],
            records=[self._records[row] for row in rows.tolist()],
            read=_gathered(chunks, places),
        )

    def _read(self, rows: np.ndarray) -> None:
        """Read rows that were not; chunks of like size are joined, so that a row is copied a few times in all."""
        if not len(rows):
            return
        records = self.records_of(rows)
        self._places[rows] = np.arange(len(rows)) + sum(map(len, self._chunks))
        self._records.update(zip(rows.tolist(), records, strict=True))
        self._chunks.append(read_records([self.titles[row] for row in rows.tolist()], records))
        while len(self._chunks) > 1 and len(self._chunks[-2]) <= 2 * len(self._chunks[-1]):
            last = self._chunks.pop()
            self._chunks[-1] = self._chunks[-1].followed_by(last)


def _gathered(chunks: Sequence[Readings], places: np.ndarray) -> Readings:
    """Listings at some places of chunks that stand one after the other."""
    found, order, start = read_records([], []), np.argsort(places, kind="stable"), 0
    ranked = places[order]
    for chunk in chunks:
        own = ranked[np.searchsorted(ranked, start) : np.searchsorted(ranked, start + len(chunk))] - start
        start += len(chunk)
        if len(own):
            part = chunk.take(own)
            found = found.followed_by(part) if len(found) else part
    back = np.empty(len(places), dtype=np.int64)
    back[order] = np.arange(len(places))
    return found.take(back)
