"""What the fitted tasks say of listings that come one by one: of the store's own, of new ones, of two side by side.

The answers are those of `eclip enrich` and `eclip match`. What compares with the whole store is read when it is first
asked for: it holds the store's vectors a second time.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from eclip.errors import DiskError
from eclip.inference.encoder import FastEncoder
from eclip.products.duplicates.newlistings import KnownListings
from eclip.products.store import Store
from eclip.schema import EMBEDDING_COLUMNS
from eclip.serve.towers import running_towers
from eclip.tasks.adult.counted import CountedPolicies
from eclip.tasks.catalogue import read_catalogue
from eclip.tasks.corrections.apply import store_catalogs
from eclip.tasks.enrich.answerers import Answerers, load_answerers
from eclip.tasks.enrich.corpus import Corpus
from eclip.tasks.enrich.encoding import FeedEncoder
from eclip.tasks.enrich.listings import KEPT_COLUMNS, Listings
from eclip.tasks.enrich.output import plain_rows
from eclip.tasks.enrich.windows import BatchEnricher, WindowEnricher, answers_table
from eclip.tasks.matching.assign import CatalogIndex, assign
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.groups import NAME as MATCHING
from eclip.tasks.matching.scorers import PairScorers
from eclip.tasks.taskfiles import read_task
from eclip.vectors import vectors_from_arrow

_REMEMBERED_PRODUCTS = 4_096
_NOBODY = "\0"  # begins the name under which a listing without a catalog stands for itself: no feed holds it


class Judgement(NamedTuple):
    """Of a pair: how probably it is one product, whether that is enough, and why."""

    probability: float
    same: bool
    reason: str


@dataclass(frozen=True)
class Place:
    """Where a new listing belongs among the store's."""

    judgement: Judgement
    catalog_id: str | None
    nearest_catalog_id: str | None
    nearest_product_id: str | None


class ListingAnswers:
    """Answers over one version of store and model.

    Args:
        store: With vectors of this model.
        encoder: The model.
        tasks: MODEL/tasks.

    Raises:
        ModelError: A task is damaged, or was fitted on vectors of another model.
    """

    def __init__(self, store: Store, encoder: FastEncoder, tasks: Path) -> None:
        self._store, self._encoder, self._tasks = store, encoder, tasks
        self._lock = threading.RLock()  # one thread builds what is built once
        with running_towers():  # what describes policies is encoded
            self._answerers = load_answerers(tasks, encoder.encoder, None, counted=CountedPolicies.of(store))
        content = read_task(tasks / MATCHING, encoder.digest) if (tasks / MATCHING).is_dir() else None
        self._scorers = PairScorers.from_json(content["scorers"]) if content else None
        self._quick = FeedEncoder(encoder)
        self._of_store = lru_cache(_REMEMBERED_PRODUCTS)(self._answer_of_store)

    def corrected(self, store: Store) -> ListingAnswers:
        """The same answers; what compares with the store's catalogs reads those that people have corrected since.

        Args:
            store: The same rows and vectors with later corrections.
        """
        other = copy.copy(self)
        other._store = store
        for name in ("_enrichers", "_catalogs"):
            other.__dict__.pop(name, None)
        return other

    @property
    def answerers(self) -> Answerers:
        """The fitted tasks themselves: the same ones as long as answers stay the same."""
        return self._answerers

    @property
    def not_fitted(self) -> list[str]:
        """Tasks that say nothing."""
        return list(self._answerers.missing)

    @property
    def can_match(self) -> bool:
        """Whether matching is fitted."""
        return self._scorers is not None

    @property
    def compares_with_store(self) -> bool:
        """Whether what that takes was read."""
        return "_enrichers" in self.__dict__

    def compare_with_store(self) -> None:
        """Read what that takes now, rather than with the first request that needs it."""
        with self._lock:
            _ = self._enrichers

    def of_store(self, product_id: str) -> dict[str, Any] | None:
        """What tasks that look at one listing alone say of one in the store, by column of `ENRICHED_SCHEMA`."""
        return self._of_store(product_id)

    def judge_offers(self, product_id: str, others: Sequence[str]) -> dict[str, Judgement]:
        """Whether other listings of the store are the same product as one of them, by their ids."""
        if self._scorers is None or not others:
            return {}
        listings = self._stored([product_id, *others])
        rows = {each: row for row, each in enumerate(listings.ids)}
        found = [each for each in others if each in rows]
        if product_id not in rows or not found:
            return {}
        right = np.array([rows[each] for each in found])
        judged = self._judged(listings.pair_source, np.full(len(found), rows[product_id]), right)
        return dict(zip(found, judged, strict=True))

    def enrich(self, batch: pa.Table) -> list[dict[str, Any]]:
        """All answers for new listings, compared with the store.

        Args:
            batch: Cleaned listings, in `LISTINGS_SCHEMA`.
        """
        with self._lock:
            alone, together = self._enrichers
        with running_towers():
            return list(plain_rows(together.answer([alone.answer(batch)])))

    def judge_pair(self, batch: pa.Table) -> Judgement:
        """Whether two cleaned listings, the only ones of a batch, are one product; matching must be fitted."""
        with running_towers():
            source = self._quick.listings(batch).pair_source
        return self._judged(source, np.array([0]), np.array([1]))[0]

    def place(self, batch: pa.Table) -> Place:
        """To which catalog the only listing of a batch belongs; matching must be fitted."""
        with self._lock:
            index = self._catalogs
        with running_towers():
            listings = self._quick.listings(batch)
        own_rows = np.array([self._rows.get(each or "", -1) for each in listings.ids])
        (found,) = assign(index, listings.pair_source, self._required_scorers(), own_rows=own_rows)
        judgement = Judgement(found.probability, found.catalog is not None, found.reason)
        nearest = self._ids[found.row] if found.row >= 0 else None
        return Place(judgement, _named(found.catalog), _named(found.best), nearest)

    @cached_property
    def _enrichers(self) -> tuple[BatchEnricher, WindowEnricher]:
        corpus = Corpus.of(self._store, self._encoder.digest)
        with running_towers():
            answerers = load_answerers(
                self._tasks, self._encoder.encoder, corpus, counted=CountedPolicies.of(self._store)
            )
        return (
            BatchEnricher(encoder=self._quick, answerers=answerers.of_batch),
            WindowEnricher(answerers=answerers.of_window, known=self._known()),
        )

    @cached_property
    def _catalogs(self) -> CatalogIndex:
        source = PairSource.of(read_catalogue(self._store, self._encoder.digest))
        given = zip(store_catalogs(self._store), self._ids, strict=True)
        return CatalogIndex.of(source, [name or f"{_NOBODY}{product}" for name, product in given])

    @cached_property
    def _ids(self) -> list[str]:
        return list(self._store.table(["product_id"])["product_id"].to_pylist())

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {product: row for row, product in enumerate(self._ids)}

    def _known(self) -> KnownListings:
        try:
            return KnownListings.of(self._store, self._store.place.cache)
        except (OSError, DiskError):  # several replicas may share a store that they must not write
            return KnownListings.of(self._store, Path(mkdtemp(prefix="eclip-")))

    def _answer_of_store(self, product_id: str) -> dict[str, Any] | None:
        return next(iter(self.all_of_store([product_id])), None)

    def all_of_store(self, product_ids: Sequence[str]) -> list[dict[str, Any]]:
        """As `of_store`, of many listings together, in the store's order; ids that it lacks are passed over."""
        listings = self._stored(product_ids)
        if not len(listings):
            return []
        answers: dict[str, list[Any]] = {}
        with self._lock, running_towers():  # one of them may run them
            for answerer in self._answerers.of_batch.values():
                answers |= {name: list(values) for name, values in answerer.answer(listings).items()}
        return list(plain_rows(answers_table(listings, answers)))

    def _stored(self, product_ids: Sequence[str]) -> Listings:
        pictures, titles, _ = EMBEDDING_COLUMNS
        table = self._store.products(product_ids, [*KEPT_COLUMNS, pictures, titles])
        return Listings(
            table=table.select(list(KEPT_COLUMNS)),
            image=vectors_from_arrow(table[pictures]),
            text=vectors_from_arrow(table[titles]),
            cells=[None] * table.num_rows,
        )

    def _judged(self, source: PairSource, left: np.ndarray, right: np.ndarray) -> list[Judgement]:
        scores, thresholds, reasons = self._required_scorers().judged(source, left, right)
        rows = zip(scores.tolist(), (scores >= thresholds).tolist(), reasons, strict=True)
        return [Judgement(score, same, reason) for score, same, reason in rows]

    def _required_scorers(self) -> PairScorers:
        if self._scorers is None:
            raise RuntimeError("matching is not fitted; ask `can_match` first")
        return self._scorers


def _named(catalog: str | None) -> str | None:
    return None if catalog is None or catalog.startswith(_NOBODY) else catalog
