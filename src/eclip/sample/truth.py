"""The two tables of a sample shop: the feed as sellers gave it, and the truth beside it."""

from __future__ import annotations

import json

from eclip.sample.plan import Listing

FEED_COLUMNS = (
    "product_id",
    "title",
    "description",
    "brand",
    "seller",
    "price",
    "url",
    "gtin",
    "model_number",
    "category",
    "attributes",
    "catalog_id",
    "policy",
    "image",
)
TRUTH_COLUMNS = (
    "product_id",
    "product_key",
    "catalog_id",
    "model_id",
    "category",
    "attributes",
    "adult",
    "defects",
    "duplicate_of",
    "picture_of",
)


def feed_row(listing: Listing) -> dict[str, str]:
    """One row of feed.csv: what the seller gives; empty = not given."""
    product, given = listing.product, listing.given
    shop = listing.seller.name.lower().replace(" ", "-")
    return {
        "product_id": listing.product_id,
        "title": listing.title,
        "description": listing.description if "description" in given else "",
        "brand": product.brand.english if "brand" in given else "",
        "seller": listing.seller.name,
        "price": f"{listing.price:.2f}",
        "url": f"https://{shop}.example/item/{listing.product_id}",
        "gtin": listing.gtin,
        "model_number": product.model_number if "model_number" in given else "",
        "category": " > ".join(product.leaf.path) if "category" in given else "",
        "attributes": _json(listing.attributes) if listing.attributes else "",
        "catalog_id": product.catalog_id if "catalog_id" in given else "",
        "policy": "adult" if "policy" in given else "",
        "image": f"images/{listing.image}",
    }


def truth_row(listing: Listing) -> dict[str, str]:
    """One row of truth.csv: what is so, whatever the seller gave."""
    product = listing.product
    return {
        "product_id": listing.product_id,
        "product_key": product.key,
        "catalog_id": product.catalog_id,
        "model_id": product.model_id,
        "category": " > ".join(product.leaf.path),
        "attributes": _json(product.attributes),
        "adult": str(int(product.leaf.adult)),
        "defects": ";".join(listing.defects),
        "duplicate_of": listing.original.product_id if listing.original else "",
        "picture_of": listing.picture_of.key if listing.picture_of else "",
    }


def _json(attributes: dict[str, str | list[str]]) -> str:
    return json.dumps(attributes, ensure_ascii=False)
