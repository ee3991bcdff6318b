from __future__ import annotations

import subprocess
import sys

import httpx
import pytest
from fakeshop import encoded, through
from fastapi.testclient import TestClient

from eclip.errors import EclipError
from eclip.search.query import Filters, Query
from eclip.serve.app import create_app
from eclip.serve.client import ServiceClient, ServiceError, with_picture
from eclip.serve.taskschemas import Listing


@pytest.fixture
def shop(desk):
    """The client, before the app itself."""
    with through(TestClient(create_app(desk))) as client:
        yield client


FILTERS = {
    "category": "A > B",
    "min_price": 1.0,
    "max_price": 2.5,
    "brands": ["x", "y"],
    "attributes": [("colour", "red"), ("colour", "blue")],
    "hide_adult": True,
}
SAME_FILTERS = Filters(
    category=("A", "B"),
    min_price=1.0,
    max_price=2.5,
    brands=("x", "y"),
    attributes={"colour": ("red", "blue")},
    hide_adult=True,
)


@pytest.mark.parametrize("picture", [None, encoded("JPEG")])
def test_every_parameter_reaches_the_engine(shop, engine, picture):
    answer = shop.search("shirt", picture=picture, **FILTERS, top_k=3, offset=6, ranking="vectors", facets=True)
    expected = Query(
        text="shirt", image=picture, filters=SAME_FILTERS, top_k=3, offset=6, ranking="vectors", with_facets=True
    )
    assert engine.asked == [expected]
    assert answer.hits[0].product_id == "p1"
    assert answer.facets.brands[0].value == "Acme"


def test_the_other_questions(shop, engine):
    assert shop.similar("a/b c?한", diversity=0.5, kind="complements", **FILTERS).num_products == 1
    assert engine.asked == [("a/b c?한", 24, SAME_FILTERS, 0.5, "complements")]
    assert shop.product("a/b c?한").product_id == "a/b c?한"
    assert shop.picture("a/b c?한") == engine.pictures["a/b c?한"]
    assert shop.health().num_products == 3
    assert shop.readiness().version == "v1"


def test_a_refusal_is_one_clear_error(shop):
    with pytest.raises(EclipError, match=r"^404: no product with the id 'nobody'$") as caught:
        shop.product("nobody")
    assert caught.value.status == 404
    with pytest.raises(ServiceError, match="no tasks are served"):
        shop.enrich([with_picture(Listing(title="a"), encoded())])
    with pytest.raises(ServiceError, match="409"):
        shop.match(Listing(title="a"), Listing(title="b"))
    with pytest.raises(ServiceError, match="409"):
        shop.catalog_of(Listing(title="a"))


def answering(*responses: httpx.Response):
    waited, coming = [], iter(responses)
    client = ServiceClient(
        "http://shop", transport=httpx.MockTransport(lambda _request: next(coming)), sleep=waited.append, api_key="k"
    )
    return client, waited


def busy(status=503, again="2"):
    return httpx.Response(status, headers={"Retry-After": again}, json={"error": "too many requests"})


def test_a_busy_service_is_asked_again_when_it_says_so():
    health = httpx.Response(200, json={"status": "ok", "num_products": 1})
    client, waited = answering(busy(), busy(429, "1"), health)
    assert client.health().num_products == 1
    assert waited == [2, 2]
    client, waited = answering(*[busy(again="99")] * 4)
    with pytest.raises(ServiceError, match="503: too many requests"):
        client.health()
    assert waited == [30, 30, 30]


def test_what_is_no_eclip_service_says_so():
    client, _ = answering(httpx.Response(200, json={"hello": 1}), httpx.Response(502, text="<html>"))
    with pytest.raises(ServiceError, match="another one"):
        client.health()
    with pytest.raises(ServiceError, match="502: Bad Gateway"):
        client.health()
    with pytest.raises(ServiceError, match="can't be reached"):
        ServiceClient("http://127.0.0.1:9", timeout_seconds=2).health()


def test_the_client_needs_nothing_heavy():
    heavy = ("torch", "lance", "daft", "fastapi", "numpy")
    code = f"import eclip.serve.client, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
