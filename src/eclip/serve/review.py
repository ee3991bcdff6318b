"""GET /review and POST /corrections: the least certain answers to people, what they say of them into the store."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from eclip.errors import EclipError
from eclip.products.corrections import add_corrections
from eclip.serve.desk import Desk
from eclip.serve.limits import MAX_TOP_K
from eclip.serve.live import Live, Snapshot
from eclip.serve.reviewqueue import ReviewQueue
from eclip.serve.reviewschemas import Correction, ReviewAnswer, ReviewTask
from eclip.tasks.corrections.fields import corrections_table

_log = logging.getLogger(__name__)


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
        """The answers that a person's word on is worth most: the least certain that nobody has looked at yet."""
        return await desk.ask(desk.tasks, lambda snapshot: queue.answer(snapshot, task, top_k))

    @router.post("/corrections", status_code=201)
    async def correct(correction: Correction) -> Correction:
        """Correct one field of a listing; search and product show it at once, the next `eclip fit` learns from it."""
        if not may_correct:
            raise HTTPException(403, "corrections are not taken here; start the service with --allow-corrections")

        def work(snapshot: Snapshot) -> Correction:
            with writing:
                take_correction(correction, snapshot, desk.live)
            return correction

        return await desk.ask(desk.tasks, work)

    return router


def take_correction(correction: Correction, snapshot: Snapshot, live: Live) -> None:
    """Write a correction into the store and answer from it from now on.

    Raises:
        HTTPException: 404 where there is no such listing.
        FeedError: The field or its value is none.
        StoreError: The store was replaced meanwhile; ask again with the newer one.
    """
    if snapshot.store is None or snapshot.engine.product(correction.product_id) is None:
        raise HTTPException(404, f"no product with the id {correction.product_id!r:.80}")
    # A copy: the manifest of the snapshot's own store must stay what its requests have read.
    store = replace(snapshot.store, manifest=dict(snapshot.store.manifest))
    add_corrections(store, corrections_table([correction.model_dump() | {"value": correction.value or ""}]))
    try:
        live.refresh()
    except EclipError as fault:  # it is kept all the same, and seen with the next version that can be opened
        _log.warning("a correction was kept, the store could not be opened anew: %s", fault)
