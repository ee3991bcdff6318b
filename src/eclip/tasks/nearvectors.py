"""Nearest neighbours of vectors: exact among as few as that is cheap for, by cells beyond.

Cells are those of an inverted file (Jegou, Douze, Schmid: Product quantization for nearest neighbor search, 2011,
without its codes): unit rows are parted among centres found by a few rounds of k-means on a sample, and each query is
compared with the rows of the cells nearest to it only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eclip.tasks.neighbours import nearest_rows

EXACT_ROWS = 16_384  # all are compared up to here; of 32,768 pictures cells found .997 of the ten nearest in a seventh
PROBED_CELLS = 12
_ROWS_A_CELL = 512
_SAMPLE_A_CELL = 40
_ROUNDS = 6
_BLOCK = 4096


@dataclass(frozen=True, kw_only=True)
class NearVectors:
    """N rows, ready to be searched.

    Attributes:
        vectors: [N, D] unit rows; no NaN.
        centres: [C, D] of the cells; None = all rows are compared.
        members: [N] rows, those of a cell together.
        starts: [C + 1] where each cell's members start.
    """

    vectors: np.ndarray
    centres: np.ndarray | None
    members: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray, *, exact_rows: int = EXACT_ROWS, seed: int = 0) -> NearVectors:
        """Those of unit rows [N, D].

        Args:
            vectors: No NaN.
            exact_rows: Up to so many rows all are compared.
            seed: Of the sample and the first centres.
        """
        if len(vectors) <= exact_rows:
            nothing = np.zeros(0, dtype=np.int64)
            return cls(vectors=vectors, centres=None, members=nothing, starts=nothing)
        centres = _centres(vectors, max(2, len(vectors) // _ROWS_A_CELL), seed=seed)
        members, starts = _by_cell(nearest_rows(vectors, centres, 1)[0][:, 0], len(centres))
        return cls(vectors=vectors, centres=centres, members=members, starts=starts)

    def near(self, queries: np.ndarray, top_k: int, *, own_rows: np.ndarray | None = None) -> np.ndarray:
        """Rows [Q, K] nearest to unit rows [Q, D] by inner product, best first; -1 where there are no more.

        Args:
            queries: No NaN.
            top_k: K.
            own_rows: [Q] row that each query is itself, never returned; -1 = none, None = none is.
        """
        rows = np.full((len(queries), top_k), -1, dtype=np.int64)
        if self.centres is None:
            found, _ = nearest_rows(queries, self.vectors, top_k, own_rows=own_rows)
            rows[:, : found.shape[1]] = found
            return rows
        own = np.full(len(queries), -1, dtype=np.int64) if own_rows is None else own_rows
        num_cells = len(self.centres)
        probed, _ = nearest_rows(queries, self.centres, min(PROBED_CELLS, num_cells))
        asking, asked_from = _by_cell(probed.reshape(-1), num_cells)
        scores = np.full((len(queries), top_k), -np.inf, dtype=np.float32)
        for cell in range(num_cells):
            members = self.members[self.starts[cell] : self.starts[cell + 1]]
            askers = asking[asked_from[cell] : asked_from[cell + 1]] // probed.shape[1]
            for start in range(0, len(askers) if len(members) else 0, _BLOCK):
                some = askers[start : start + _BLOCK]
                _improve(rows, scores, some, queries[some] @ self.vectors[members].T, members, own[some])
        return rows


def _by_cell(cells: np.ndarray, num_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of an array of cells [n], those of each cell together, and where each cell's begin [C + 1]."""
    order = np.argsort(cells, kind="stable")
    return order, np.searchsorted(cells[order], np.arange(num_cells + 1))


def _centres(vectors: np.ndarray, num_cells: int, *, seed: int) -> np.ndarray:
    """Unit centres [C, D] of spherical k-means on a sample."""
    shuffled = np.random.default_rng(seed)
    sample = vectors[np.sort(shuffled.permutation(len(vectors))[: num_cells * _SAMPLE_A_CELL])]
    centres = sample[shuffled.permutation(len(sample))[:num_cells]].copy()
    for _ in range(_ROUNDS):
        own = nearest_rows(sample, centres, 1)[0][:, 0]
        sums = np.zeros_like(centres)
        np.add.at(sums, own, sample)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    return centres


def _improve(
    rows: np.ndarray, scores: np.ndarray, some: np.ndarray, found: np.ndarray, members: np.ndarray, own: np.ndarray
) -> None:
    """Let some queries keep the best of what they have and of the members of a cell, whose scores [n, m] are given."""
    from eclip.tasks.neighbour_loops import keep_best

    found[own[:, None] == members[None, :]] = -np.inf
    top_k = rows.shape[1]
    best = np.full((len(some), top_k), -1, dtype=np.int64)
    theirs = np.full((len(some), top_k), -np.inf, dtype=np.float32)
    keep_best(found, best, theirs)
    both = np.concatenate([scores[some], theirs], axis=1)
    names = np.concatenate([rows[some], np.where(best >= 0, members[best], -1)], axis=1)
    order = np.argsort(-both, axis=1, kind="stable")[:, :top_k]
    scores[some] = np.take_along_axis(both, order, axis=1)
    rows[some] = np.take_along_axis(names, order, axis=1)
