"""What is known of each edge of the neighbour graph, in numbers.

Beside how alike the two listings are stands how they compare with others: how near the nearest others of both are,
and above all the rival: one seller lists a product once, so of all its listings only the one most alike can be the
mate of another seller's listing.
"""

from __future__ import annotations

import numpy as np

from eclip.tasks.clustering.graph import Graph
from eclip.tasks.clustering.listings import Listings
from eclip.tasks.clustering.terms import TitleTerms
from eclip.tasks.features import present_rows

_AT_ONCE = 200_000
RIVALS = ("lead over the seller's next, less", "lead over the seller's next, more")


def edge_features(listings: Listings, terms: TitleTerms, graph: Graph, sellers: np.ndarray) -> dict[str, np.ndarray]:
    """Named columns [E] float32, NaN where nothing is known; all symmetric.

    Args:
        listings: N listings.
        terms: Their titles.
        graph: The edges.
        sellers: [N] codes of who lists a product once; -1 = not known.
    """
    from eclip.tasks.clustering.edge_loops import WORD_FEATURES, compare_codes, compare_words

    left, right = graph.left, graph.right
    words = terms.words
    told = compare_words(words.indptr, words.indices, words.data, terms.alone, terms.kinds, left, right)
    out = dict(zip(WORD_FEATURES, told.T, strict=True))
    out["codes alike"] = compare_codes(terms.codes, terms.code_starts, terms.title_codes, left, right)
    out["terms"] = graph.similarity
    out["rank, less"], out["rank, more"] = graph.ranks.min(axis=1), graph.ranks.max(axis=1)
    shares = [graph.similarity / np.maximum(graph.best[rows], 1e-9) for rows in (left, right)]
    out["share of the best, less"], out["share of the best, more"] = np.minimum(*shares), np.maximum(*shares)
    out |= dict(zip(RIVALS, leads(graph.similarity, left, right, sellers), strict=True))
    out["picture bits"] = np.where(
        listings.hashed[left] & listings.hashed[right],
        np.bitwise_count(listings.hashes[left] ^ listings.hashes[right]).astype(np.float32),
        np.nan,
    )
    out["pictures"] = _cosines(listings.image_vectors, left, right)
    out["titles"] = _cosines(listings.text_vectors, left, right)
    return {name: np.asarray(values, dtype=np.float32) for name, values in out.items()}


def leads(scores: np.ndarray, left: np.ndarray, right: np.ndarray, sellers: np.ndarray) -> tuple[np.ndarray, ...]:
    """How far each edge is ahead of the best other listing of the same seller with the same counterpart.

    Args:
        scores: [E] not below 0.
        left: [E] rows.
        right: [E] rows.
        sellers: [N] codes; a row whose seller is not known has no rival.

    Returns:
        The smaller and the larger [E] of the leads of both ends; where there is no rival, the score itself.
    """
    if not len(left):
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    own, other = np.concatenate([left, right]), np.concatenate([right, left])
    both = np.concatenate([scores, scores])
    seller = np.where(sellers[own] < 0, sellers.max(initial=0) + 1 + own, sellers[own])
    _, group = np.unique(other.astype(np.int64) * (int(seller.max()) + 1) + seller, return_inverse=True)
    order = np.lexsort((-both, group))
    first = np.concatenate([[True], np.diff(group[order]) > 0])
    second = np.concatenate([[False], first[:-1]]) & ~first
    best, next_best = np.zeros(group.max() + 1), np.zeros(group.max() + 1)
    best[group[order][first]] = both[order][first]
    next_best[group[order][second]] = both[order][second]
    is_first = np.zeros(len(both), dtype=bool)
    is_first[order[first]] = True
    lead = both - np.where(is_first, next_best[group], best[group])
    ends = lead[: len(left)], lead[len(left) :]
    return np.minimum(*ends), np.maximum(*ends)


def _cosines(vectors: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """[E] of unit rows, NaN where one is missing."""
    out = np.full(len(left), np.nan, dtype=np.float32)
    there = present_rows(vectors)
    asked = np.flatnonzero(there[left] & there[right])
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        out[some] = np.einsum("ed,ed->e", vectors[left[some]], vectors[right[some]])
    return out
