"""Groups of rows that grow only where no member contradicts another: union-find that carries facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from eclip.products.catalogs.conflicts import CLASH, UNKNOWN, Trait, offers_clash

_MAX_PARTS = 32  # into which one piece of evidence may fall before the rest of its rows is left alone
_CLEAR_MAJORITY = 3  # times the next part's size: then a row that fits several goes to the largest


@dataclass
class Clusters:
    """A partition of N rows.

    Every answer depends on what rows say and on `ranks`, never on the order in which rows stand.

    Attributes:
        traits: Facts that are kept for each group.
        sellers: [N] seller codes, -1 = not known.
        asked: [N] float price, or a number that stands for the title where there is no price.
        ranks: [N] int64 place of each row in an order of their ids.
    """

    traits: Sequence[Trait]
    sellers: np.ndarray
    asked: np.ndarray
    ranks: np.ndarray
    parent: list[int] = field(init=False)
    sizes: list[int] = field(init=False)
    first_ranks: list[int] = field(init=False)
    facts: list[list[int]] = field(init=False)
    _next: list[int] = field(init=False, repr=False)
    _offers: dict[int, dict[int, set[float]]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        num_rows = len(self.ranks)
        self.parent = list(range(num_rows))
        self.sizes = [1] * num_rows
        self.first_ranks = self.ranks.tolist()
        self.facts = [trait.codes.tolist() for trait in self.traits]
        self._next = list(range(num_rows))

    def root(self, row: int) -> int:
        """The row that stands for the group of `row`."""
        parent = self.parent
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    def members(self, root: int) -> list[int]:
        """All rows of a group."""
        rows, row = [root], self._next[root]
        while row != root:
            rows.append(row)
            row = self._next[row]
        return rows

    def clash(self, left: int, right: int, checked: Sequence[int], *, offers: bool) -> str | None:
        """What keeps two groups (by their roots) apart, None if nothing does.

        Args:
            left: Root.
            right: Root.
            checked: Positions in `traits` that count against this kind of evidence.
            offers: Whether one seller's different prices count too.
        """
        for index in checked:
            fact = self.facts[index]
            if self.traits[index].merge(fact[left], fact[right]) == CLASH:
                return self.traits[index].name
        if offers and offers_clash(self._offers_of(left), self._offers_of(right)):
            return "prices of one seller"
        return None

    def unite(self, left: int, right: int) -> int:
        """Make two groups one, by their roots; facts that contradict each other are kept as such."""
        if left == right:
            return left
        if (self.sizes[left], -self.first_ranks[left]) < (self.sizes[right], -self.first_ranks[right]):
            left, right = right, left
        self.parent[right] = left
        self.sizes[left] += self.sizes[right]
        self.first_ranks[left] = min(self.first_ranks[left], self.first_ranks[right])
        for trait, fact in zip(self.traits, self.facts, strict=True):
            merged = trait.merge(fact[left], fact[right])
            fact[left] = trait.union(fact[left], fact[right]) if merged == CLASH else merged
        self._next[left], self._next[right] = self._next[right], self._next[left]
        self._merge_offers(left, right)
        return left

    def _merge_offers(self, left: int, right: int) -> None:
        """What the smaller group asks joins what the larger asks: gathering it anew would cost the square of sizes."""
        mine, theirs = self._offers.pop(left, None), self._offers.pop(right, None)
        if mine is not None and theirs is not None:
            for seller, asked in theirs.items():
                mine.setdefault(seller, set()).update(asked)
            self._offers[left] = mine

    def unite_singles(self, rows: Sequence[int]) -> None:
        """Make one group of rows that are each alone so far, whatever contradicts it."""
        root = min(rows[:2], key=self.first_ranks.__getitem__)  # as uniting one after the other would choose
        for trait, fact in zip(self.traits, self.facts, strict=True):
            fact[root] = trait.union_of(fact[row] for row in rows)
        self.first_ranks[root] = min(self.first_ranks[row] for row in rows)
        self.sizes[root] = len(rows)
        for row, after in zip(rows, [*rows[1:], rows[0]], strict=True):
            self.parent[row], self._next[row] = root, after

    def roots(self) -> np.ndarray:
        """[N] the row that stands for the group of each row."""
        parents = np.array(self.parent, dtype=np.int64)
        while (above := parents[parents]).tobytes() != parents.tobytes():
            parents = above
        return parents

    def known_facts(self, root: int) -> int:
        """How much is known of a group."""
        return sum(fact[root] != UNKNOWN for fact in self.facts)

    def unite_fitting(self, roots: Iterable[int], checked: Sequence[int], *, offers: bool) -> list[Clash]:
        """Unite these groups as far as nothing keeps them apart; what was cut comes back.

        Groups of which most is known come first. One that fits several parts which contradict each other
        joins the largest if that is three times the next one's size. Else it is left over; and what is left
        over becomes a part of its own if that is three times all others: two offers that disagree on an
        amount ("net 350 l", "375 l") must not part the many that do not speak of it.
        """
        parts, undecided, cuts = self._fit(roots, checked, offers=offers)
        if self._total(undecided) >= _CLEAR_MAJORITY * self._total(parts):
            cuts += self._fit(undecided, checked, offers=offers)[2]
        return cuts

    def _total(self, roots: Iterable[int]) -> int:
        return sum(self.sizes[root] for root in roots)

    def _fit(
        self, roots: Iterable[int], checked: Sequence[int], *, offers: bool
    ) -> tuple[list[int], list[int], list[Clash]]:
        """Parts that contradict each other, groups that fit several of them, and what was cut."""
        ordered = sorted(roots, key=lambda root: (-self.known_facts(root), self.first_ranks[root]))
        parts: list[int] = []
        undecided: list[int] = []
        cuts: list[Clash] = []
        for root in ordered:
            clashes = [self.clash(part, root, checked, offers=offers) for part in parts]
            fitting = [part for part, clash in zip(parts, clashes, strict=True) if clash is None]
            chosen = self._largest(fitting)
            if chosen is not None:
                parts[parts.index(chosen)] = self.unite(chosen, root)
            elif fitting:
                undecided.append(root)
            elif len(parts) < _MAX_PARTS:
                if parts:
                    cuts.append(Clash(parts[0], root, clashes[0] or ""))
                parts.append(root)
        return parts, undecided, cuts

    def _largest(self, parts: list[int]) -> int | None:
        if len(parts) < 2:
            return parts[0] if parts else None
        first, second = sorted(parts, key=lambda part: (-self.sizes[part], self.first_ranks[part]))[:2]
        return first if self.sizes[first] >= _CLEAR_MAJORITY * self.sizes[second] else None

    def _offers_of(self, root: int) -> dict[int, set[float]]:
        known = self._offers.get(root)
        if known is None:
            known = {}
            for row in self.members(root):
                seller = int(self.sellers[row])
                if seller >= 0:
                    known.setdefault(seller, set()).add(float(self.asked[row]))
            self._offers[root] = known
        return known


@dataclass(frozen=True)
class Clash:
    """Two rows that stay apart although evidence links them, and the trait that keeps them so."""

    left: int
    right: int
    trait: str
