"""A row that can't be read, and the cells that can all the same: an update must know whose row it is."""

from __future__ import annotations


class BrokenRow(str):
    """Why a row can't be read, with its cells before what broke it.

    Attributes:
        cells: Column -> text, as far as they could be told apart; good for telling whose row it is, for nothing else.
    """

    __slots__ = ("cells",)
    cells: dict[str, str | None]

    def __new__(cls, reason: str, cells: dict[str, str | None]) -> BrokenRow:
        """A reason with cells."""
        made = super().__new__(cls, reason)
        made.cells = cells
        return made
