"""/instances: the several products of one photo."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, UploadFile
from pydantic import Field

from eclip.errors import MissingExtraError
from eclip.search.instances.finder import MAX_INSTANCES, find_instances
from eclip.search.instances.photos import open_photo
from eclip.search.query import Filters
from eclip.serve.answers import hit_answer
from eclip.serve.desk import Desk
from eclip.serve.limits import MAX_TOP_K, MAX_UPLOAD_BYTES
from eclip.serve.live import Snapshot
from eclip.serve.parameters import FilterFields
from eclip.serve.schemas import BoxAnswer, InstanceAnswer, InstancesAnswer
from eclip.serve.uploads import decoded


class InstancesForm(FilterFields):
    """A photo, and what its products must be."""

    photo: UploadFile = Field(description="A photo of several products: JPEG, PNG or WebP")
    top_k: int = Field(5, ge=1, le=MAX_TOP_K, description="How many products for each place")
    max_instances: int = Field(MAX_INSTANCES, ge=1, le=MAX_INSTANCES, description="How many places")


def instance_routes(desk: Desk) -> APIRouter:
    """The route that finds the products of a photo."""
    router = APIRouter(tags=["search"])

    @router.post("/instances")
    async def instances(form: Annotated[InstancesForm, Form()]) -> InstancesAnswer:
        """Find the products of a cluttered photo, each with its place. The whole photo is one of the places."""
        data, filters = await form.photo.read(MAX_UPLOAD_BYTES + 1), form.filters()
        return await desk.ask(desk.tasks, lambda snapshot: _found(snapshot, data, filters, form))

    return router


def _found(snapshot: Snapshot, data: bytes, filters: Filters, form: InstancesForm) -> InstancesAnswer:
    if "image" not in snapshot.modalities:
        raise HTTPException(422, "the model of this shop has not learned to read pictures")
    started = time.perf_counter()
    photo = decoded(data, open_photo, where="photo")
    engine = snapshot.engine
    try:
        found = find_instances(
            photo, engine, engine.encoder, filters=filters, top_k=form.top_k, max_instances=form.max_instances
        )
    except MissingExtraError as fault:
        raise HTTPException(501, f"this service can't look into photos: {fault}") from None
    return InstancesAnswer(
        instances=[
            InstanceAnswer(
                box=BoxAnswer(**dict(zip(BoxAnswer.model_fields, each.box, strict=True))),
                hits=[hit_answer(hit) for hit in each.hits],
                confidence=each.confidence,
            )
            for each in found
        ],
        width=photo.width,
        height=photo.height,
        seconds=round(time.perf_counter() - started, 6),
    )
