"""/enrich and /match: what the fitted tasks say of listings that a request brings."""

from __future__ import annotations

import json
import time
from typing import Any, TypeVar

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from eclip.products.titles.cleaner import TitleCleaner
from eclip.serve.desk import Desk
from eclip.serve.limits import MAX_LISTINGS, MAX_UPLOAD_BYTES
from eclip.serve.listings import ListingAnswers
from eclip.serve.live import Snapshot
from eclip.serve.protection import validation_line
from eclip.serve.received import cleaned
from eclip.serve.taskschemas import EnrichAnswer, EnrichedListing, EnrichRequest, Listing, MatchAnswer, MatchRequest

Body = TypeVar("Body", bound=BaseModel)

_PICTURE_PART = "picture_"
_REFERENCE = "#/components/schemas/{}"
_FORM_SCHEMA = {
    "type": "object",
    "required": ["listings"],
    "properties": {"listings": {"type": "string", "description": 'The JSON body, {"listings": [...]}'}},
    "patternProperties": {
        f"^{_PICTURE_PART}[0-9]+$": {"type": "string", "contentMediaType": "application/octet-stream"}
    },
    "description": "A part picture_0 is the file of the first listing's picture, picture_1 of the second, ...",
}


def task_routes(desk: Desk) -> APIRouter:
    """Routes over listings of the caller's own."""
    router = APIRouter(tags=["tasks"])

    @router.post("/enrich", openapi_extra=_body_of(EnrichRequest, form=_FORM_SCHEMA))
    async def enrich(request: Request) -> EnrichAnswer:
        """All five answers for new listings, each compared with the store: at most 64, as JSON or as a form."""
        text, uploads = await _received(request)

        def work(snapshot: Snapshot) -> EnrichAnswer:
            started = time.perf_counter()
            body, answers = _parsed(EnrichRequest, text), _listings_of(snapshot)
            table = cleaned(body.listings, _titles_of(snapshot), uploads, where="listings[{}]")
            rows = [EnrichedListing(**row) for row in answers.enrich(table)]
            return EnrichAnswer(listings=rows, not_fitted=answers.not_fitted, seconds=_since(started))

        return await desk.ask(desk.tasks, work)

    @router.post("/match", openapi_extra=_body_of(MatchRequest))
    async def match(request: Request) -> MatchAnswer:
        """Whether two listings are one product; or to which catalog of the store one belongs."""
        if _media_type(request) != "application/json":
            raise HTTPException(415, "expected application/json")
        text = await request.body()
        return await desk.ask(desk.tasks, lambda snapshot: _match(snapshot, _parsed(MatchRequest, text)))

    return router


def _match(snapshot: Snapshot, body: MatchRequest) -> MatchAnswer:
    started = time.perf_counter()
    pair = [body.left, body.right]
    if (body.listing is None) != (None not in pair) or (body.listing is not None and pair != [None, None]):
        raise HTTPException(422, "expected either left and right, or listing")
    answers, titles = _listings_of(snapshot), _titles_of(snapshot)
    if not answers.can_match:
        raise HTTPException(409, "matching is not fitted in this model; run `eclip fit`")
    if body.listing is not None:
        place = answers.place(cleaned([body.listing], titles, where="listing"))
        return MatchAnswer(
            **place.judgement._asdict(),
            catalog_id=place.catalog_id,
            nearest_catalog_id=place.nearest_catalog_id,
            nearest_product_id=place.nearest_product_id,
            seconds=_since(started),
        )
    sides = [_anonymous(each) for each in pair if each is not None]
    judged = answers.judge_pair(cleaned(sides, titles, where="left, right: number {}"))
    return MatchAnswer(**judged._asdict(), seconds=_since(started))


def _anonymous(listing: Listing) -> Listing:
    """Two listings to be compared may well have one id."""
    return listing.model_copy(update={"product_id": None})


async def _received(request: Request) -> tuple[bytes, dict[int, bytes]]:
    """The JSON of a request, and the pictures that came as files, by position."""
    media_type = _media_type(request)
    if media_type == "application/json":
        return await request.body(), {}
    if media_type != "multipart/form-data":
        raise HTTPException(415, "expected application/json or multipart/form-data")
    async with request.form(max_files=MAX_LISTINGS, max_fields=1, max_part_size=MAX_UPLOAD_BYTES) as form:
        text, uploads = b"", {}
        for name, value in form.multi_items():
            if name == "listings" and not isinstance(value, UploadFile):
                text = value.encode("utf-8", "replace")
            elif name.startswith(_PICTURE_PART) and isinstance(value, UploadFile):
                uploads[_position(name)] = await value.read(MAX_UPLOAD_BYTES + 1)
            else:
                raise HTTPException(422, f"unknown part {name!r:.80}; expected listings and the files picture_0, ...")
    if not text:
        raise HTTPException(422, "listings: missing; send them as JSON in a part of that name")
    return text, uploads


def _position(name: str) -> int:
    digits = name.removeprefix(_PICTURE_PART)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6):
        raise HTTPException(422, f"unknown part {name!r:.80}; expected listings and the files picture_0, ...")
    return int(digits)


def _parsed(model: type[Body], text: bytes) -> Body:
    """The body, checked.

    Raises:
        HTTPException: 422 saying what is wrong.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as fault:
        raise HTTPException(422, validation_line(fault.errors(include_url=False))) from None


def _listings_of(snapshot: Snapshot) -> ListingAnswers:
    if snapshot.listings is None:
        raise HTTPException(409, "no tasks are served here")
    return snapshot.listings


def _titles_of(snapshot: Snapshot) -> TitleCleaner:
    manifest = snapshot.store.manifest if snapshot.store is not None else {}
    return TitleCleaner.from_json(manifest.get("titles"))


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 6)


def _body_of(model: type[BaseModel], *, form: dict[str, Any] | None = None) -> dict[str, Any]:
    """What OpenAPI says of a body that a route reads by itself."""
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": _REFERENCE.format(model.__name__)}}}
    if form is not None:
        content["multipart/form-data"] = {"schema": form}
    return {"requestBody": {"required": True, "content": content}}


def body_schemas() -> dict[str, Any]:
    """The schemas that `_body_of` names, by name: FastAPI knows them not."""
    found: dict[str, Any] = {}
    for model in (EnrichRequest, MatchRequest):
        schema = json.loads(json.dumps(model.model_json_schema(ref_template=_REFERENCE.replace("{}", "{model}"))))
        found |= schema.pop("$defs", {})
        found[model.__name__] = schema
    return found
