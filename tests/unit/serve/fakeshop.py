"""An engine that remembers what was asked of it, and what tests of the service ask."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from eclip.errors import ConfigError, StoreError
from eclip.search.results import CategoryCount, Facet, Facets, FacetValue, Hit, Offer, Product, Results
from eclip.serve.client import ServiceClient


def encoded(format="PNG", size=(8, 8), **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, format, **options)
    return out.getvalue()


def through(test_client: TestClient) -> ServiceClient:
    """The typed client, asking the app itself."""

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        said = test_client.request(
            request.method, str(request.url.raw_path, "ascii"), content=request.read(), headers=headers
        )
        return httpx.Response(said.status_code, headers=dict(said.headers), content=said.content)

    return ServiceClient("http://shop", transport=httpx.MockTransport(answer))


def hit(product_id="p1", **other) -> Hit:
    fields = {"title": "<b>Red</b> dress", "category": ["Women", "Dresses"], "price": 9.5, "seller": None}
    more = {"brand": "Acme", "matched": ("vectors",), "num_sellers": 2, "min_price": 9.0, "max_price": 9.5}
    return Hit(product_id=product_id, score=0.5, row=0, same_product_ids=["p2"], **(fields | more | other))


FACETS = Facets(
    categories=[CategoryCount("Dresses", ["Women", "Dresses"], 2)],
    brands=[FacetValue("Acme", 1)],
    attributes=[Facet("colour", [FacetValue("red", 2)])],
    price=(1.0, 9.5),
    adult=0,
)


class FakeEngine:
    """Remembers what was asked; the text decides the answer."""

    num_products = 3
    num_groups = 2

    names_baskets = True

    def __init__(self, version="v1") -> None:
        self.asked: list = []
        self.version = version
        self.pictures = {
            "jpeg": encoded("JPEG"),
            "png": encoded("PNG"),
            "webp": encoded("WEBP"),
            "a/b c?한": encoded("PNG"),
            "odd": b"<svg onload=alert(1)>",
        }

    def search(self, query):
        self.asked.append(query)
        if query.text == "bug":
            raise RuntimeError("secret /path")
        if query.text == "gone":
            raise StoreError("/secret/store: damaged")
        if not query.text and not query.image:
            raise ConfigError("the query is empty;\ngive a text")
        hits = [] if query.text == "nothing" else [hit(title=self.version)]
        return Results(hits=hits, num_products=len(hits), facets=FACETS if query.with_facets else None)

    def similar(self, product_id, *, top_k, filters, diversity, kind):
        self.asked.append((product_id, top_k, filters, diversity, kind))
        return Results(hits=[hit()], num_products=1)

    def product(self, product_id):
        if product_id not in self.pictures:
            return None
        names = ("raw_title", "description", "brand", "seller", "price", "gtin", "model_number", "category", "policy")
        offers = [
            Offer(product_id=product_id, seller="a", price=1.0, title="t", url="javascript:alert(1)"),
            Offer(product_id="png", seller="b", price=2.0, title="u", url="https://shop.example/u"),
        ]
        return Product(
            **dict.fromkeys(names),
            product_id=product_id,
            row=0,
            title="t",
            url="HTTP://shop.example/t",
            attributes={"colour": ["red"]},
            catalog_id="c1",
            catalog_reason="given",
            duplicate_of=None,
            num_pictures=2,
            sellers=offers,
        )

    def picture(self, product_id, number=0):
        return self.pictures.get(product_id) if number == 0 else None


def fault(response, status: int) -> str:
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    assert "\n" not in response.json()["error"]
    return response.json()["error"]


@asynccontextmanager
async def asking(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that can ask several things at once."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        yield client
