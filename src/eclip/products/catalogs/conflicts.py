"""What can't be so of one item: two barcodes, colours, sizes, model numbers, amounts, or prices of one seller.

Each kind of fact is a `Trait`: a set of values for each row, or nothing known. Groups of rows carry one set
for each trait, so that a link is checked against all members at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

UNKNOWN = -1
CLASH = -2  # these can't be of one item
MIXED = -3  # a given catalog that contradicts itself: proves nothing any more

Values = frozenset[str]


def common(left: Values, right: Values) -> Values | None:
    """All members share a value: {black, white} and {black} are {black}; None = they clash."""
    return left & right or None


def within(left: Values, right: Values) -> Values | None:
    """One holds the other: a given catalog may hold two barcodes, an inferred one never comes to."""
    if left <= right:
        return right
    return left if right <= left else None


def written_longer(left: Values, right: Values) -> Values | None:
    """One model number is a part of the other ("xm4" of "wh1000xm4"): the longer one stays."""
    for short in left:
        for long in right:
            if short in long:
                return right
            if long in short:
                return left
    return None


@dataclass(kw_only=True)
class Trait:
    """One kind of fact over N rows.

    Attributes:
        name: As a conflict is told: "colours".
        codes: [N] int64 position in `sets`; UNKNOWN where nothing is known.
        sets: The different sets of values.
        rule: What two sets come to, None = they clash.
    """

    name: str
    codes: np.ndarray
    sets: list[Values]
    rule: Callable[[Values, Values], Values | None]
    _code_of: dict[Values, int] = field(default_factory=dict, repr=False)
    _merged: dict[tuple[int, int], int] = field(default_factory=dict, repr=False)

    def merge(self, left: int, right: int) -> int:
        """The code that groups with these two codes have together; CLASH if they can't be one item."""
        if left == right or right == UNKNOWN:
            return left
        if left == UNKNOWN:
            return right
        if left == MIXED or right == MIXED:
            return MIXED
        key = (left, right) if left < right else (right, left)
        known = self._merged.get(key)
        if known is None:
            known = self._merged[key] = self._merge_sets(*key)
        return known

    def _merge_sets(self, left: int, right: int) -> int:
        merged = self.rule(self.sets[left], self.sets[right])
        return CLASH if merged is None else self._code(merged)

    def union(self, left: int, right: int) -> int:
        """What a given catalog has that holds both: all values where sets may grow, else MIXED."""
        if self.rule is within:
            return self._code(self.sets[left] | self.sets[right])
        return MIXED

    def union_of(self, codes: Iterable[int]) -> int:
        """What a given catalog has that holds all of these, in their order."""
        known = [code for code in dict.fromkeys(codes) if code != UNKNOWN]
        if self.rule is within and len(known) > 1:  # at once: growing sets would cost the square of their size
            return self._code(frozenset().union(*(self.sets[code] for code in known)))
        out = UNKNOWN
        for code in known:
            merged = self.merge(out, code)
            out = self.union(out, code) if merged == CLASH else merged
        return out

    def is_mixed(self, code: int) -> bool:
        """Whether a code stands for more values than one item has: barcodes may gather in a given catalog."""
        return self.rule is within and len(self.sets[code]) > 1

    def _code(self, values: Values) -> int:
        if not self._code_of:
            self._code_of.update((known, code) for code, known in enumerate(self.sets))
        code = self._code_of.get(values)
        if code is None:
            code = self._code_of[values] = len(self.sets)
            self.sets.append(values)
        return code


def trait_of_values(
    name: str, values: Sequence[str | None], rule: Callable[[Values, Values], Values | None] = common
) -> Trait:
    """A trait of at most one value a row."""
    code_of: dict[str, int] = {}
    codes = np.fromiter(
        (UNKNOWN if value is None else code_of.setdefault(value, len(code_of)) for value in values),
        dtype=np.int64,
        count=len(values),
    )
    return Trait(name=name, codes=codes, sets=[frozenset([value]) for value in code_of], rule=rule)


def trait_of_pairs(name: str, num_rows: int, pairs: Iterable[tuple[int, str]]) -> Trait:
    """A trait of several values a row, from (row, value) pairs in any order."""
    of_row: dict[int, set[str]] = {}
    for row, value in pairs:
        of_row.setdefault(row, set()).add(value)
    codes = np.full(num_rows, UNKNOWN, dtype=np.int64)
    code_of: dict[Values, int] = {}
    for row, values in of_row.items():
        codes[row] = code_of.setdefault(frozenset(values), len(code_of))
    return Trait(name=name, codes=codes, sets=list(code_of), rule=common)


def offers_clash(left: dict[int, set[float]], right: dict[int, set[float]]) -> bool:
    """Whether one seller offers both at different prices: to that seller they are two items.

    Args:
        left: Seller code -> what it asks (a price; where there is none, a number that stands for the title).
        right: Likewise.
    """
    if len(left) > len(right):
        left, right = right, left
    return any(seller in right and not prices & right[seller] for seller, prices in left.items())
