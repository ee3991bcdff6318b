"""What a search answers: products found, counts to filter by, and one product in full."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One product found: its best listing, and what its other ones add."""

    product_id: str
    title: str | None
    category: list[str] | None
    price: float | None
    seller: str | None
    score: float
    """What it was ranked by, 0 where nothing was sought. Vectors: cosine with the query, -1..1; words: BM25; hybrid:
    fused reciprocal ranks, 1 = first of both; a picture with words: cosine and up to 0.5 for the words."""
    row: int
    """Position of the listing in the store, from 0."""
    same_product_ids: list[str]
    """Listings of the same catalog; without a catalog, exact duplicates. In store order."""
    brand: str | None = None
    catalog_id: str | None = None
    num_sellers: int = 1
    """Different sellers of the product; listings that name none count as one together."""
    min_price: float | None = None
    """Over all listings of the product."""
    max_price: float | None = None
    """Over all listings of the product."""
    matched: tuple[str, ...] = ()
    """What found it: "vectors", "words", both, or nothing where nothing was sought."""


@dataclass(frozen=True)
class FacetValue:
    """A value to filter by, and how many products would be left."""

    value: str
    count: int


@dataclass(frozen=True)
class Facet:
    """An attribute, its values with the most products first."""

    name: str
    values: list[FacetValue]


@dataclass(frozen=True)
class CategoryCount:
    """A category right below the one that was asked for."""

    name: str
    path: list[str]
    """Names from the root."""
    count: int


@dataclass(frozen=True, kw_only=True)
class Facets:
    """Counts of products. Each list is counted under all filters but its own, so that a second value can be chosen."""

    categories: list[CategoryCount]
    """Children of the filtered category, or the roots."""
    brands: list[FacetValue]
    attributes: list[Facet]
    price: tuple[float, float] | None
    """Least and greatest; None where no listing has one."""
    adult: int
    """Products rated "adult"."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """A page of products, best first."""

    hits: list[Hit]
    num_products: int
    """Products that pass the filters; catalogs count once."""
    facets: Facets | None = None


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One seller's listing of a product."""

    product_id: str
    seller: str | None
    price: float | None
    title: str | None
    url: str | None


@dataclass(frozen=True, kw_only=True)
class Product:
    """One listing in full, with the offers of its catalog."""

    product_id: str
    row: int
    title: str | None
    raw_title: str | None
    description: str | None
    brand: str | None
    seller: str | None
    price: float | None
    url: str | None
    gtin: str | None
    model_number: str | None
    category: list[str] | None
    attributes: dict[str, list[str]]
    policy: str | None
    catalog_id: str | None
    catalog_reason: str | None
    """Why these offers are one product; "corrected" where a person said so, None where nobody did."""
    duplicate_of: str | None
    num_pictures: int
    sellers: list[Offer]
    """All offers of the product, its own among them, in store order."""
    corrections: dict[str, Any] = field(default_factory=dict)
    """Field -> value that people gave; already applied."""
