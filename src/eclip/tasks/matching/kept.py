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
    _places: np.ndarray = field(init=False, repr=False)  # [N] of each among those read; -1 = not read
    _records: list[Mapping[str, str]] = field(default_factory=list, init=False, repr=False)
    _readings: Readings = field(default_factory=lambda: read_records([], []), init=False, repr=False)
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
            places, readings, records = self._places[rows], self._readings, self._records
        return PairSource(
            titles=[self.titles[row] for row in rows.tolist()],
            image_vectors=self.image_vectors[rows],
            text_vectors=self.text_vectors[rows],
            records=[records[place] for place in places.tolist()],
            read=readings.take(places),
        )

    def _read(self, rows: np.ndarray) -> None:
        if not len(rows):
            return
        records = self.records_of(rows)
        new = read_records([self.titles[row] for row in rows.tolist()], records)
        self._places[rows] = np.arange(len(self._readings), len(self._readings) + len(rows))
        self._readings, self._records = self._readings.followed_by(new), [*self._records, *records]
