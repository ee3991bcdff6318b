"""Search over a store: by vectors, words or both, filtered, one hit for each product with its listings under it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from eclip.errors import ConfigError
from eclip.search.bm25 import WordIndex
from eclip.search.complements import complementary_rows, names_baskets
from eclip.search.filtering import FilterTable, Selection
from eclip.search.fusion import diverse_order
from eclip.search.listings import Listings, ProductStore
from eclip.search.query import Filters, Query, SimilarKind, check_query, check_similar
from eclip.search.ranking import Ranked, Ranker
from eclip.search.results import Product, Results
from eclip.search.spaces import Spaces, Vectors
from eclip.search.termrows import TermRows, searched_text
from eclip.search.tokens import Tokenizer
from eclip.search.vectorindex import SpaceIndexes

_POOL = 5  # times as many candidates as wanted, for a diverse choice among them
_LEAST_POOL = 100


class QueryEncoder(Protocol):
    """What a search needs of a model."""

    @property
    def digest(self) -> str:
        """Names the model; the store's vectors carry it."""

    def encode_text(self, texts: Sequence[str | None]) -> Vectors:
        """Unit rows [N, D]; NaN where there is nothing to encode."""

    def encode_image(self, images: Sequence[Any]) -> Vectors:
        """Unit rows [N, D]; NaN where a picture can't be read."""


class SearchEngine:
    """Answers queries from one store with the model that made its vectors.

    Reading only, so threads may share an engine.

    Args:
        store: A prepared and embedded store.
        encoder: The model whose digest the store's vectors carry.
        indexes: Of its vectors; None = every vector is in memory and compared. `opening.open_engine` has what
            `eclip index` made.
        known_terms: Of texts that were cut before, by `tokenize`.
        tokenize: Cuts texts and queries into words; None = without morphemes.

    Raises:
        StoreError: The store has no vectors of this model.
    """

    def __init__(
        self,
        store: ProductStore,
        encoder: QueryEncoder,
        *,
        indexes: SpaceIndexes | None = None,
        known_terms: TermRows | None = None,
        tokenize: Tokenizer | None = None,
    ) -> None:
        self._encoder = encoder
        self._indexes = indexes or SpaceIndexes.exact(Spaces.of(store.vectors(model_digest=encoder.digest)))
        self._listings = Listings(store)
        self._filters = FilterTable(self._listings.table, self._listings.groups)
        fields = (self._listings.table[name].to_pylist() for name in ("title", "brand", "category", "attributes"))
        self._tokenize = tokenize or Tokenizer(with_morphemes=False)
        self._terms = TermRows.of(map(searched_text, *fields), self._tokenize, known_terms)
        words = WordIndex(self._terms, self._tokenize)
        self._ranker = Ranker(self._indexes, words, self._listings.groups)
        said = "\0".join((store.digest, str(store.corrections().num_rows), encoder.digest))
        self.version = hashlib.sha256(said.encode()).hexdigest()[:16]
        """Changes when the store or the model does."""

    def corrected(self, store: ProductStore) -> SearchEngine:
        """The same listings as people have corrected them since: vectors, their index and cut texts are taken over.

        Args:
            store: The same rows and vectors with later corrections.
        """
        return SearchEngine(
            store, self._encoder, indexes=self._indexes, known_terms=self._terms, tokenize=self._tokenize
        )

    @property
    def index_state(self) -> str:
        """How vectors are compared: "exact", or what became of the index."""
        return self._indexes.state

    @property
    def num_products(self) -> int:
        """Listings in the store."""
        return self._listings.num_rows

    @property
    def num_groups(self) -> int:
        """Different products: listings of one catalog, or duplicates, counted once."""
        return self._listings.num_groups

    @property
    def names_baskets(self) -> bool:
        """Whether the feed names outfits or baskets, so that complements can be asked for."""
        return names_baskets(self._filters)

    @property
    def encoder(self) -> QueryEncoder:
        """Makes the vectors of queries."""
        return self._encoder

    def search(self, query: Query) -> Results:
        """A page of the products that fit a query, best first.

        Raises:
            ConfigError: It asks for nothing, the text or picture can't be read, or a value is out of its range.
        """
        check_query(query)
        text = None if self._ranker.picture_leads(query) else query.words
        return self.search_encoded(query, self.encode_query(text, query.image) if _needs_vector(query) else None)

    def encode_query(self, text: str | None, image: bytes | None) -> Vectors:
        """The unit vector [D] of a text, a picture, or the unit mean of both.

        Raises:
            ConfigError: One of them can't be read.
        """
        parts = []
        if text is not None:
            parts.append(self._encoder.encode_text([text])[0])
            if not np.isfinite(parts[-1]).all():
                raise ConfigError("the text holds nothing that the model can read; try other words")
        if image is not None:
            parts.append(self._encoder.encode_image([image])[0])
            if not np.isfinite(parts[-1]).all():
                raise ConfigError("the picture can't be read; give a whole JPEG, PNG or WebP file")
        mean = np.mean(parts, axis=0, dtype=np.float32)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)

    def search_encoded(self, query: Query, vector: Vectors | None) -> Results:
        """As `search`, of a query whose vector is there already.

        Args:
            query: What is asked.
            vector: Of its text, else of its picture; of a hybrid query with both, of the picture alone. None where it
                needs none: ranked by words, or nothing sought.

        Raises:
            ConfigError: As `search`.
        """
        check_query(query)
        selection = self._filters.select(query.filters)
        ranked = self._ranker.ranked(query, vector, selection)[query.offset : query.offset + query.top_k]
        return self._results(ranked, selection, with_facets=query.with_facets)

    def similar(
        self,
        product_id: str,
        *,
        top_k: int = 24,
        filters: Filters | None = None,
        diversity: float = 0.0,
        kind: SimilarKind = "similar",
    ) -> Results:
        """Products like one of the store, or such as go with it; itself left out.

        Args:
            product_id: A listing.
            top_k: How many products.
            filters: What they must be.
            diversity: 0 = the most similar, 1 = as unlike each other as can be; `fusion.diverse_order`.
            kind: "complements" = what shares outfits or baskets with it, where the feed names them.

        Raises:
            ConfigError: No such listing, no outfits in the feed, or a value out of its range.
        """
        filters = filters or Filters()
        check_similar(top_k, filters, diversity, kind)
        row = self._listings.row_of(product_id)
        if row is None:
            raise ConfigError(f"no product with the id {product_id!r:.80}")
        selection = self._filters.select(filters)
        pool = max(_LEAST_POOL, _POOL * top_k) if diversity else top_k
        members = self._listings.members(row)
        if kind == "complements":
            rows, scores = complementary_rows(self._filters, members, selection.mask)
            rows, scores = rows[:pool], scores[:pool]
        else:
            rows, scores = self._ranker.neighbours(row, members, selection, pool)
        if diversity and len(rows):
            vectors = np.nan_to_num(self._indexes.products.vectors(rows))
            order = diverse_order(scores, vectors, num_wanted=top_k, diversity=diversity)
            rows, scores = rows[order], scores[order]
        found: tuple[str, ...] = ("vectors",) if kind == "similar" else ()
        ranked: Ranked = [(int(each), float(score), found) for each, score in zip(rows, scores, strict=True)]
        return self._results(ranked[:top_k], selection, with_facets=False)

    def product(self, product_id: str) -> Product | None:
        """One listing in full, with the offers of its catalog; None where there is none of this id."""
        return self._listings.product(product_id)

    def picture(self, product_id: str, number: int = 0) -> bytes | None:
        """An encoded picture of a listing: 0 = the main one, then the others; None where there is none."""
        return self._listings.picture(product_id, number)

    def _results(self, ranked: Ranked, selection: Selection, *, with_facets: bool) -> Results:
        rows, scores, matched = zip(*ranked, strict=True) if ranked else ((), (), ())
        return Results(
            hits=self._listings.hits(rows, scores, matched),
            num_products=selection.num_products,
            facets=selection.facets if with_facets else None,
        )


def _needs_vector(query: Query) -> bool:
    return bool(query.image or (query.words and query.ranking != "words"))
