"""Which listings a listing may be the same product as: near by vectors, by rare words, or of its barcode.

One way for `eclip match` and `eclip enrich`, in a store and within a feed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from eclip.products.catalogs.identifiers import normal_gtin
from eclip.tasks.features import search_vectors
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.readings import Readings
from eclip.tasks.matching.wording import codes_of, normal_text, words_of
from eclip.tasks.nearvectors import NearVectors
from eclip.tasks.results import MODALITIES

NEIGHBOURS = 10  # by each of pictures, titles, both, and rare words
MAX_LISTINGS = 2_000  # a word that more have finds nothing: it tells little apart, and costs the most


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """N listings, ready to be searched.

    Attributes:
        image_vectors: [N, D] unit rows, NaN where missing.
        text_vectors: Likewise.
        words: Of their titles and model numbers.
        barcodes: Barcode -> the first rows that have it, two at most: a listing does not find itself.
    """

    image_vectors: np.ndarray
    text_vectors: np.ndarray
    words: RareWords
    barcodes: dict[str, tuple[int, ...]]
    _search: dict[str, tuple[np.ndarray, NearVectors]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(
        cls,
        *,
        titles: Sequence[str | None],
        model_numbers: Sequence[str | None],
        gtins: Sequence[str | None],
        image_vectors: np.ndarray,
        text_vectors: np.ndarray,
    ) -> Candidates:
        """Those of N listings; none of the columns but the titles is needed, None where missing."""
        barcodes: dict[str, tuple[int, ...]] = {}
        for row, code in enumerate(None if each is None else normal_gtin(each) for each in gtins):
            if code and len(barcodes.get(code, ())) < 2:
                barcodes[code] = (*barcodes.get(code, ()), row)
        return cls(
            image_vectors=image_vectors,
            text_vectors=text_vectors,
            words=RareWords.of([" ".join(filter(None, each)) for each in zip(titles, model_numbers, strict=True)]),
            barcodes=barcodes,
        )

    @classmethod
    def of_source(cls, source: PairSource) -> Candidates:
        """Those of listings as matching reads them."""
        records = source.records or [{}] * len(source.titles)
        return cls.of(
            titles=source.titles,
            model_numbers=[record.get("model_number") for record in records],
            gtins=[record.get("gtin") for record in records],
            image_vectors=source.image_vectors,
            text_vectors=source.text_vectors,
        )

    def near(self, listings: PairSource, *, own_rows: np.ndarray | None = None) -> np.ndarray:
        """Rows [Q, K] to compare each listing with; a row may stand there several times, -1 = none.

        The surest come first: by barcode, then the nearest of each kind, their next, and so on.

        Args:
            listings: Q listings.
            own_rows: [Q] where each itself stands, -1 = nowhere; it does not find itself.
        """
        own = np.full(len(listings.titles), -1, dtype=np.int64) if own_rows is None else own_rows
        kinds = [self._near_vectors(listings, modality, own) for modality in MODALITIES]
        kinds.append(self.words.near(listings.readings, NEIGHBOURS, own_rows=own))
        by_barcode = [
            next((row for row in self.barcodes.get(code, ()) if row != itself), -1)
            for code, itself in zip(listings.readings.barcodes, own.tolist(), strict=True)
        ]
        first = np.array(by_barcode, dtype=np.int64).reshape(-1, 1)
        return np.concatenate([first, np.stack(kinds, axis=2).reshape(len(first), -1)], axis=1)

    def _near_vectors(self, listings: PairSource, modality: str, own: np.ndarray) -> np.ndarray:
        """Rows [Q, K] nearest by the vectors of one modality.

        Titles' vectors are asked only where there is no picture: beside pictures, products and words they led to
        hardly any other mate (3 more of 1,000), but to a quarter more candidates.
        """
        rows = np.full((len(listings.titles), NEIGHBOURS), -1, dtype=np.int64)
        queries, asked = search_vectors(listings.image_vectors, listings.text_vectors, modality)
        if modality == "text":
            asked = asked & ~listings.has["image"]
        asking = np.flatnonzero(asked)
        if len(asking):
            there, near = self._searched(modality)
            place = np.full(len(self.image_vectors) + 1, -1, dtype=np.int64)  # the last stands for -1
            place[there] = np.arange(len(there))
            found = near.near(queries[asking], NEIGHBOURS, own_rows=place[own[asking]])
            rows[asking] = np.where(found >= 0, there[found], -1) if len(there) else -1
        return rows

    def _searched(self, modality: str) -> tuple[np.ndarray, NearVectors]:
        """Rows [n] that have a modality, and their unit vectors; made ready when they are first asked for."""
        if modality not in self._search:
            vectors, mask = search_vectors(self.image_vectors, self.text_vectors, modality)
            there = np.flatnonzero(mask)
            self._search[modality] = there, NearVectors.of(vectors if mask.all() else vectors[there])
        return self._search[modality]


@dataclass(frozen=True, kw_only=True)
class RareWords:
    """Which listings hold which words and codes, as an inverted list a word, weighed by rarity.

    Attributes:
        columns: Word -> column.
        rarity: [V] inverse document frequency; 0 = too many listings hold it.
        posts: [N, V] csc of unit rows.
    """

    columns: dict[str, int]
    rarity: np.ndarray
    posts: sparse.csc_matrix

    @classmethod
    def of(cls, texts: Sequence[str]) -> RareWords:
        """The words of N texts."""
        columns: dict[str, int] = {}
        held: list[int] = []
        ends = [0]
        for text in texts:
            normal = normal_text(text)
            held += [columns.setdefault(word, len(columns)) for word in {*words_of(normal), *codes_of(normal)}]
            ends.append(len(held))
        counts = np.bincount(np.array(held, dtype=np.int64), minlength=max(1, len(columns)))
        rarity = np.log((len(texts) + 1) / np.maximum(counts, 1)).astype(np.float32)
        table = _unit_rows(np.array(held, dtype=np.int64), np.array(ends, dtype=np.int64), rarity)
        rarity[counts > MAX_LISTINGS] = 0
        posts = table.tocsc()
        posts.data *= np.repeat(rarity > 0, np.diff(posts.indptr))
        posts.eliminate_zeros()
        return cls(columns=columns, rarity=rarity, posts=posts)

    def near(self, readings: Readings, top_k: int, *, own_rows: np.ndarray) -> np.ndarray:
        """Rows [Q, K] that share the rarest words and codes with each listing; -1 where there are no more."""
        from eclip.tasks.term_loops import nearest_terms

        held = (readings.tables["words"] + readings.tables["codes"]).tocsr()
        columns = np.array([self.columns.get(word, -1) for word in readings.vocabulary], dtype=np.int64)[held.indices]
        known = columns >= 0
        known[known] = self.rarity[columns[known]] > 0
        ends = np.concatenate([[0], np.cumsum(known)])[held.indptr]
        nobody = np.full(max(len(readings), self.posts.shape[0]), -1, dtype=np.int64)
        rows, _ = nearest_terms(
            ends, columns[known], self.rarity[columns[known]], self.posts.indptr, self.posts.indices, self.posts.data,
            self.posts.shape[0], own_rows, nobody, nobody, top_k,
        )  # fmt: skip
        return np.asarray(rows)


def _unit_rows(columns: np.ndarray, ends: np.ndarray, rarity: np.ndarray) -> sparse.csr_matrix:
    """[N, V] of rows that hold these columns, each weighed by its rarity, of length 1."""
    weights = rarity[columns] if len(columns) else np.zeros(0, dtype=np.float32)
    rows = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    lengths = np.sqrt(np.bincount(rows, weights=weights**2, minlength=len(ends) - 1))
    values = (weights / np.maximum(lengths[rows], 1e-6)).astype(np.float32)
    return sparse.csr_matrix((values, columns, ends), shape=(len(ends) - 1, len(rarity)))


def pairs_of(near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (listing, row) of a table [Q, K] of candidates, each once; in the listings' order, rows ascending."""
    found = np.sort(near, axis=1)
    found[:, 1:][found[:, 1:] == found[:, :-1]] = -1
    left, place = np.nonzero(found >= 0)
    return left, found[left, place]
