"""What the search service answers: the JSON contract of its routes."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import BaseModel

from eclip.search.results import Hit


class HitAnswer(BaseModel):
    """One product found."""

    product_id: str
    title: str | None
    category: list[str] | None
    price: float | None
    seller: str | None
    score: float
    """What it was ranked by; cosine with the query, -1..1, where vectors alone rank."""
    image_url: str
    same_product_ids: list[str]
    """Other listings of the same product."""

    @classmethod
    def of(cls, hit: Hit) -> HitAnswer:
        """The answer for a hit of the engine."""
        return cls(
            product_id=hit.product_id,
            title=hit.title,
            category=hit.category,
            price=hit.price,
            seller=hit.seller,
            score=hit.score,
            image_url=image_url(hit.product_id),
            same_product_ids=hit.same_product_ids,
        )


class SearchAnswer(BaseModel):
    """The products found, best first."""

    hits: list[HitAnswer]


class Health(BaseModel):
    """That the service answers, and over how much."""

    status: str
    num_products: int


class Fault(BaseModel):
    """Why a request was refused, in one line."""

    error: str


def image_url(product_id: str) -> str:
    """Where the service shows a listing's picture; any id makes a safe path."""
    return f"/products/{quote(product_id, safe='')}/image"
