"""What the service answers: the JSON contract of its routes. No more than types: the client shares them."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

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


class Listing(BaseModel):
    """A listing to be answered, as a feed would tell it. A title or a picture must be there."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"product_id": "new-1", "title": "Red linen shirt, short sleeves", "price": 29.9}]
        },
    )

    product_id: str | None = Field(None, max_length=300)
    """What the answer is called by; its position where it is missing."""
    title: str | None = Field(None, max_length=2_000)
    description: str | None = Field(None, max_length=20_000)
    brand: str | None = Field(None, max_length=300)
    seller: str | None = Field(None, max_length=300)
    price: float | None = Field(None, ge=0, allow_inf_nan=False)
    url: str | None = Field(None, max_length=2_000)
    """Kept as text; the service never opens it."""
    gtin: str | None = Field(None, max_length=100)
    model_number: str | None = Field(None, max_length=300)
    category: list[str] | None = Field(None, max_length=20)
    """Names from the root."""
    attributes: dict[str, list[str] | str] | None = Field(None, max_length=200)
    picture: str | None = Field(None, json_schema_extra={"contentEncoding": "base64"})
    """A JPEG, PNG or WebP file in base64. Addresses and paths are refused: the service fetches nothing."""


class EnrichRequest(BaseModel):
    """Listings to be answered together: they are compared with each other where there is no store."""

    model_config = ConfigDict(extra="forbid")

    listings: list[Listing] = Field(min_length=1)


class EnrichedListing(BaseModel):
    """What the fitted tasks say of a listing; null where a task is not fitted, or the listing can't be used."""

    product_id: str | None
    category: list[str] | None
    category_confidence: float | None
    category_leaves: dict[str, float] | None
    """The likeliest leaves."""
    category_unknown: bool | None
    attributes: dict[str, str] | None
    """Several values parted by " | "."""
    attribute_confidences: dict[str, float] | None
    attribute_sources: dict[str, str] | None
    attribute_conflicts: dict[str, str] | None
    attribute_review: list[str] | None
    same_product_ids: list[str] | None
    """Listings of the store that are the same product, most probable first."""
    same_product_confidences: list[float] | None
    same_product_reason: str | None
    catalog_id: str | None
    cluster_id: str | None
    cluster_confidence: float | None
    duplicate_ids: list[str] | None
    duplicate_reason: str | None
    duplicate_place: str | None
    adult_probability: float | None
    policy: str | None
    policy_reason: str | None
    policy_review: bool | None


class EnrichAnswer(BaseModel):
    """Answers in the order of the request."""

    listings: list[EnrichedListing]
    not_fitted: list[str]
    """Tasks whose answers are therefore null (`eclip fit` fits them)."""
    seconds: float


class MatchRequest(BaseModel):
    """Two listings (`left` and `right`), or one (`listing`) whose catalog in the store is sought."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"left": {"title": "Acme X100 kettle 1.7 l"}, "right": {"title": "ACME X-100 electric kettle, 1.7 L"}},
                {"listing": {"title": "Acme X100 kettle 1.7 l"}},
            ]
        },
    )

    left: Listing | None = None
    right: Listing | None = None
    listing: Listing | None = None


class MatchAnswer(BaseModel):
    """Whether two listings are one product, or to which catalog a listing belongs."""

    probability: float
    """Of two: that they are one product. Of one: that it is of the nearest catalog."""
    same: bool
    """Whether that is probable enough."""
    reason: str
    catalog_id: str | None = None
    """Of one listing: its catalog, where that is probable enough and the product stands in one."""
    nearest_catalog_id: str | None = None
    nearest_product_id: str | None = None
    """The listing of the store that is most like it."""
    seconds: float


class Health(BaseModel):
    """That the service answers, and over how much."""

    status: str
    num_products: int


class Readiness(BaseModel):
    """That requests may be sent here."""

    status: Literal["ready"]
    version: str
    """Of store and model together: it changes when either does."""
    num_products: int


class Fault(BaseModel):
    """Why a request was refused, in one line."""

    error: str


def image_url(product_id: str, number: int = 0) -> str:
    """Where the service shows a listing's picture; any id makes a safe path."""
    path = f"/products/{quote(product_id, safe='')}/image"
    return f"{path}?number={number}" if number else path
