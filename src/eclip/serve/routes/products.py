"""/products/{product_id} and its pictures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response

from eclip.products.corrections import VALUE_SEPARATOR
from eclip.search.results import Offer, Product
from eclip.serve.answers import shown_url
from eclip.serve.desk import Desk
from eclip.serve.limits import MAX_OFFERS
from eclip.serve.listings import Judgement
from eclip.serve.live import Snapshot
from eclip.serve.schemas import AttributeAnswer, OfferAnswer, ProductAnswer, image_url
from eclip.serve.uploads import picture_type
from eclip.tasks.category.targets import path_label

_PICTURE_HEADERS = {"Cache-Control": "private, max-age=3600"}
_PICTURES: dict[int | str, dict[str, Any]] = {
    200: {"content": {name: {} for name in ("image/jpeg", "image/png", "image/webp")}}
}


def product_routes(desk: Desk) -> APIRouter:
    """Routes that show a product."""
    router = APIRouter(tags=["products"])

    @router.get("/products/{product_id:path}/image", response_class=Response, responses=_PICTURES)
    async def product_image(product_id: str, number: Annotated[int, Query(ge=0, le=1_000)] = 0) -> Response:
        """A picture of a listing: 0 the main one, then its further ones."""
        image = await desk.ask(desk.reads, lambda snapshot: snapshot.engine.picture(product_id, number))
        media_type = picture_type(image) if image is not None else None
        if media_type is None:
            raise HTTPException(404, f"no picture {number} of a product with the id {product_id!r:.80}")
        return Response(image, media_type=media_type, headers=_PICTURE_HEADERS)

    @router.get("/products/{product_id:path}")
    async def product(product_id: str) -> ProductAnswer:
        """A listing with what the fitted tasks say of it, and all offers of its product."""
        return await desk.ask(desk.reads, lambda snapshot: _product_answer(snapshot, product_id))

    return router


def _product_answer(snapshot: Snapshot, product_id: str) -> ProductAnswer:
    found = snapshot.engine.product(product_id)
    if found is None:
        raise HTTPException(404, f"no product with the id {product_id!r:.80}")
    said = (snapshot.listings.of_store(product_id) if snapshot.listings else None) or {}
    offers = found.sellers[:MAX_OFFERS]
    others = [offer.product_id for offer in offers if offer.product_id != product_id]
    judged = snapshot.listings.judge_offers(product_id, others) if snapshot.listings else {}
    category, source, confidence = _category(found, said)
    return ProductAnswer(
        **{name: getattr(found, name) for name in ("product_id", "title", "raw_title", "description", "brand")},
        **{name: getattr(found, name) for name in ("seller", "price", "policy", "catalog_id", "catalog_reason")},
        url=shown_url(found.url),
        category=category,
        category_source=source,
        category_confidence=confidence,
        attributes=_attributes(found, said),
        policy_probability=said.get("adult_probability"),
        offers=[_offer(offer, judged.get(offer.product_id)) for offer in offers],
        image_urls=[image_url(product_id, number) for number in range(found.num_pictures)],
        has_complements=snapshot.engine.names_baskets,
    )


def _category(found: Product, said: dict[str, Any]) -> tuple[list[str] | None, Any, float | None]:
    """The path, who says so, and how sure the fitted task is of it."""
    if found.category:
        return found.category, "given", (said.get("category_leaves") or {}).get(path_label(found.category))
    if said.get("category"):
        return said["category"], "predicted", said.get("category_confidence")
    return None, None, None


def _attributes(found: Product, said: dict[str, Any]) -> list[AttributeAnswer]:
    """What was given, with the task's confidence where it says the same; then what the task alone says."""
    confidences, sources = said.get("attribute_confidences") or {}, said.get("attribute_sources") or {}
    read = {
        name: [part.strip() for part in text.split(VALUE_SEPARATOR)]
        for name, text in (said.get("attributes") or {}).items()
    }
    given = [
        AttributeAnswer(
            name=name,
            values=values,
            confidence=confidences.get(name) if _same(values, read.get(name, [])) else None,
            source="given",
        )
        for name, values in found.attributes.items()
    ]
    predicted = [
        AttributeAnswer(
            name=name, values=values, confidence=confidences.get(name), source=sources.get(name) or "predicted"
        )
        for name, values in read.items()
        if name not in found.attributes
    ]
    return given + predicted


def _same(values: list[str], others: list[str]) -> bool:
    return {value.casefold() for value in values} == {value.casefold() for value in others}


def _offer(offer: Offer, judged: Judgement | None) -> OfferAnswer:
    return OfferAnswer(
        product_id=offer.product_id,
        seller=offer.seller,
        price=offer.price,
        title=offer.title,
        url=shown_url(offer.url),
        image_url=image_url(offer.product_id),
        probability=judged.probability if judged else None,
        reason=judged.reason if judged else None,
    )
