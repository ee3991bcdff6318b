"""GET /review and POST /corrections: the least certain answers to people, what they say of them into the store."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import numpy as np
import pyarrow as pa
from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from eclip.errors import ConfigError
from eclip.products.corrections import add_corrections, latest_corrections
from eclip.products.store import Store
from eclip.schema import CORRECTIONS_SCHEMA, POLICIES
from eclip.search.results import Product
from eclip.serve.desk import Desk
from eclip.serve.limits import MAX_TOP_K
from eclip.serve.listings import ListingAnswers
from eclip.serve.live import Live, Snapshot
from eclip.serve.schemas import image_url
from eclip.tasks.category.targets import path_label
from eclip.tasks.corrections.choose import Doubt, least_certain
from eclip.tasks.corrections.fields import ATTRIBUTE_PREFIX, checked_corrections

MAX_LOOKED_AT = 1_024  # listings that are answered to find the doubtful ones
MAX_PAIRS_LOOKED_AT = 256
MAX_CHOICES = 6
MAX_CORRECTION_CHARACTERS = 2_000

ReviewTask = Literal["category", "attributes", "matching", "adult"]
Row = Mapping[str, Any]

_FIELDS: dict[str, tuple[str, ...]] = {"category": ("category",), "adult": ("policy",), "attributes": (ATTRIBUTE_PREFIX,)}


class Choice(BaseModel):
    """A value to choose."""

    value: str
    """Empty: the listing has none."""
    confidence: float | None
    """None where nothing is known of it."""


class OtherListing(BaseModel):
    """The listing that one may be the same product as."""

    product_id: str
    title: str | None
    image_url: str


class ReviewItem(BaseModel):
    """One answer for a person to accept or correct."""

    product_id: str
    title: str | None
    image_url: str
    field: str
    """category, policy, catalog_id or attributes.NAME, as a correction names it."""
    value: str
    """The answer; empty: none."""
    confidence: float
    given: str | None = None
    """What the feed says, where it says anything."""
    choices: list[Choice]
    reason: str
    other: OtherListing | None = None
    """Of catalog_id: the listing it is compared with."""


class ReviewAnswer(BaseModel):
    """The least certain answers, worst first."""

    items: list[ReviewItem]


class Correction(BaseModel):
    """What a person says of one field of a listing."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"product_id": "p1042", "field": "category", "value": "Apparel > Shirts"}]},
    )

    product_id: str = Field(min_length=1, max_length=300)
    field: str = Field(max_length=300, description="category, policy, catalog_id or attributes.NAME")
    value: str | None = Field(None, max_length=MAX_CORRECTION_CHARACTERS, description="None or empty: it has none")
    source: str | None = Field(None, max_length=300, description="Who says so")


def review_routes(desk: Desk, *, may_correct: bool) -> APIRouter:
    """The routes of the review.

    Args:
        desk: What all routes work with.
        may_correct: Whether people may write into the store.
    """
    router = APIRouter(tags=["review"])
    queue, writing = ReviewQueue(), threading.Lock()

    @router.get("/review")
    async def review(
        task: ReviewTask = "category",
        top_k: Annotated[int, Query(ge=1, le=MAX_TOP_K, description="How many answers")] = 20,
    ) -> ReviewAnswer:
        """The answers that a person's word on is worth most: the least certain first."""
        return await desk.ask(desk.tasks, lambda snapshot: queue.answer(snapshot, task, top_k))

    @router.post("/corrections", status_code=201)
    async def correct(correction: Correction) -> Correction:
        """Correct one field of a listing; the search and the product show it at once, the next fit learns from it."""
        if not may_correct:
            raise HTTPException(403, "corrections are not taken here; start the service with --allow-corrections")
        return await desk.ask(desk.tasks, lambda snapshot: _take(correction, snapshot, desk.live, writing))

    return router
