"""/search and /similar."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query

from eclip.search.query import Query as EngineQuery
from eclip.serve.answers import search_answer
from eclip.serve.desk import Desk
from eclip.serve.limits import MAX_UPLOAD_BYTES
from eclip.serve.live import Snapshot
from eclip.serve.parameters import SearchFields, SearchForm, SimilarFields
from eclip.serve.schemas import SearchAnswer
from eclip.serve.uploads import read_picture


def search_routes(desk: Desk) -> APIRouter:
    """Routes that find products."""
    router = APIRouter(tags=["search"])

    @router.get("/search")
    async def search_text(fields: Annotated[SearchFields, Query()]) -> SearchAnswer:
        """Find products by text and filters."""
        query = fields.query()
        return await desk.ask(desk.answers, lambda snapshot: _found(snapshot, query))

    @router.post("/search")
    async def search_picture(form: Annotated[SearchForm, Form()]) -> SearchAnswer:
        """Find products by a picture, a text, or both ("this, but red")."""
        data = await form.picture.read(MAX_UPLOAD_BYTES + 1) if form.picture is not None else b""

        def work(snapshot: Snapshot) -> SearchAnswer:
            return _found(snapshot, form.query(read_picture(data).encoded if data else None))

        return await desk.ask(desk.answers, work)

    @router.get("/similar/{product_id:path}")
    async def similar(product_id: str, fields: Annotated[SimilarFields, Query()]) -> SearchAnswer:
        """Products like one of the store, or that go with it."""
        filters = fields.filters()

        def work(snapshot: Snapshot) -> SearchAnswer:
            started = time.perf_counter()
            if snapshot.engine.product(product_id) is None:
                raise HTTPException(404, f"no product with the id {product_id!r:.80}")
            results = snapshot.engine.similar(
                product_id, top_k=fields.top_k, filters=filters, diversity=fields.diversity, kind=fields.kind
            )
            return search_answer(results, seconds=time.perf_counter() - started)

        return await desk.ask(desk.answers, work)

    return router


def _found(snapshot: Snapshot, query: EngineQuery) -> SearchAnswer:
    for given, modality, things in ((query.image, "image", "pictures"), (query.text, "text", "texts")):
        if given and modality not in snapshot.modalities and query.ranking != "words":
            raise HTTPException(422, f"the model of this shop has not learned to read {things}")
    started = time.perf_counter()
    results = snapshot.engine.search(query)
    return search_answer(results, seconds=time.perf_counter() - started)
