"""Rankings of a store's products for a query: by vectors, by words, and fused of both."""

from __future__ import annotations

from typing import Literal

import numpy as np

from eclip.search.bm25 import WordIndex, allowed_scores
from eclip.search.codes import Mask
from eclip.search.exact import Rows, best_rows, first_of_groups
from eclip.search.filtering import Selection
from eclip.search.fusion import WEIGHTS, WORDS_BONUS, reciprocal_rank_fusion
from eclip.search.query import Query
from eclip.search.spaces import Vectors
from eclip.search.vectorindex import SpaceIndexes, VectorIndex

_TIES = 2  # times as many word matches as are fused, before equal ones are put in order
_LEAST_DEPTH = 256  # of each ranking before they are fused

Ranked = list[tuple[int, float, tuple[str, ...]]]
"""Row, score, and what found it; best first, one row a product."""
Space = Literal["products", "pictures"]


class Ranker:
    """Puts the products of a store in order for queries; reading only.

    Args:
        indexes: Of the store's vectors.
        words: Of its texts.
        groups: Product of each listing [rows].
    """

    def __init__(self, indexes: SpaceIndexes, words: WordIndex, groups: Rows) -> None:
        self._indexes, self._words, self._groups = indexes, words, groups

    def ranked(self, query: Query, vector: Vectors | None, selection: Selection) -> Ranked:
        """At least as many products as the page reaches to, where there are."""
        window = query.offset + query.top_k
        if vector is None and query.words is None:
            return [(row, 0.0, ()) for row in self._in_store_order(selection.mask)]
        if vector is not None and self.picture_leads(query):
            return self._picture_with_words(query.words or "", vector, selection, _fusion_depth(window))
        rankings = {}
        depth = window if query.ranking != "hybrid" or query.words is None else _fusion_depth(window)
        if vector is not None and query.ranking != "words":
            space: Space = "products" if query.words else "pictures"
            rankings["vectors"] = self._by_vector(space, vector, selection, depth)
        if query.words is not None and query.ranking != "vectors":
            rankings["words"] = self._by_words(query.words, selection.mask, depth, vector=vector if rankings else None)
        rankings = {name: found for name, found in rankings.items() if len(found[0])}
        if len(rankings) == 1:
            ((name, (rows, scores)),) = rankings.items()
            return [(int(row), float(score), (name,)) for row, score in zip(rows, scores, strict=True)]
        return self._fused(rankings)

    def picture_leads(self, query: Query) -> bool:
        """Whether a picture ranks and words add to it: "this, but red"."""
        both = query.image and query.words and query.ranking == "hybrid"
        return bool(both and self._words.knows(query.words or ""))

    def _picture_with_words(self, words: str, picture: Vectors, selection: Selection, depth: int) -> Ranked:
        """By cosine with the picture, and a bonus for words: the nearest of all, and of those that share a word."""
        index, bm25 = self._indexes.products, self._words.scores(words)
        bm25 /= max(float(bm25.max(initial=0)), 1e-9)
        sharing = bm25 > 0 if selection.mask is None else (bm25 > 0) & selection.mask
        pools = [selection.kept("products", index.allow), index.allow(sharing)]
        pairs = [index.nearest(picture, num_rows=depth, allowed=allowed) for allowed in pools]
        rows = np.concatenate([rows for rows, _ in pairs])
        scores = np.concatenate([scores for _, scores in pairs]) + WORDS_BONUS * bm25[rows]
        order = np.lexsort((rows, -scores))
        best = order[first_of_groups(rows[order], self._groups)]
        both = ("vectors", "words")
        return [(int(rows[at]), float(scores[at]), both if bm25[rows[at]] else both[:1]) for at in best]

    def _fused(self, rankings: dict[str, tuple[Rows, Vectors]]) -> Ranked:
        """Fused by product; its row is that of the first ranking that holds it."""
        groups = self._groups
        shown: dict[int, int] = {}
        for rows, _ in rankings.values():
            for row in rows.tolist():
                shown.setdefault(int(groups[row]), row)
        items = {name: groups[rows].tolist() for name, (rows, _) in rankings.items()}
        fused = reciprocal_rank_fusion(items, WEIGHTS)
        return [(shown[group], score, found_by) for group, score, found_by in fused]

    def _by_vector(self, space: Space, vector: Vectors, selection: Selection, top_k: int) -> tuple[Rows, Vectors]:
        """The best row of each of the `top_k` nearest products, and its cosine."""
        index: VectorIndex = getattr(self._indexes, space)
        allowed = selection.kept(space, index.allow)
        num_rows = 2 * top_k
        while True:
            rows, scores = index.nearest(vector, num_rows=num_rows, allowed=allowed)
            firsts = first_of_groups(rows, self._groups)
            if len(firsts) >= top_k or len(rows) < num_rows or num_rows >= len(self._groups):
                return rows[firsts[:top_k]], np.clip(scores[firsts[:top_k]], -1, 1)
            num_rows *= 4

    def _by_words(self, text: str, mask: Mask | None, top_k: int, *, vector: Vectors | None) -> tuple[Rows, Vectors]:
        """The best row of each of the `top_k` best products; those that words can't tell apart by cosine."""
        scores = allowed_scores(self._words.scores(text), mask)
        deeper = top_k if vector is None else _TIES * top_k
        rows = np.array(best_rows(scores, self._groups, top_k=deeper), dtype=np.int64)
        if vector is not None and len(rows):
            cosines = np.nan_to_num(self._indexes.products.vectors(rows)) @ vector
            rows = rows[np.lexsort((-cosines, -np.round(scores[rows], 2)))][:top_k]
        return rows, scores[rows]

    def _in_store_order(self, mask: Mask | None) -> list[int]:
        rows = np.arange(len(self._groups)) if mask is None else np.flatnonzero(mask)
        return [int(row) for row in rows[first_of_groups(rows, self._groups)]]

    def neighbours(self, row: int, members: Rows, selection: Selection, top_k: int) -> tuple[Rows, Vectors]:
        """The products nearest to a listing's own vector, without those of `members`; none if it has no vector."""
        (vector,) = self._indexes.products.vectors(np.array([row]))
        if not np.isfinite(vector).all() or not vector.any():  # neither picture nor title was encoded
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        rows, scores = self._by_vector("products", vector, selection, top_k + 1)
        others = ~np.isin(rows, members)
        return rows[others][:top_k], scores[others][:top_k]


def _fusion_depth(window: int) -> int:
    """How deep rankings are fused: the same over many pages, so that what follows the first page fits it."""
    depth = _LEAST_DEPTH
    while depth < 2 * window:
        depth *= 8
    return depth
