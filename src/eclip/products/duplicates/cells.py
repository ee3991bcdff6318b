"""Rows in cells: one value (a picture hash) and one group (seller and numbers); only mates meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eclip.products.duplicates.hamming import BLOCK_PAIRS
from eclip.products.duplicates.titlewords import TitleWords

COMPARED_ROWS = 256  # the first rows of a cell; beyond them a seller's rows under one picture are not told apart


@dataclass(frozen=True)
class Cells:
    """R rows sorted by value, group and row number.

    Attributes:
        values: [V] uint64, sorted, each once.
        value_starts: [V + 1] the cells of each value.
        groups: [C] uint64 group of each cell.
        starts: [C + 1] the rows of each cell.
        rows: [R] int64 row numbers.
        ranks: [R] int64 how many earlier rows of the same cell there are, in other parts of the table as well.
    """

    values: np.ndarray
    value_starts: np.ndarray
    groups: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    ranks: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, groups: np.ndarray, rows: np.ndarray, before: Cells | None = None) -> Cells:
        """Sort rows into cells.

        Args:
            values: [R] uint64.
            groups: [R] uint64.
            rows: [R] ascending row numbers.
            before: Cells of rows that come before all of these.
        """
        order = np.lexsort((groups, values))
        values, groups, rows = values[order], groups[order], rows[order]
        new_value = np.diff(values, prepend=~values[:1]) != 0
        new_cell = new_value | (np.diff(groups, prepend=~groups[:1]) != 0)
        starts = np.append(np.flatnonzero(new_cell), len(rows))
        value_starts = np.append(np.flatnonzero(new_value[new_cell]), len(starts) - 1)
        cell = np.cumsum(new_cell) - 1
        ranks = np.arange(len(rows)) - starts[cell]
        cells = cls(values[new_value], value_starts, groups[new_cell], starts, rows, ranks)
        if before is not None:
            ranks += before._sizes(values[new_cell], groups[new_cell])[cell]
        return cells

    def _sizes(self, values: np.ndarray, groups: np.ndarray) -> np.ndarray:
        from eclip.products.duplicates.link_loops import cell_sizes

        return cell_sizes(values, groups, np.asarray(self.values), *self.arrays()[:3])

    def arrays(self) -> tuple[np.ndarray, ...]:
        """What the loops take, as plain arrays."""
        return tuple(np.asarray(a) for a in (self.value_starts, self.groups, self.starts, self.rows, self.ranks))


@dataclass(frozen=True)
class TitledCells:
    """Cells, and the titles of a run of rows that holds all of theirs; the first of them is row `base`."""

    cells: Cells
    titles: TitleWords
    base: int

    def title_arrays(self) -> tuple[np.ndarray, ...]:
        """What the loops take, as plain arrays."""
        titles = self.titles
        plain = (np.asarray(a) for a in (titles.words, titles.starts, titles.colours))
        return (*plain, np.array([self.base], dtype=np.int64))


def agreeing_rows(
    left: TitledCells, right: TitledCells, pairs: tuple[np.ndarray, np.ndarray], *, block_pairs: int = BLOCK_PAIRS
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For pairs of near values, the (later, earlier) rows of one group whose titles agree, in blocks."""
    from eclip.products.duplicates.link_loops import join_cells

    room = max(block_pairs, int(np.diff(right.cells.starts).max(initial=1)))
    later, earlier = np.empty(room, np.int64), np.empty(room, np.int64)
    cursor = np.zeros(2, dtype=np.int64)
    sides = (left.cells.arrays(), left.title_arrays(), right.cells.arrays(), right.title_arrays())
    while cursor[0] < len(pairs[0]):
        num = join_cells(*pairs, *sides, COMPARED_ROWS, cursor, later, earlier)
        yield later[:num].copy(), earlier[:num].copy()
