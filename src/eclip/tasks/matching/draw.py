"""Pairs to learn from and to be tried on: mates of one split, and strangers that look alike or are random."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eclip.tasks.catalogue import Catalogue
from eclip.tasks.features import search_vectors
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.groups import Groups
from eclip.tasks.neighbours import nearest_rows

WORD = re.compile(r"\w+")
PAIRS_PER_GROUP = 10  # so that a few large groups do not drown the others
MAX_MATES = 10_000  # positive pairs of a split
HARD_NEGATIVES = 2  # a listing with a mate: by vectors, and again by title words
RANDOM_NEGATIVES = 2  # likewise
NEIGHBOURS = 20  # looked through for hard negatives


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Pairs of rows with the truth about them."""

    left: np.ndarray  # [P]
    right: np.ndarray
    same: np.ndarray  # [P] bool


def draw_pairs(
    catalogue: Catalogue, groups: Groups, split: str, *, seed: int, others: Sequence[Catalogue] = ()
) -> Pairs:
    """Mates of a split and strangers beside them; empty where there are no mates.

    Args:
        catalogue: Products with vectors.
        groups: Who is whose mate.
        split: Whose listings.
        seed: Of the choice.
        others: The same products by the vectors of other methods: with them, a comparison tries every method on what
            each of them finds hard.
    """
    shuffled = np.random.default_rng(seed)
    rows = np.flatnonzero(catalogue.within(split) & (groups.ids >= 0))
    mates = _mates(groups.ids, rows, shuffled)
    if not len(mates):
        return Pairs(left=np.zeros(0, np.int64), right=np.zeros(0, np.int64), same=np.zeros(0, bool))
    left = [mates[:, 0]]
    right = [mates[:, 1]]
    anchors = np.unique(mates[:, 0])
    for hard in _hard_strangers([catalogue, *others], groups.ids, rows, anchors):
        left.append(hard[:, 0])
        right.append(hard[:, 1])
    asked = np.repeat(anchors, RANDOM_NEGATIVES)
    strangers = shuffled.choice(rows, len(asked))
    kept = groups.ids[asked] != groups.ids[strangers]
    left.append(asked[kept])
    right.append(strangers[kept])
    ordered = np.sort(np.stack([np.concatenate(left), np.concatenate(right)], axis=1), axis=1)
    pairs = np.unique(ordered, axis=0)
    return Pairs(left=pairs[:, 0], right=pairs[:, 1], same=groups.ids[pairs[:, 0]] == groups.ids[pairs[:, 1]])


def _mates(ids: np.ndarray, rows: np.ndarray, shuffled: np.random.Generator) -> np.ndarray:
    """Pairs [M, 2] of rows of one group: a few a group, all groups' pairs thinned to `MAX_MATES`."""
    shuffled_rows = shuffled.permutation(rows)
    ordered = shuffled_rows[np.argsort(ids[shuffled_rows], kind="stable")]
    members = np.split(ordered, np.flatnonzero(np.diff(ids[ordered])) + 1) if len(ordered) else []
    mates = []
    for member in members:
        first, second = np.triu_indices(min(len(member), PAIRS_PER_GROUP), k=1)
        chosen = shuffled.permutation(len(first))[:PAIRS_PER_GROUP]
        mates.append(np.stack([member[first[chosen]], member[second[chosen]]], axis=1))
    pairs = np.concatenate(mates) if mates else np.zeros((0, 2), dtype=np.int64)
    return shuffled.permutation(pairs)[:MAX_MATES]


def _hard_strangers(
    views: Sequence[Catalogue], ids: np.ndarray, rows: np.ndarray, anchors: np.ndarray
) -> Iterator[np.ndarray]:
    """Pairs [H, 2] of anchors and their nearest strangers: by the vectors of each view, then by words of the title."""
    words = _title_words([views[0].titles[row] or "" for row in rows])
    vectors = [search_vectors(view.image_vectors, view.text_vectors, "both")[0][rows] for view in views]
    own = np.searchsorted(rows, anchors)
    for matrix in (*vectors, words):
        found, _ = nearest_rows(matrix[own], matrix, NEIGHBOURS, own_rows=own)
        strange = (found >= 0) & (ids[rows[found]] != ids[anchors][:, None])
        strange &= np.cumsum(strange, axis=1) <= HARD_NEGATIVES
        anchor, column = np.nonzero(strange)
        yield np.stack([anchors[anchor], rows[found[anchor, column]]], axis=1)


def _title_words(titles: Sequence[str]) -> sparse.csr_matrix:
    """Unit rows [n, V] of the words of titles, each once, weighed by rarity."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(map(WORD.search, titles)):
        return sparse.csr_matrix((len(titles), 1), dtype=np.float32)
    vectorizer = TfidfVectorizer(binary=True, preprocessor=str.casefold, token_pattern=WORD.pattern, dtype=np.float32)
    return vectorizer.fit_transform(titles).tocsr()


def having(source: PairSource, pairs: Pairs, modality: str) -> Pairs:
    """The pairs whose two listings have the modality ("both": picture and title)."""
    mask = source.has[modality][pairs.left] & source.has[modality][pairs.right]
    return Pairs(left=pairs.left[mask], right=pairs.right[mask], same=pairs.same[mask])
