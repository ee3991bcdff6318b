"""What is asked of the tasks over HTTP, and answered. No more than types: the client shares them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


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
