"""Two rankings as one, and a ranking made more diverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eclip.search.exact import Rows
from eclip.search.spaces import Vectors

RRF_K = 10  # how little the first places stand above the next; 60 in the paper, 10 found better (docs/search.md)
# How much each ranking counts: of 0.1 to 0.5 for vectors, the share that loses little where words say it all.
WEIGHTS = {"vectors": 0.3, "words": 0.7}
WORDS_BONUS = 0.5  # cosine that a picture's neighbour gains by matching the words best (docs/search.md)


def reciprocal_rank_fusion(
    rankings: Mapping[str, Sequence[int]], weights: Mapping[str, float]
) -> list[tuple[int, float, tuple[str, ...]]]:
    """Items of several rankings, best first, each with its score and the names of the rankings that hold it.

    Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009), divided by the score of what is first in all.
    Equal scores keep the order of the first ranking that holds one of them.

    Args:
        rankings: Name -> items, best first, no item twice.
        weights: Name -> how much it counts.
    """
    most = sum(weights[name] for name in rankings) / (RRF_K + 1)
    scores: dict[int, float] = {}
    found_by: dict[int, tuple[str, ...]] = {}
    for name, items in rankings.items():
        for rank, item in enumerate(items, 1):
            scores[item] = scores.get(item, 0.0) + weights[name] / (RRF_K + rank) / most
            found_by[item] = (*found_by.get(item, ()), name)
    order = sorted(scores, key=lambda item: -scores[item])
    return [(item, scores[item], found_by[item]) for item in order]


def diverse_order(similarity: Vectors, vectors: Vectors, *, num_wanted: int, diversity: float) -> Rows:
    """Places of candidates in the order of maximal marginal relevance.

    The next is always the one with the greatest (1 - diversity) x similarity - diversity x the greatest cosine with
    those chosen before (Carbonell and Goldstein, SIGIR 1998; diversity = 1 - lambda).

    Args:
        similarity: [n] of each candidate with what was asked for.
        vectors: [n, D] unit rows of the candidates.
        num_wanted: At most this many.
        diversity: 0 = by similarity alone, 1 = unlike each other above all; the first is the most similar one always.
    """
    chosen: list[int] = []
    left = np.ones(len(similarity), dtype=bool)
    nearest = np.zeros(len(similarity), dtype=np.float32)
    for _ in range(min(num_wanted, len(similarity))):
        gain = similarity if not chosen else (1 - diversity) * similarity - diversity * nearest
        place = int(np.argmax(np.where(left, gain, -np.inf)))
        cosines = vectors @ vectors[place]
        nearest = cosines if not chosen else np.maximum(nearest, cosines)
        left[place] = False
        chosen.append(place)
    return np.array(chosen, dtype=np.int64)
