"""Mates of a product: other listings of its loss group with another title, or another picture."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

ABSENT = -1


@dataclass(frozen=True, kw_only=True)
class Mates:
    """Who may stand in for whom, in one modality; a draw takes no longer in large groups.

    Attributes:
        order: [M] rows that have the modality, by group and within it by item.
        group_starts: [P] where in `order` a row's group begins.
        run_starts: [P] where in `order` the rows with a row's own item begin.
        run_lengths: [P] how many these are.
        num_others: [P] listings of the group with another item.
        num_extras: [P] further items of the row's own.
    """

    order: np.ndarray
    group_starts: np.ndarray
    run_starts: np.ndarray
    run_lengths: np.ndarray
    num_others: np.ndarray
    num_extras: np.ndarray

    @classmethod
    def of(cls, groups: np.ndarray, items: np.ndarray, num_extras: np.ndarray | None = None) -> Mates:
        """Mates of P rows.

        Args:
            groups: [P] loss groups.
            items: [P] equal numbers for equal titles (or pictures); `ABSENT` = the row has none and is nobody's mate.
            num_extras: [P] further pictures of each row; None = none.
        """
        present = np.flatnonzero(items != ABSENT)
        order = present[np.lexsort((items[present], groups[present]))]
        group_starts, group_lengths = _runs(groups[order][None])
        run_starts, run_lengths = _runs(np.stack([groups[order], items[order]]))

        def by_row(values: np.ndarray) -> np.ndarray:
            spread = np.zeros(len(groups), dtype=np.int64)
            spread[order] = values
            return spread

        extras = np.zeros(len(groups), dtype=np.int64) if num_extras is None else num_extras
        return cls(
            order=order,
            group_starts=by_row(group_starts),
            run_starts=by_row(run_starts),
            run_lengths=by_row(run_lengths),
            num_others=by_row(group_lengths - run_lengths),
            num_extras=np.where(items == ABSENT, 0, extras),
        )

    @property
    def num_choices(self) -> np.ndarray:
        """How many items each row may be drawn to, [P]."""
        return self.num_others + self.num_extras

    def draw(self, row: int, rng: np.random.Generator) -> tuple[int, int | None]:
        """A mate of a row that has any, each as likely: its row, and None or which of its own further items."""
        choice = int(rng.integers(self.num_choices[row]))
        if choice >= self.num_others[row]:
            return row, choice - int(self.num_others[row])
        place = self.group_starts[row] + choice
        if place >= self.run_starts[row]:
            place += self.run_lengths[row]
        return int(self.order[place]), None


def numbered(items: Sequence[Hashable | None]) -> np.ndarray:
    """Equal numbers for equal items, `ABSENT` for None, [P]."""
    numbers: dict[Hashable, int] = {}
    return np.array([ABSENT if item is None else numbers.setdefault(item, len(numbers)) for item in items], np.int64)


def _runs(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Start and length of the run of equal columns that each column of `keys` [k, M] belongs to, [M] each."""
    changes = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    starts = np.flatnonzero(np.concatenate([[True], changes])) if keys.shape[1] else np.zeros(0, dtype=np.int64)
    lengths = np.diff(np.append(starts, keys.shape[1]))
    return np.repeat(starts, lengths), np.repeat(lengths, lengths)
