"""What the service answers: the JSON contract of its routes. No more than types: the client shares them."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, Field

Matched = Literal["vectors", "words"]


class HitAnswer(BaseModel):
    """One product found: its best listing, and what its other listings add."""

    product_id: str = Field(examples=["p1042"])
    title: str | None = Field(examples=["Red linen shirt, short sleeves"])
    category: list[str] | None = Field(examples=[["Apparel", "Shirts"]])
    price: float | None = Field(examples=[29.9])
    brand: str | None
    seller: str | None
    score: float
    """What it was ranked by: cosine (vectors), BM25 (words), fused ranks (hybrid), 0 where nothing was sought."""
    matched: list[Matched]
    """What found it; empty where nothing was sought."""
    image_url: str = Field(examples=["/products/p1042/image"])
    same_product_ids: list[str]
    """Other listings of the same product."""
    num_sellers: int
    min_price: float | None
    """Over all listings of the product."""
    max_price: float | None
    catalog_id: str | None


class FacetValueAnswer(BaseModel):
    """A value to filter by."""

    value: str
    count: int
    """Products that would be left."""


class AttributeFacetAnswer(BaseModel):
    """An attribute's values, the most frequent first."""

    name: str
    values: list[FacetValueAnswer]


class CategoryFacetAnswer(BaseModel):
    """A category below the one that was asked for."""

    name: str
    path: list[str]
    """Names from the root."""
    count: int


class PriceRange(BaseModel):
    """Least and greatest price."""

    min: float
    max: float


class FacetsAnswer(BaseModel):
    """Counts of products, each list under all filters but its own."""

    categories: list[CategoryFacetAnswer]
    brands: list[FacetValueAnswer]
    attributes: list[AttributeFacetAnswer]
    price: PriceRange | None
    """None where no product has a price."""
    adult: int
    """Products that are for adults alone."""


class SearchAnswer(BaseModel):
    """A page of products, best first."""

    hits: list[HitAnswer]
    num_products: int
    """Products that pass the filters; all listings of a product count once."""
    facets: FacetsAnswer | None = None
    """Where they were asked for."""
    seconds: float
    """That the search took, waiting left out."""


class BoxAnswer(BaseModel):
    """A place in the photo, in its pixels, upright; right and bottom are the first beyond."""

    left: int
    top: int
    right: int
    bottom: int


class InstanceAnswer(BaseModel):
    """A product of the photo: where it is, and what it may be, best first."""

    box: BoxAnswer
    hits: list[HitAnswer]
    confidence: float
    """Cosine of the place with the picture of the best hit, 0 to 1: it ranks, and is no probability."""


class InstancesAnswer(BaseModel):
    """The products of a photo, best first."""

    instances: list[InstanceAnswer]
    width: int
    """Of the upright photo, in pixels."""
    height: int
    seconds: float
    """That it took, waiting left out."""


class OfferAnswer(BaseModel):
    """One seller's listing of a product."""

    product_id: str
    seller: str | None
    price: float | None
    title: str | None
    url: str | None
    """An http(s) address that the feed gave; the service never opens it."""
    image_url: str
    probability: float | None
    """That it is the same product as the listing asked for; None of that listing, or where matching is not fitted."""
    reason: str | None
    """Of that probability, in words."""


class AttributeAnswer(BaseModel):
    """An attribute of a listing."""

    name: str
    values: list[str]
    confidence: float | None
    """That these values are right, as the fitted task says; None where it says nothing of them."""
    source: str
    """"given" (by the feed or a person), or what the task read it from: picture, title, both, span, zero-shot."""


class ProductAnswer(BaseModel):
    """A listing in full, with all offers of its product."""

    product_id: str
    title: str | None
    raw_title: str | None
    description: str | None
    brand: str | None
    seller: str | None
    price: float | None
    url: str | None
    category: list[str] | None
    category_source: Literal["given", "predicted"] | None
    """Whether the feed or a person named it, or the fitted task; None where there is none."""
    category_confidence: float | None
    """That it is right, as the fitted task says; None where it is not fitted or thinks of others."""
    attributes: list[AttributeAnswer]
    policy: str | None
    """adult, age-restricted, sensitive; None = for everybody."""
    policy_probability: float | None
    """That it is for adults alone."""
    catalog_id: str | None
    catalog_reason: str | None
    """Why these offers are one product."""
    offers: list[OfferAnswer]
    image_urls: list[str]
    has_complements: bool
    """Whether the feed names outfits or baskets: /similar can then be asked for complements."""


class Health(BaseModel):
    """That the service answers, and over how much."""

    status: str
    num_products: int


class Readiness(BaseModel):
    """That requests may be sent here."""

    status: Literal["ready"]
    version: str
    """Of store, model and fitted tasks together: it changes when one of them does."""
    num_products: int


class Lineage(BaseModel):
    """What the version that is served is made of."""

    version: str
    """Every answer carries its own in the header X-Eclip-Version, and so does its line in the log."""
    eclip: str
    """Version of the program."""
    model: dict[str, Any] | None
    """Digest, digest of the fitted tasks, and of the store that it has learned from."""
    store: dict[str, Any] | None
    """Digest, version, rows, and the feed that it was made of."""


class Fault(BaseModel):
    """Why a request was refused, in one line."""

    error: str


def image_url(product_id: str, number: int = 0) -> str:
    """Where the service shows a listing's picture; any id makes a safe path."""
    path = f"/products/{quote(product_id, safe='')}/image"
    return f"{path}?number={number}" if number else path
