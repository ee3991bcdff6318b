"""Which of the store's answers a person should look at: doubts of the fitted tasks, over listings drawn evenly."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from fastapi import HTTPException

from eclip.products.corrections import ATTRIBUTE_PREFIX, VALUE_SEPARATOR, latest_corrections
from eclip.products.store import Store
from eclip.schema import POLICIES
from eclip.search.corrected import corrected_table
from eclip.search.engine import SearchEngine
from eclip.search.results import Product
from eclip.serve.listings import ListingAnswers
from eclip.serve.live import Snapshot
from eclip.serve.reviewschemas import Choice, OtherListing, ReviewAnswer, ReviewItem, ReviewTask
from eclip.serve.schemas import image_url
from eclip.tasks.category.targets import path_label
from eclip.tasks.corrections.choose import ADULT, Doubt, least_certain
from eclip.tasks.enrich.answerers import Answerers

MAX_LISTINGS = 1_024  # that are answered to find the doubtful ones
MAX_CATALOGS = 128  # whose offers are compared
MAX_OFFERS = 8  # of each
MAX_CHOICES = 6
_FIELDS = {"category": "category", "adult": "policy", "attributes": ATTRIBUTE_PREFIX}

Row = Mapping[str, Any]


class ReviewQueue:
    """Answers over a sample of the store, made when they are first asked for and kept while the tasks stay the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: weakref.ref[Answerers] | None = None
        self._rows: list[dict[str, Any]] = []
        self._pairs: list[ReviewItem] | None = None

    def answer(self, snapshot: Snapshot, task: ReviewTask, top_k: int) -> ReviewAnswer:
        """The least certain answers that nobody has looked at yet.

        Raises:
            HTTPException: 409 where the task is not fitted.
        """
        store, listings = snapshot.store, snapshot.listings
        if store is None or listings is None:
            raise HTTPException(409, "no tasks are served here")
        if task in listings.not_fitted and task != "adult":  # which terms of titles answer too
            raise HTTPException(409, f"task {task} is not fitted in this model; run `eclip fit`")
        said = latest_corrections(store.corrections())
        with self._lock:
            if self._of is None or self._of() is not listings.answerers:
                self._of, self._rows, self._pairs = weakref.ref(listings.answerers), [], None
            if task == "matching":
                self._pairs = doubtful_offers(store, listings) if self._pairs is None else self._pairs
                open_pairs = [item for item in self._pairs if item.field not in said.get(item.product_id, {})]
                return ReviewAnswer(items=[_titled(item, snapshot.engine) for item in open_pairs[:top_k]])
            self._rows = self._rows or listings.all_of_store(evenly_drawn_ids(store))
            rows = self._rows
        doubts = [
            doubt
            for doubt in least_certain(rows, top=len(rows) * 100)
            if doubt.field.startswith(_FIELDS[task]) and doubt.field not in said.get(doubt.product_id, {})
        ]
        known = {row["product_id"]: row for row in rows}
        values = frequent_values(rows)
        items = (item_of(doubt, known[doubt.product_id], values, snapshot.engine) for doubt in doubts)
        return ReviewAnswer(
            items=[item for item, _ in zip((each for each in items if each), range(top_k), strict=False)]
        )


def evenly_drawn_ids(store: Store) -> list[str]:
    """At most `MAX_LISTINGS` product ids in even steps over the store."""
    ids = store.table(["product_id"])["product_id"]
    rows = np.unique(np.linspace(0, len(ids) - 1, min(MAX_LISTINGS, len(ids))).astype(np.int64))
    return list(ids.take(rows).to_pylist())


def item_of(doubt: Doubt, row: Row, values: Mapping[str, Sequence[str]], engine: SearchEngine) -> ReviewItem | None:
    """A doubt as the page shows it; None where the listing has gone.

    Args:
        doubt: Of one field.
        row: All answers for the listing.
        values: Frequent values by attribute.
        engine: Knows the listing.
    """
    product = engine.product(doubt.product_id)
    if product is None:
        return None
    given = _given(product, doubt.field)
    return ReviewItem(
        product_id=doubt.product_id,
        title=product.title,
        image_url=image_url(doubt.product_id),
        field=doubt.field,
        value=doubt.value,
        confidence=doubt.confidence,
        given=given,
        choices=_choices(doubt, row, given, values.get(doubt.field, ())),
        reason=doubt.reason,
    )


def frequent_values(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Values of each attribute by its field, the most frequent first."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        for name, value in (row["attributes"] or {}).items():
            counts.setdefault(ATTRIBUTE_PREFIX + name, Counter())[value] += 1
    return {field: [value for value, _ in counter.most_common(MAX_CHOICES)] for field, counter in counts.items()}


def _choices(doubt: Doubt, row: Row, given: str | None, frequent: Sequence[str]) -> list[Choice]:
    """The answer first, then what else it may be, the likelier first."""
    chances: dict[str, float | None] = {doubt.value: doubt.confidence}
    if doubt.field == "category":
        chances |= dict(row["category_leaves"])
    elif doubt.field == "policy":
        adult = row["adult_probability"]
        chances |= {ADULT: adult, "": 1 - adult}
        chances |= {policy: chances.get(policy) for policy in POLICIES}
    if given is not None:
        chances.setdefault(given, None)
    for value in frequent:
        chances.setdefault(value, None)
    kept = list(chances.items())[: MAX_CHOICES if doubt.field != "policy" else None]
    if given is not None and given not in dict(kept):  # what the feed says is always among them
        kept[-1] = (given, None)
    return [Choice(value=value, confidence=chance) for value, chance in kept]


def _given(product: Product, field: str) -> str | None:
    if field == "category":
        return path_label(product.category) if product.category else None
    if field == "policy":
        return product.policy
    values = product.attributes.get(field.removeprefix(ATTRIBUTE_PREFIX))
    return f" {VALUE_SEPARATOR} ".join(values) if values else None


def doubtful_offers(store: Store, listings: ListingAnswers) -> list[ReviewItem]:
    """Offers of inferred catalogs beside the first one of theirs, the least probable first; still without titles."""
    table = corrected_table(store.table(["product_id", "catalog_id", "catalog_reason"]), store.corrections())
    catalogs: dict[str, list[str]] = {}
    for row in table.to_pylist():
        if row["catalog_id"] is not None and row["catalog_reason"] != "given":
            catalogs.setdefault(row["catalog_id"], []).append(row["product_id"])
    several = [name for name, members in catalogs.items() if len(members) > 1]
    drawn = np.unique(np.linspace(0, len(several) - 1, min(MAX_CATALOGS, len(several))).astype(np.int64))
    items = []
    for catalog in (several[number] for number in drawn):
        first, *others = catalogs[catalog][:MAX_OFFERS]
        for product_id, judged in listings.judge_offers(first, others).items():
            items.append(_offer_item(product_id, first, catalog, judged.probability, judged.reason))
    return sorted(items, key=lambda item: item.confidence)


def _offer_item(product_id: str, first: str, catalog: str, probability: float, reason: str) -> ReviewItem:
    return ReviewItem(
        product_id=product_id,
        title=None,
        image_url=image_url(product_id),
        field="catalog_id",
        value=catalog,
        confidence=probability,
        choices=[Choice(value=catalog, confidence=probability), Choice(value="", confidence=1 - probability)],
        reason=reason,
        other=OtherListing(product_id=first, title=None, image_url=image_url(first)),
    )


def _titled(item: ReviewItem, engine: SearchEngine) -> ReviewItem:
    """With the titles of now."""

    def title(product_id: str) -> str | None:
        product = engine.product(product_id)
        return product.title if product else None

    other = item.other.model_copy(update={"title": title(item.other.product_id)}) if item.other else None
    return item.model_copy(update={"title": title(item.product_id), "other": other})
