from __future__ import annotations

import io
import logging
import zlib

import pytest
from fakeshop import FakeEngine, encoded, fault
from PIL import Image

from eclip.search.query import Filters, Query
from eclip.serve.limits import MAX_IMAGE_PIXELS, MAX_UPLOAD_BYTES
from eclip.serve.live import Snapshot
from eclip.serve.schemas import image_url
from eclip.serve.uploads import picture_type


def test_search_by_text(client, engine):
    response = client.get("/search", params={"q": "red dress", "top_k": 7})
    assert response.status_code == 200
    assert engine.asked == [Query(text="red dress", top_k=7)]
    answer = response.json()
    assert answer.pop("seconds") >= 0
    assert answer == {
        "hits": [
            {
                "product_id": "p1",
                "title": "v1",
                "category": ["Women", "Dresses"],
                "price": 9.5,
                "brand": "Acme",
                "seller": None,
                "score": 0.5,
                "matched": ["vectors"],
                "image_url": "/products/p1/image",
                "same_product_ids": ["p2"],
                "num_sellers": 2,
                "min_price": 9.0,
                "max_price": 9.5,
                "catalog_id": None,
            }
        ],
        "num_products": 1,
        "facets": None,
    }
    assert client.get("/search", params={"q": "nothing"}).json()["hits"] == []


FIELDS = {
    "q": "shirt",
    "category": "Apparel > Shirts",
    "min_price": "1",
    "max_price": "9.5",
    "brand": ["a", "b"],
    "attribute": ["colour:red", "colour: dark blue", "size:M"],
    "hide_adult": "true",
    "offset": "24",
    "ranking": "words",
    "facets": "true",
}
EXPECTED = Query(
    text="shirt",
    filters=Filters(
        category=("Apparel", "Shirts"),
        min_price=1.0,
        max_price=9.5,
        brands=("a", "b"),
        attributes={"colour": ("red", "dark blue"), "size": ("M",)},
        hide_adult=True,
    ),
    offset=24,
    ranking="words",
    with_facets=True,
)


def test_address_and_form_say_the_same(client, engine):
    by_address = client.get("/search", params=FIELDS)
    by_form = client.post("/search", data=FIELDS)
    assert engine.asked == [EXPECTED, EXPECTED]
    assert by_address.json()["facets"] == by_form.json()["facets"]
    assert by_form.json()["facets"] == {
        "categories": [{"name": "Dresses", "path": ["Women", "Dresses"], "count": 2}],
        "brands": [{"value": "Acme", "count": 1}],
        "attributes": [{"name": "colour", "values": [{"value": "red", "count": 2}]}],
        "price": {"min": 1.0, "max": 9.5},
        "adult": 0,
    }


@pytest.mark.parametrize("text", [None, "red"])
def test_search_by_picture(client, engine, text):
    image = encoded("JPEG")  # small enough to be kept as it is
    response = client.post(
        "/search", files={"picture": ("x.jpg", image)}, data={"top_k": "3"} | ({"q": text} if text else {})
    )
    assert response.status_code == 200
    assert engine.asked == [Query(text=text, image=image, top_k=3)]


def test_a_large_picture_reaches_the_engine_as_the_store_would_keep_it(client, engine):
    assert client.post("/search", files={"picture": ("x.png", encoded(size=(900, 300)))}).status_code == 200
    with Image.open(io.BytesIO(engine.asked[0].image)) as seen:
        assert seen.size == (320, 107)


def test_empty_query(client):
    assert fault(client.get("/search"), 422) == "the query is empty; give a text"
    assert "empty" in fault(client.get("/search", params={"q": ""}), 422)
    assert "empty" in fault(client.post("/search"), 422)
    assert "empty" in fault(client.post("/search", files={"picture": ("x.jpg", b"")}), 422)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("top_k", value) for value in ("0", "101", "-1", "many", "1.5")),
        *(("min_price", value) for value in ("-1", "nan", "inf", "cheap")),
        *(("offset", value) for value in ("-1", "9901")),
        *(("attribute", value) for value in ("colour", ":red", "colour:", " : ", "")),
        ("ranking", "best"),
        ("category", "x" * 301),
        ("brand", ["b"] * 51),
        ("hide_adult", "perhaps"),
        ("q", "a" * 1001),
        ("picture", "https://example.com/x.jpg"),
        ("image_url", "file:///etc/passwd"),
    ],
)
def test_what_can_not_be_meant_is_refused(client, engine, name, value):
    assert name in fault(client.get("/search", params={"q": "a", name: value}), 422)
    assert name in fault(client.post("/search", data={"q": "a", name: value}), 422)
    assert engine.asked == []


def test_a_query_of_a_megabyte(client, engine):
    text = "a" * (1 << 20)
    error = fault(client.post("/search", data={"q": text}), 422 if len(text) < (1 << 20) else 400)
    assert len(error) < 500
    assert len(fault(client.get("/search", params={"q": text[:50_000]}), 422)) < 500
    assert engine.asked == []


def damaged_png() -> bytes:
    return encoded(size=(64, 64))[:-40]


SVG_BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><svg>&b;</svg>'


@pytest.mark.parametrize(
    ("image", "status"),
    [
        (b"no picture", 415),
        (SVG_BOMB, 415),
        (b"%PDF-1.7", 415),
        (b"GIF89a", 415),
        (b"PK\3\4" + b"\0" * 100, 415),
        (damaged_png(), 422),
    ],
)
def test_what_is_no_whole_picture_is_refused(client, engine, image, status):
    assert "can't be read" in fault(client.post("/search", files={"picture": ("x.png", image)}), status)
    assert engine.asked == []


def test_picture_given_as_text(client):
    assert "picture" in fault(client.post("/search", data={"picture": "x"}), 422)


def test_broken_form(client):
    headers = {"Content-Type": "multipart/form-data"}
    fault(client.post("/search", content=b"rubbish", headers=headers), 400)


def test_picture_with_too_many_bytes(client, engine):
    just_too_large = encoded().ljust(MAX_UPLOAD_BYTES + 1, b"\0")
    assert "8 MB" in fault(client.post("/search", files={"picture": ("x.png", just_too_large)}), 413)
    assert engine.asked == []
    assert client.post("/search", files={"picture": ("x.png", just_too_large[:-1])}).status_code == 200


def test_endless_body_is_cut_without_a_length(client):
    def body():
        yield b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
        for _ in range(64):
            yield b"\0" * 1024 * 1024

    response = client.post("/search", content=body(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert "8 MB" in fault(response, 413)


@pytest.mark.parametrize("length", ["9999999999", "8454145"])
def test_a_body_that_says_it_is_too_large_is_not_read(client, length):
    def body():
        raise AssertionError("read")
        yield b""

    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": length}
    fault(client.post("/search", content=body(), headers=headers), 413)


@pytest.mark.parametrize("side", [6_400, 20_000])
def test_picture_with_too_many_pixels(client, engine, side):
    assert side * side > MAX_IMAGE_PIXELS
    bomb = io.BytesIO()
    Image.new("1", (side, side)).save(bomb, "PNG")
    assert "million pixels" in fault(client.post("/search", files={"picture": ("x.png", bomb.getvalue())}), 413)
    assert engine.asked == []


def png_with(kind: bytes, content: bytes) -> bytes:
    """A small PNG with one more chunk before its pixels."""
    chunk = len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")
    whole = encoded()
    at = whole.index(b"IDAT") - 4
    return whole[:at] + chunk + whole[at:]


@pytest.mark.parametrize("kind", [b"iTXt", b"zTXt", b"iCCP"])
def test_a_small_picture_with_a_zip_bomb_of_remarks_is_refused_or_ignored(client, kind):
    zeros = zlib.compress(b"\0" * (256 << 20), 9)
    start = {b"iTXt": b"a\0\1\0\0\0", b"zTXt": b"a\0\0", b"iCCP": b"a\0\0"}[kind]
    response = client.post("/search", files={"picture": ("x.png", png_with(kind, start + zeros))})
    assert response.status_code in (200, 422)


def test_a_model_without_pictures_says_so(desk, client):

    desk.live._snapshot = Snapshot(engine=desk.live.current.engine, modalities=("text",))
    assert "pictures" in fault(client.post("/search", files={"picture": ("x.png", encoded())}), 422)
    assert client.get("/search", params={"q": "a"}).status_code == 200


def test_similar(client, engine):
    params = {"kind": "complements", "diversity": "0.3", "top_k": "5", "brand": "a"}
    assert client.get("/similar/png", params=params).json()["hits"][0]["product_id"] == "p1"
    assert engine.asked == [("png", 5, Filters(brands=("a",)), 0.3, "complements")]
    assert client.get("/similar/a%2Fb%20c%3F한").status_code == 200
    assert "nobody" in fault(client.get("/similar/nobody"), 404)
    assert "diversity" in fault(client.get("/similar/png", params={"diversity": "1.1"}), 422)
    assert "kind" in fault(client.get("/similar/png", params={"kind": "other"}), 422)


def test_product(client):
    answer = client.get("/products/jpeg").json()
    assert answer["url"] == "HTTP://shop.example/t"
    assert [(offer["url"], offer["image_url"]) for offer in answer["offers"]] == [
        (None, "/products/jpeg/image"),  # what is no web address is no link
        ("https://shop.example/u", "/products/png/image"),
    ]
    assert answer["image_urls"] == ["/products/jpeg/image", "/products/jpeg/image?number=1"]
    assert answer["has_complements"] is True
    assert answer["attributes"] == [{"name": "colour", "values": ["red"], "confidence": None, "source": "given"}]
    assert answer["category_confidence"] is None
    assert answer["policy_probability"] is None
    assert "nobody" in fault(client.get("/products/nobody"), 404)


@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
def test_picture_of_a_product(client, engine, name):
    response = client.get(f"/products/{name}/image")
    assert response.status_code == 200
    assert response.headers["content-type"] == f"image/{name}"
    assert response.content == engine.pictures[name]


def test_picture_of_a_product_with_an_odd_id(client, engine):
    assert client.get(image_url("a/b c?한")).content == engine.pictures["a/b c?한"]


def test_what_is_no_picture_is_not_served(client):
    assert "nobody" in fault(client.get("/products/nobody/image"), 404)
    fault(client.get("/products/odd/image"), 404)
    fault(client.get("/products/png/image", params={"number": "1"}), 404)
    fault(client.get("/products/png/image", params={"number": "-1"}), 422)
    assert picture_type(b"") is None
    assert picture_type(b"RIFF1234WAVE") is None


def test_a_bug_is_answered_with_an_id_that_the_log_repeats(client, caplog):
    response = client.get("/search", params={"q": "bug"}, headers={"X-Request-ID": "seen-1"})
    error = fault(response, 500)
    assert "secret" not in error
    assert "seen-1" in error
    assert "secret /path" in caplog.text
    assert response.headers["x-request-id"] == "seen-1"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"].startswith("default-src 'self'")


def test_a_store_that_can_not_be_read_is_not_told_to_strangers(client, caplog):
    response = client.get("/search", params={"q": "gone"})
    assert "secret" not in fault(response, 503)
    assert response.headers["retry-after"] == "1"
    assert "/secret/store" in caplog.text


def test_health_and_readiness(client, desk):
    assert client.get("/healthz").json() == {"status": "ok", "num_products": 3}
    assert client.get("/readyz").json() == {"status": "ready", "version": "v1", "num_products": 3}
    desk.draining = True
    response = client.get("/readyz")
    fault(response, 503)
    assert response.headers["retry-after"] == "1"
    assert client.get("/healthz").status_code == 200


def test_an_answer_names_the_version_that_gave_it(client, desk, caplog):
    caplog.set_level(logging.INFO, "eclip.serve")
    assert client.get("/search", params={"q": "x"}).headers["x-eclip-version"] == "v1"
    desk.live._snapshot = Snapshot(engine=FakeEngine("v2"), model={"tasks": "a"})
    second = client.get("/similar/png").headers["x-eclip-version"]
    assert second == client.get("/readyz").json()["version"] == client.get("/lineage").json()["version"]
    desk.live._snapshot = Snapshot(engine=FakeEngine("v2"), model={"tasks": "b"})  # fitted anew
    assert client.get("/similar/png").headers["x-eclip-version"] not in (second, "v2")
    logged = [record.eclip_fields["version"] for record in caplog.records if "route" in record.eclip_fields]
    assert logged[:2] == ["v1", second]
    assert "x-eclip-version" not in client.get("/healthz").headers  # nothing of the shop was asked


def test_metrics_and_log_name_routes_and_not_paths(client, caplog):
    caplog.set_level(logging.INFO, "eclip.serve")
    client.get("/products/jpeg/image")
    client.get("/products/nobody/image")
    client.get("/nowhere/1")
    text = client.get("/metrics").text
    route = "/products/{product_id:path}/image"
    assert f'eclip_requests_total{{method="GET",route="{route}",status="200"}} 1.0' in text
    assert f'eclip_requests_total{{method="GET",route="{route}",status="404"}} 1.0' in text
    assert 'route="unmatched",status="404"} 1.0' in text
    assert "nobody" not in text
    assert f'eclip_request_seconds_count{{route="{route}"}} 2.0' in text
    assert 'eclip_version_info{version="v1"} 1.0' in text
    assert 'eclip_waiting{work="answers"} 0.0' in text
    told = [record.eclip_fields for record in caplog.records if record.message == "request"]
    assert [each["status"] for each in told] == [200, 404, 404, 200]
    assert told[0]["path"] == "/products/jpeg/image"


def test_docs_need_nothing_from_outside(client):
    page = client.get("/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in page.text
    assert "//" not in page.text.replace("://", "").replace("http//", "")
    for path in ("/search", "/similar/{product_id}", "/enrich", "/match", "/metrics"):
        assert path in page.text
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert {"EnrichRequest", "MatchRequest", "Listing", "Fault"} <= schemas.keys()
