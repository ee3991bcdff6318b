"""Nearest neighbours of vectors: exact for as many as that is cheap for, by cells beyond.

Cells are those of an inverted file (Jegou, Douze, Schmid: Product quantization for nearest neighbor search, 2011,
without its codes): unit rows are parted among centres found by a few rounds of k-means on a sample, and each row is
compared with the rows of the cells nearest to it only.
"""

from __future__ import annotations

import numpy as np

from eclip.tasks.neighbours import nearest_rows

EXACT_ROWS = 100_000  # compared all with all up to here
PROBED_CELLS = 12
_ROWS_A_CELL = 512
_SAMPLE_A_CELL = 40
_ROUNDS = 6
_BLOCK = 4096


def vector_neighbours(vectors: np.ndarray, top_k: int, *, exact_rows: int = EXACT_ROWS, seed: int = 0) -> np.ndarray:
    """Rows [N, K] nearest to each of [N, D] unit rows by inner product, -1 where there are no more.

    Args:
        vectors: [N, D]; no NaN.
        top_k: K.
        exact_rows: Up to so many rows all are compared.
        seed: Of the sample and the first centres.
    """
    num_rows = len(vectors)
    if num_rows <= exact_rows:
        return nearest_rows(vectors, vectors, top_k, own_rows=np.arange(num_rows))[0]
    num_cells = max(2, num_rows // _ROWS_A_CELL)
    centres = _centres(vectors, num_cells, seed=seed)
    probed = _nearest_centres(vectors, centres, min(PROBED_CELLS, num_cells))
    by_cell, starts = _by_cell(probed[:, 0], num_cells)
    by_probe, asked_from = _by_cell(probed.reshape(-1), num_cells)
    rows = np.full((num_rows, top_k), -1, dtype=np.int64)
    scores = np.full((num_rows, top_k), -np.inf, dtype=np.float32)
    for cell in range(num_cells):
        members = by_cell[starts[cell] : starts[cell + 1]]
        asking = by_probe[asked_from[cell] : asked_from[cell + 1]] // probed.shape[1]
        if len(members) and len(asking):
            _improve(rows, scores, vectors, asking, members)
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
        own = _nearest_centres(sample, centres, 1)[:, 0]
        sums = np.zeros_like(centres)
        np.add.at(sums, own, sample)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    return centres


def _nearest_centres(vectors: np.ndarray, centres: np.ndarray, num: int) -> np.ndarray:
    """The `num` nearest centres [N, num] of each row, best first."""
    return nearest_rows(vectors, centres, num)[0]


def _improve(
    rows: np.ndarray, scores: np.ndarray, vectors: np.ndarray, asking: np.ndarray, members: np.ndarray
) -> None:
    """Let the rows that ask a cell keep the best of what they have and of its members; in place."""
    top_k = rows.shape[1]
    for start in range(0, len(asking), _BLOCK):
        own = asking[start : start + _BLOCK]
        found = vectors[own] @ vectors[members].T
        found[own[:, None] == members[None, :]] = -np.inf
        width = min(top_k, len(members))
        best = np.argpartition(-found, width - 1, axis=1)[:, :width]
        both = np.concatenate([scores[own], np.take_along_axis(found, best, axis=1)], axis=1)
        names = np.concatenate([rows[own], members[best]], axis=1)
        order = np.argsort(-both, axis=1, kind="stable")[:, :top_k]
        scores[own] = np.take_along_axis(both, order, axis=1)
        rows[own] = np.where(np.isneginf(scores[own]), -1, np.take_along_axis(names, order, axis=1))
