from __future__ import annotations

import base64
import json
import logging

import pytest
from fakeshop import fault
from fastapi.testclient import TestClient

from eclip.errors import ConfigError
from eclip.serve.app import create_app
from eclip.serve.keys import ApiKeys, presented_key
from eclip.serve.limits import MAX_CLIENTS
from eclip.serve.logs import JsonLines, accepted_request_id, fields, request_id
from eclip.serve.rate import RateLimit, client_of

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"# who may ask\nshop {KEY}\n\n{OTHER}\n", encoding="utf-8")
    return ApiKeys.read(path)


def test_keys_are_known_by_their_names(keys):
    assert keys.name_of(KEY) == "shop"
    assert keys.name_of(OTHER).startswith("key ")
    assert KEY not in repr(keys)
    for wrong in (None, "", KEY[:-1], KEY + "0", "한국어", "\ud800"):
        assert keys.name_of(wrong) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "no key"), ("short", "line 1"), (f"a b {KEY}", "line 1"), (f"{KEY}\nx {KEY}", "repeats"), (None, "read")],
)
def test_a_file_of_keys_that_can_not_be_meant(tmp_path, text, said):
    if text is not None:
        (tmp_path / "keys").write_text(text)
    with pytest.raises(ConfigError, match=said):
        ApiKeys.read(tmp_path / "keys")


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    "headers", [{"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}, {"Authorization": basic(KEY)}]
)
def test_with_a_key_everything_is_open(desk, keys, headers):
    client = TestClient(create_app(desk, keys=keys), headers=headers)
    for path in ("/search?q=a", "/", "/metrics", "/docs", "/products/png/image"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": "wrong"},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": "Basic !"},
        {"Authorization": KEY},
    ],
)
def test_without_one_nothing_is_but_what_a_proxy_asks(desk, keys, headers, engine):
    client = TestClient(create_app(desk, keys=keys), headers=headers)
    for path in ("/search?q=a", "/", "/metrics", "/openapi.json", "/products/png/image", "/nowhere"):
        response = client.get(path)
        assert "API key" in fault(response, 401)
        assert response.headers["www-authenticate"].startswith("Basic")
    fault(client.post("/enrich", json={}), 401)
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert engine.asked == []


def test_presented_keys():
    assert presented_key({"authorization": basic("한")}) == "한"
    assert presented_key({"authorization": "Basic /w=="}) is None
    assert presented_key({"authorization": "Digest x"}) is None


def test_a_rate_holds_for_each_client():
    now = [0.0]
    rate = RateLimit(2, clock=lambda: now[0])
    assert [rate.seconds_to_wait("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    assert rate.seconds_to_wait("b") == 0
    now[0] = 0.5
    assert rate.seconds_to_wait("a") == 0
    assert rate.seconds_to_wait("a") == 0.5
    now[0] = 1000
    assert [rate.seconds_to_wait("a") > 0 for _ in range(5)] == [False] * 4 + [True]


def test_a_slow_rate_lets_the_first_through():
    rate = RateLimit(0.1, clock=lambda: 0.0)
    assert rate.seconds_to_wait("a") == 0
    assert rate.seconds_to_wait("a") == pytest.approx(10)


def test_only_so_many_clients_are_remembered():
    rate = RateLimit(1, clock=lambda: 0.0)
    for number in range(MAX_CLIENTS + 10):
        rate.seconds_to_wait(str(number))
    assert len(rate._tokens) == MAX_CLIENTS


def test_one_customer_is_one_client():
    assert client_of("2001:db8::1") == client_of("2001:db8::ffff:1")
    assert client_of("2001:db8:0:1::1") != client_of("2001:db8::1")
    assert client_of("192.0.2.1") != client_of("192.0.2.2")
    assert client_of(None) == "unknown"


def test_too_many_requests_are_told_when_to_come_again(desk):
    client = TestClient(create_app(desk, rate=RateLimit(0.5)))
    assert client.get("/search", params={"q": "a"}).status_code == 200
    response = client.get("/search", params={"q": "a"})
    assert "slow down" in fault(response, 429)
    assert 1 <= int(response.headers["retry-after"]) <= 2
    for _ in range(5):  # what a page shows beside its answers is not counted
        assert client.get("/products/png/image").status_code == 200
        assert client.get("/").status_code == 200


def test_other_sites_can_not_send_in_a_browsers_name(desk, engine):
    client = TestClient(create_app(desk))
    for site in ("cross-site", "same-site"):
        fault(client.post("/search", data={"q": "a"}, headers={"Sec-Fetch-Site": site}), 403)
    assert engine.asked == []
    assert client.post("/search", data={"q": "a"}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert client.get("/search", params={"q": "a"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("given", ["a b", "a\nb", "", "x" * 65, "한", None])
def test_an_id_that_can_not_stand_in_a_log_is_replaced(given):
    assert accepted_request_id(given) != given
    assert accepted_request_id("ok-1.2:3_4") == "ok-1.2:3_4"


def test_a_line_of_the_log_is_one_json_object():
    token = request_id.set("r1")
    record = logging.LogRecord("eclip.serve", logging.INFO, "", 0, "two\nlines of %s", ("한",), None)
    for name, value in fields(status=200).items():
        setattr(record, name, value)
    line = JsonLines().format(record)
    request_id.reset(token)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["message"], told["request_id"], told["status"]) == ("two\nlines of 한", "r1", 200)
