"""What became of the rows of an index while its store went on: some are gone, some new, others stand elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eclip.search.exact import Rows

Keys = npt.NDArray[np.uint64]

MAX_CHANGED = 0.3  # of the rows, since the lists were made; beyond, they are made anew


@dataclass(frozen=True)
class Moves:
    """What became of the rows of an index.

    Attributes:
        new_places: [N before] the row that each is now; -1 where it is gone.
        added: Rows that came.
        num_rows: Rows now.
    """

    new_places: Rows
    added: Rows
    num_rows: int

    @property
    def nothing(self) -> bool:
        """Whether every row is where it was."""
        return not len(self.added) and np.array_equal(self.new_places, np.arange(self.num_rows))

    @property
    def num_changed(self) -> int:
        """Rows gone and rows that came."""
        return int(np.count_nonzero(self.new_places < 0)) + len(self.added)


def row_keys(product_ids: Sequence[str], content: Sequence[str | None]) -> Keys:
    """[N] 64 bits of each listing's id and of what a model sees of it: as long as they stay, so do its vectors."""
    digests = (
        hashlib.blake2b(f"{len(product_id)}:{product_id}{seen}".encode(), digest_size=8).digest()
        for product_id, seen in zip(product_ids, content, strict=True)
    )
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def moves(before: Keys, now: Keys) -> Moves:
    """What became of rows with these keys."""
    order = np.argsort(now, kind="stable")
    places = np.searchsorted(now[order], before)
    places[places == len(now)] = 0
    found = order[places] if len(now) else np.zeros(len(before), np.int64)
    is_there = now[found] == before if len(now) else np.zeros(len(before), dtype=bool)
    kept = np.zeros(len(now), dtype=bool)
    kept[found[is_there]] = True
    return Moves(np.where(is_there, found, -1).astype(np.int64), np.flatnonzero(~kept), len(now))
