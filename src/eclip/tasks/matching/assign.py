"""To which catalog does a listing belong: the one whose members it most probably equals, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eclip.tasks.matching.candidates import Candidates
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.kept import KeptListings
from eclip.tasks.matching.scorers import PairScorers

MEMBERS_JUDGED = 6  # of a catalog: those that led to it, then the first ones of the store


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Where one listing belongs.

    Attributes:
        catalog: Its catalog; None where none is probable enough.
        best: The most probable catalog in any case, None where nothing was found.
        probability: That it is of `best`.
        row: Member of `best` that is most like it; -1 = none.
        reason: Of that member, why or why not.
        named: Catalogs looked at, most probable first.
    """

    catalog: str | None
    best: str | None
    probability: float
    row: int
    reason: str
    named: tuple[str, ...] = ()


NOTHING = Assignment(catalog=None, best=None, probability=0.0, row=-1, reason="nothing like it was found")


@dataclass(frozen=True, kw_only=True)
class CatalogIndex:
    """N listings of known catalogs, ready to be searched.

    Attributes:
        listings: What they say.
        candidates: How they are found.
        catalogs: [N] names of their catalogs; a listing without one stands for itself under its own name.
        members: Catalog -> rows, at most `MEMBERS_JUDGED`.
    """

    listings: KeptListings
    candidates: Candidates
    catalogs: Sequence[str]
    members: dict[str, list[int]]

    @classmethod
    def of(cls, source: PairSource, catalogs: Sequence[str]) -> CatalogIndex:
        """An index over these listings [N]."""
        members: dict[str, list[int]] = {}
        for row, name in enumerate(catalogs):
            found = members.setdefault(name, [])
            if len(found) < MEMBERS_JUDGED:
                found.append(row)
        return cls(
            listings=KeptListings.of(source),
            candidates=Candidates.of_source(source),
            catalogs=catalogs,
            members=members,
        )


def assign(
    index: CatalogIndex, listings: PairSource, scorers: PairScorers, *, own_rows: np.ndarray | None = None
) -> list[Assignment]:
    """The catalog of each listing.

    A catalog is as probable as its most probable member (the mean of the best three named the right one less often).

    Args:
        index: Where catalogs are sought.
        listings: Q listings.
        scorers: That `fit` wrote for matching.
        own_rows: [Q] where each itself stands in the index, -1 = nowhere; it is no member for itself.
    """
    near = index.candidates.near(listings, own_rows=own_rows)  # the surest first: not all of a catalog are judged
    asked: list[int] = []
    member: list[int] = []
    for query, rows in enumerate(near):
        own = -1 if own_rows is None else int(own_rows[query])
        found = _judged(index, [row for row in rows.tolist() if row >= 0], own)
        asked += [query] * len(found)
        member += found
    if not asked:
        return [NOTHING] * len(near)
    left, right = np.array(asked), np.array(member)
    used, places = np.unique(right, return_inverse=True)
    joined = listings.followed_by(index.listings.take(used))
    scores, thresholds = scorers.scores(joined, left, places + len(near))
    best = _best_of(left, [index.catalogs[row] for row in member], scores)
    shown = np.array([pair for ranked in best for _, _, pair in ranked[:1]], dtype=np.int64)
    reasons = dict(zip(shown.tolist(), scorers.judged(joined, left[shown], places[shown] + len(near))[2], strict=True))
    return [_assignment(best_of, thresholds, right, reasons) for best_of in _by_query(best, left, len(near))]


def _judged(index: CatalogIndex, near: list[int], own: int) -> list[int]:
    """Members to judge of each catalog that one of the near rows is in, the listing itself left out."""
    by_name: dict[str, dict[int, None]] = {}
    for row in near:
        by_name.setdefault(index.catalogs[row], {})[row] = None
    judged = []
    for name, found in by_name.items():
        members = dict.fromkeys([*found, *index.members[name]])
        members.pop(own, None)
        judged += list(members)[:MEMBERS_JUDGED]
    return judged


_Ranked = list[tuple[str, float, int]]  # catalog, probability, pair of its best member


def _best_of(left: np.ndarray, names: Sequence[str], scores: np.ndarray) -> list[_Ranked]:
    """Catalogs of each listing that has any, most probable first."""
    pairs: dict[int, dict[str, list[int]]] = {}
    for pair, (query, name) in enumerate(zip(left.tolist(), names, strict=True)):
        pairs.setdefault(query, {}).setdefault(name, []).append(pair)
    out = []
    for of_names in pairs.values():
        members = [(name, max(found, key=lambda pair: scores[pair])) for name, found in of_names.items()]
        ranked: _Ranked = [(name, float(scores[pair]), pair) for name, pair in members]
        out.append(sorted(ranked, key=lambda each: (-each[1], each[0])))
    return out


def _by_query(best: list[_Ranked], left: np.ndarray, num_queries: int) -> list[_Ranked]:
    """The same for every listing, in order; empty where nothing was found."""
    found = {int(left[ranked[0][2]]): ranked for ranked in best}
    return [found.get(query, []) for query in range(num_queries)]


def _assignment(ranked: _Ranked, thresholds: np.ndarray, right: np.ndarray, reasons: dict[int, str]) -> Assignment:
    if not ranked:
        return NOTHING
    name, probability, pair = ranked[0]
    return Assignment(
        catalog=name if probability >= thresholds[pair] else None,
        best=name,
        probability=probability,
        row=int(right[pair]),
        reason=reasons[pair],
        named=tuple(each[0] for each in ranked),
    )
