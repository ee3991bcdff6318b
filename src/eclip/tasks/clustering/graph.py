"""The neighbour graph: pairs of listings that may be one product, from rare title terms, vectors and picture hashes.

One seller lists a product once, so no listing has a neighbour of its own seller: all places go to other sellers'.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eclip.products.duplicates.hamming import near_pairs
from eclip.tasks.clustering.listings import Listings
from eclip.tasks.clustering.terms import TitleTerms
from eclip.tasks.features import present_rows, search_vectors
from eclip.tasks.nearvectors import NearVectors
from eclip.tasks.neighbours import neighbour_pairs

NEIGHBOURS = 30  # by title terms
VECTOR_NEIGHBOURS = 10  # by the vectors of each of picture, title and both
HASH_RADIUS = 8  # bits in which near pictures' hashes differ
MAX_SAME_PICTURE = 50  # pairs of a listing by its picture alone: a placeholder is under thousands


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Candidate pairs, each once: left < right.

    Attributes:
        left: [E] rows.
        right: [E] rows.
        ranks: [E, 2] int: place of right among left's neighbours by title terms, and the other way; `NEIGHBOURS` =
            not among them.
        similarity: [E] float32 inner product of title terms.
        best: [N] float32 the greatest of each listing.
    """

    left: np.ndarray
    right: np.ndarray
    ranks: np.ndarray
    similarity: np.ndarray
    best: np.ndarray


def neighbour_graph(listings: Listings, terms: TitleTerms, *, sellers: np.ndarray, seed: int = 0) -> Graph:
    """All candidate pairs of N listings.

    Args:
        listings: What is known of them.
        terms: Their titles.
        sellers: [N] codes of who lists a product once; -1 = not known, or the rule does not hold.
        seed: Of the approximate search among many vectors.
    """
    from eclip.tasks.term_loops import nearest_terms

    num_rows = len(listings)
    near, posts = terms.near, terms.near.tocsc()
    rows, scores = nearest_terms(
        near.indptr, near.indices, near.data, posts.indptr, posts.indices, posts.data,
        num_rows, np.arange(num_rows), sellers, sellers, NEIGHBOURS,
    )  # fmt: skip
    pairs = [_codes(*neighbour_pairs(rows), num_rows)]
    pairs += [_codes(left, right, num_rows) for left, right in _vector_pairs(listings, seed=seed)]
    pairs.append(_codes(*_picture_pairs(listings), num_rows))
    known = np.unique(np.concatenate(pairs))
    left, right = known // max(num_rows, 1), known % max(num_rows, 1)
    if num_rows:
        other_seller = (sellers[left] < 0) | (sellers[left] != sellers[right])
        left, right, known = left[other_seller], right[other_seller], known[other_seller]
    return Graph(
        left=left,
        right=right,
        ranks=_ranks(rows, known, num_rows),
        similarity=_inner_products(near, left, right),
        best=scores.max(axis=1, initial=0) if num_rows else np.zeros(0, np.float32),
    )


def _codes(left: np.ndarray, right: np.ndarray, num_rows: int) -> np.ndarray:
    return np.minimum(left, right).astype(np.int64) * num_rows + np.maximum(left, right)


def _vector_pairs(listings: Listings, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Near pairs by picture vectors, by title vectors, and by both together."""
    found = []
    image, text = present_rows(listings.image_vectors), present_rows(listings.text_vectors)
    modalities = [name for name, mask in (("image", image), ("text", text), ("both", image & text)) if mask.any()]
    for modality in modalities:
        vectors, mask = search_vectors(listings.image_vectors, listings.text_vectors, modality)
        there = np.flatnonzero(mask)
        near = NearVectors.of(vectors[there], seed=seed)
        left, right = neighbour_pairs(near.near(near.vectors, VECTOR_NEIGHBOURS, own_rows=np.arange(len(there))))
        found.append((there[left], there[right]))
    return found


def _picture_pairs(listings: Listings) -> tuple[np.ndarray, np.ndarray]:
    """Pairs whose pictures' hashes are near, of one hash at most `MAX_SAME_PICTURE` for each listing."""
    there = np.flatnonzero(listings.hashed)
    blocks = list(near_pairs(listings.hashes[there], HASH_RADIUS, mates=MAX_SAME_PICTURE))
    left = np.concatenate([np.zeros(0, np.int64), *(block.left for block in blocks)])
    right = np.concatenate([np.zeros(0, np.int64), *(block.right for block in blocks)])
    return there[left], there[right]


def _ranks(rows: np.ndarray, known: np.ndarray, num_rows: int) -> np.ndarray:
    """[E, 2] places in the neighbour table [N, K] of the pairs with these codes."""
    out = np.full((len(known), 2), NEIGHBOURS, dtype=np.int64)
    own = np.repeat(np.arange(num_rows), rows.shape[1])
    place = np.tile(np.arange(rows.shape[1]), num_rows)
    other = rows.reshape(-1)
    there = other >= 0
    own, place, other = own[there], place[there], other[there]
    edge = np.searchsorted(known, _codes(own, other, num_rows))
    fine = (edge < len(known)) & (known[np.minimum(edge, len(known) - 1)] == _codes(own, other, num_rows))
    out[edge[fine], (own > other).astype(int)[fine]] = place[fine]
    return out


def _inner_products(table: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """[E] of pairs of rows of a sparse table, some at a time."""
    parts = [
        np.asarray(table[left[at : at + 200_000]].multiply(table[right[at : at + 200_000]]).sum(axis=1)).reshape(-1)
        for at in range(0, len(left), 200_000)
    ]
    return np.concatenate([*parts, np.zeros(0)]).astype(np.float32)
