from __future__ import annotations

import base64
import json

import pytest
from fakeshop import FakeEngine, encoded, fault
from fastapi.testclient import TestClient

from eclip.schema import ENRICHED_SCHEMA
from eclip.serve.app import create_app
from eclip.serve.desk import Desk
from eclip.serve.limits import MAX_LISTINGS
from eclip.serve.listings import Judgement, Place
from eclip.serve.live import Live, Snapshot
from eclip.serve.taskschemas import EnrichedListing


class FakeAnswers:
    """Remembers the cleaned listings."""

    not_fitted = ("clustering",)
    can_match = True

    def __init__(self) -> None:
        self.seen: list[dict] = []

    def enrich(self, batch):
        self.seen += batch.to_pylist()
        nothing = dict.fromkeys(ENRICHED_SCHEMA.names)
        return [nothing | {"product_id": row["product_id"], "category": ["A"]} for row in batch.to_pylist()]

    def judge_pair(self, batch):
        self.seen += batch.to_pylist()
        return Judgement(0.9, same=True, reason="same title")

    def place(self, batch):
        self.seen += batch.to_pylist()
        return Place(Judgement(0.4, same=False, reason="other"), None, "c1", "p1")


@pytest.fixture
def answers():
    return FakeAnswers()


@pytest.fixture
def tasks(answers):
    desk = Desk(live=Live(Snapshot(engine=FakeEngine(), listings=answers)))
    yield TestClient(create_app(desk))
    desk.close()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


LISTING = {
    "product_id": "n1",
    "title": "  Red &amp; blue   shirt ",
    "price": 9.5,
    "category": ["A", "B > C"],
    "attributes": {"Colour": ["red", "blue"], "size": "M"},
    "url": "file:///etc/passwd",
    "picture": base64_of(encoded()),
}


def test_listings_are_cleaned_as_those_of_a_feed(tasks, answers):
    response = tasks.post("/enrich", json={"listings": [LISTING, {"title": "Kettle"}]})
    assert response.status_code == 200, response.text
    seen = answers.seen[0]
    assert seen["title"] == "Red & blue shirt"
    assert seen["price"] == 9.5
    assert seen["category"] == ["A", "B > C"]
    assert dict(seen["attributes"]) == {"colour": ["red", "blue"], "size": ["M"]}
    assert seen["url"] == "file:///etc/passwd"  # text and nothing else
    assert seen["image"] == encoded()
    assert answers.seen[1]["image"] is None
    told = response.json()
    assert [each["product_id"] for each in told["listings"]] == ["n1", "listing 2"]
    assert told["not_fitted"] == ["clustering"]


def test_a_form_says_the_same(tasks, answers):
    listings = {"listings": [{key: LISTING[key] for key in LISTING if key != "picture"}, {"product_id": "n2"}]}
    files = {"picture_0": encoded(), "picture_1": encoded("JPEG")}
    assert tasks.post("/enrich", data={"listings": json.dumps(listings)}, files=files).status_code == 200
    by_form = answers.seen.copy()
    assert by_form[1]["image"] == encoded("JPEG")
    tasks.post("/enrich", json={"listings": [LISTING]})
    assert answers.seen[2] == by_form[0]


NOWHERE = (
    "/etc/passwd",
    "http://127.0.0.1:1/x.png",
    "file:///etc/passwd",
    "s3://bucket/x",
    "data:image/png;base64,AA==",
)


@pytest.mark.parametrize("picture", [*NOWHERE, "한국", "aGVsbG8"])
def test_a_picture_that_is_not_its_own_bytes_is_refused(tasks, answers, picture, monkeypatch):
    def opened(*_arguments, **_named):
        raise AssertionError("a request made it open something")

    monkeypatch.setattr("pathlib.Path.open", opened)
    monkeypatch.setattr("socket.create_connection", opened)
    for body in ({"listings": [{"picture": picture}]}, {"listings": [{"title": "a", "picture": picture}]}):
        assert "listings[0].picture is not base64" in fault(tasks.post("/enrich", json=body), 422)
    assert "listing.picture" in fault(tasks.post("/match", json={"listing": {"picture": picture}}), 422)
    assert answers.seen == []


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "listings"),
        ({"listings": []}, 422, "listings"),
        ({"listings": [{}]}, 422, r"listings[0]: no title and no picture"),
        ({"listings": [{"title": " "}]}, 422, "listings[0]"),
        ({"listings": [{"title": "a"}] * (MAX_LISTINGS + 1)}, 413, "64"),
        ({"listings": [{"title": "a", "product_id": "x"}] * 2}, 422, "product_id"),
        ({"listings": [{"title": "a", "image": "x.png"}]}, 422, "listings.0.image"),
        ({"listings": [{"title": "a", "image_url": "http://x"}]}, 422, "image_url"),
        ({"listings": [{"title": 7}]}, 422, "title"),
        ({"listings": [{"title": "a" * 2_001}]}, 422, "title"),
        ({"listings": [{"title": "a", "price": -1}]}, 422, "price"),
        ({"listings": [{"title": "a", "attributes": {"a": 1}}]}, 422, "attributes"),
        ({"listings": [{"title": "a", "picture": base64_of(b"<svg/>")}]}, 415, "listings[0].picture"),
        ({"listings": [{"title": "a", "picture": base64_of(encoded()[:50])}]}, 422, "listings[0].picture"),
        ({"listings": [{"title": "a", "picture": base64_of(encoded(size=(7_000, 7_000)))}]}, 413, "million pixels"),
        ([], 422, "body"),
    ],
)
def test_what_can_not_be_enriched_says_why(tasks, answers, body, status, said):
    error = fault(tasks.post("/enrich", json=body), status)
    assert said in error
    assert len(error) < 600
    assert answers.seen == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"listings": [{"title": "\\ud800"}]}', b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_refused(tasks, content):
    headers = {"Content-Type": "application/json"}
    fault(tasks.post("/enrich", content=content, headers=headers), 422)
    fault(tasks.post("/match", content=content, headers=headers), 422)


def test_other_kinds_of_bodies_are_refused(tasks):
    fault(tasks.post("/enrich", content=b"title\na", headers={"Content-Type": "text/csv"}), 415)
    fault(tasks.post("/match", data={"a": "b"}), 415)
    for name in ("picture_x", "picture_-1", "picture_99999999999", "other"):
        answer = tasks.post("/enrich", data={"listings": '{"listings": []}'}, files={name: encoded()})
        assert name in fault(answer, 422)
    answer = tasks.post("/enrich", data={"listings": '{"listings": [{"title": "a"}]}'}, files={"picture_1": encoded()})
    assert "picture_1" in fault(answer, 422)
    fault(tasks.post("/enrich", files={"picture_0": encoded()}), 422)


def test_many_large_pictures_are_too_much(tasks):
    picture = base64_of(encoded().ljust(4 << 20, b"\0"))
    body = {"listings": [{"picture": picture} for _ in range(4)]}
    assert "16 MB" in fault(tasks.post("/enrich", json=body), 413)


def test_match(tasks, answers):
    pair = {"left": {"title": "a", "product_id": "x"}, "right": {"title": "b", "product_id": "x"}}
    told = tasks.post("/match", json=pair).json()
    assert (told["probability"], told["same"], told["reason"]) == (0.9, True, "same title")
    assert [row["title"] for row in answers.seen] == ["a", "b"]
    told = tasks.post("/match", json={"listing": {"title": "a"}}).json()
    assert (told["same"], told["nearest_catalog_id"], told["nearest_product_id"]) == (False, "c1", "p1")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"left": {"title": "a"}},
        {"right": {"title": "a"}},
        {"left": {"title": "a"}, "right": {"title": "a"}, "listing": {"title": "a"}},
        {"left": {"title": "a"}, "listing": {"title": "a"}},
    ],
)
def test_match_wants_two_listings_or_one(tasks, body):
    assert "either left and right, or listing" in fault(tasks.post("/match", json=body), 422)


def test_match_that_is_not_fitted(tasks, answers):
    answers.can_match = False
    assert "eclip fit" in fault(tasks.post("/match", json={"listing": {"title": "a"}}), 409)


def test_every_column_of_the_answers_is_told():
    assert list(EnrichedListing.model_fields) == ENRICHED_SCHEMA.names
