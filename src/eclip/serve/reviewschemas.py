"""What the review and the map answer: the JSON contract of the page's own routes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ReviewTask = Literal["category", "attributes", "matching", "adult"]


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
    """What the feed or a person says, where either says anything."""
    choices: list[Choice]
    """The answer first."""
    reason: str
    other: OtherListing | None = None
    """Of catalog_id: the listing that it is compared with."""


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
    value: str | None = Field(None, max_length=2_000, description="Several parted by |; empty: the listing has none")
    source: str | None = Field(None, max_length=300, description="Who says so")


class MapPoint(BaseModel):
    """One product on the map."""

    product_id: str
    title: str | None
    category: list[str] | None
    x: float
    y: float


class MapAnswer(BaseModel):
    """Products on a plane: near each other where they look and read alike."""

    method: Literal["pca", "tsne"]
    final: bool
    """Whether it stays so; false while a better plane is being drawn."""
    points: list[MapPoint]
