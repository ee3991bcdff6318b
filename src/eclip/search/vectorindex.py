"""What a search asks of an index of vectors, exact or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from eclip.search.codes import Mask
from eclip.search.exact import ExactIndex, Rows
from eclip.search.spaces import Spaces, Vectors


class VectorIndex(Protocol):
    """Nearest rows by cosine."""

    def allow(self, mask: Mask | None) -> Any:
        """What `nearest` needs to find only these rows [N]; None = all. May be kept for many queries."""

    def nearest(self, query: Vectors, *, num_rows: int, allowed: Any) -> tuple[Rows, Vectors]:
        """The nearest rows and their cosines, best first."""

    def vectors(self, rows: Rows) -> Vectors:
        """Vectors [n, D] of these rows."""


@dataclass(frozen=True)
class SpaceIndexes:
    """The indexes of a store's two spaces.

    Attributes:
        products: For words, and pictures with words.
        pictures: For pictures.
        state: In a few words: exact, or how the approximate one came about.
    """

    products: VectorIndex
    pictures: VectorIndex
    state: str

    @classmethod
    def exact(cls, spaces: Spaces, state: str = "exact") -> SpaceIndexes:
        """Comparing with every row."""
        return cls(ExactIndex(spaces.products), ExactIndex(spaces.pictures), state)
