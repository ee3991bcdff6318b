"""To which catalog does a listing belong: the one whose members it most probably equals, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from eclip.tasks.features import search_vectors
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.scorers import PairScorers
from eclip.tasks.matching.wordweights import WordWeights, count_words
from eclip.tasks.neighbours import nearest_rows
from eclip.tasks.results import MODALITIES

NEIGHBOURS = 10  # by each of pictures, titles, both, and rare words
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
    """Listings of known catalogs, ready to be searched.

    Attributes:
        source: N listings.
        catalogs: [N] names of their catalogs; a listing without one stands for itself under its own name.
        members: Catalog -> rows, at most `MEMBERS_JUDGED`.
        words: How rare words are among these listings.
        table: [N, V] words of titles weighed by rarity, unit rows.
        barcodes: Barcode -> a row that has it.
    """

    source: PairSource
    catalogs: Sequence[str]
    members: dict[str, list[int]]
    words: WordWeights
    table: sparse.csr_matrix
    barcodes: dict[str, int]

    @classmethod
    def of(cls, source: PairSource, catalogs: Sequence[str]) -> CatalogIndex:
        """An index over these listings [N]."""
        members: dict[str, list[int]] = {}
        for row, name in enumerate(catalogs):
            found = members.setdefault(name, [])
            if len(found) < MEMBERS_JUDGED:
                found.append(row)
        readings = source.readings
        words = WordWeights(num_listings=len(readings), counts=count_words(readings), told={})
        table = _weighed(readings.tables["words"] + readings.tables["codes"], words.rarity(readings.vocabulary))
        barcodes = {code: row for row, code in enumerate(readings.barcodes) if code}
        return cls(source=source, catalogs=catalogs, members=members, words=words, table=table, barcodes=barcodes)

    def candidates(self, listings: PairSource) -> Iterator[np.ndarray]:
        """Rows [Q, K] near each listing, -1 for none: by each kind of vector, by rare words, by barcode."""
        for modality in MODALITIES:
            queries, asked = search_vectors(listings.image_vectors, listings.text_vectors, modality)
            among, there = search_vectors(self.source.image_vectors, self.source.text_vectors, modality)
            if asked.any() and there.any():
                found, _ = nearest_rows(queries, among, NEIGHBOURS)
                found[~asked] = -1
                yield np.where((found >= 0) & there[found], found, -1)
        found, alike = nearest_rows(self._words_of(listings), self.table, NEIGHBOURS)
        yield np.where(alike > 0, found, -1)
        yield np.array([[self.barcodes.get(code, -1)] for code in listings.readings.barcodes], dtype=np.int64)

    def _words_of(self, listings: PairSource) -> sparse.csr_matrix:
        """[Q, V] words of other listings in the columns of this index; words that it lacks are left out."""
        readings = listings.readings
        held = (readings.tables["words"] + readings.tables["codes"]).tocoo()
        columns = np.array([self._columns.get(word, -1) for word in readings.vocabulary], dtype=np.int64)[held.col]
        known = columns >= 0
        shape = (len(readings), self.table.shape[1])
        moved = sparse.csr_matrix((held.data[known], (held.row[known], columns[known])), shape=shape)
        return _weighed(moved, self._rarity)

    @cached_property
    def _columns(self) -> dict[str, int]:
        """Column of each word, looked up for every batch of listings."""
        return {word: column for column, word in enumerate(self.source.readings.vocabulary)}

    @cached_property
    def _rarity(self) -> np.ndarray:
        """Of each word [V]."""
        return self.words.rarity(self.source.readings.vocabulary)


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
    *others, by_barcode = index.candidates(listings)
    # The surest first, where not all of a catalog can be judged: by barcode, the nearest of each kind, their next, ...
    near = np.concatenate([by_barcode, np.stack(others, axis=2).reshape(len(by_barcode), -1)], axis=1)
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
    joined = listings.followed_by(index.source.take(used))
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


def _weighed(table: sparse.csr_matrix, rarity: np.ndarray) -> sparse.csr_matrix:
    """Each word times its rarity, unit rows."""
    from sklearn.preprocessing import normalize

    table = table.tocsr().astype(np.float32)
    table.data = np.minimum(table.data, 1) * rarity[table.indices]
    return normalize(table)
