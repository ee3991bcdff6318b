"""Pages of other sites: they can make a browser send, and some can give themselves this machine's address."""

from __future__ import annotations

import pytest
from fakeshop import fault
from fastapi.testclient import TestClient

from eclip.serve.app import create_app
from eclip.serve.origins import is_loopback, is_name_of_this_machine, is_of_another_site


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({"host": "shop:8765"}, False),  # a program
        ({"host": "shop:8765", "origin": "http://shop:8765"}, False),
        ({"host": "SHOP:8765", "origin": "http://shop:8765"}, False),
        ({"host": "10.0.0.1:8765", "x-forwarded-host": "shop.example", "origin": "http://shop.example"}, False),
        ({"host": "shop:8765", "origin": "https://evil.example", "sec-fetch-site": "same-origin"}, False),
        ({"host": "shop:8765", "origin": "http://evil.example"}, True),
        ({"host": "shop:8765", "origin": "http://shop:80"}, True),
        ({"host": "shop:8765", "origin": "null"}, True),  # a sandboxed frame
        ({"host": "", "origin": "null"}, True),
        ({"host": "shop:8765", "origin": "http://shop:8765", "sec-fetch-site": "cross-site"}, True),
    ],
)
def test_whose_page_sends(headers, foreign):
    assert is_of_another_site(headers) is foreign


def test_over_plain_http_the_origin_tells(desk, engine):
    """Browsers leave `Sec-Fetch-Site` out there: with it alone this form of another site got through."""
    client = TestClient(create_app(desk), base_url="http://shop:8765")
    fault(client.post("/search", data={"q": "a"}, headers={"Origin": "http://evil.example"}), 403)
    assert engine.asked == []
    assert client.post("/search", data={"q": "a"}, headers={"Origin": "http://shop:8765"}).status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8765", "127.0.0.1:1", "[::1]:8765", "shop", "a.localhost", ""]
)
def test_names_that_are_this_machines(host):
    assert is_name_of_this_machine(host)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "[x", "a.b."])
def test_names_that_are_a_strangers(host):
    assert not is_name_of_this_machine(host)


def test_a_site_that_takes_this_machines_address_learns_nothing(desk, engine):
    """DNS rebinding: to the browser, page and service are one site."""
    app = create_app(desk, for_this_machine=True)
    stranger = TestClient(app, base_url="http://rebound.evil.example:8765")
    assert "localhost" in fault(stranger.get("/search?q=a"), 421)
    fault(stranger.get("/"), 421)
    fault(stranger.post("/corrections", json={}, headers={"Origin": "http://rebound.evil.example:8765"}), 421)
    assert engine.asked == []
    assert TestClient(app, base_url="http://localhost:8765").get("/search?q=a").status_code == 200
    assert TestClient(create_app(desk), base_url="http://shop.example").get("/search?q=a").status_code == 200


def test_where_only_this_machine_reaches():
    assert [is_loopback(each) for each in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "10.0.0.1", "shop")] == [
        *(True, True, True),
        *(False, False, False, False),
    ]
