from __future__ import annotations

import numpy as np
import pytest
from fakeshop import FakeEngine, encoded, fault, hit, through
from fastapi.testclient import TestClient

from eclip.errors import MissingExtraError
from eclip.search.instances import finder
from eclip.search.query import Filters
from eclip.search.results import Results
from eclip.serve.app import create_app
from eclip.serve.desk import Desk
from eclip.serve.live import Live, Snapshot


class PictureEngine(FakeEngine):
    """Finds something in every region but the whole, the first one encoded."""

    digest = "m1"

    @property
    def encoder(self):
        return self

    def encode_image(self, images):
        return np.eye(4, dtype=np.float32)[1 if len(images) > 1 else 0 :][: len(images)]

    def search_encoded(self, query, vector):
        self.asked.append(query)
        place = int(np.argmax(vector))
        return Results(hits=[hit(f"p{place}")] if place else [], num_products=1)


@pytest.fixture
def engine():
    return PictureEngine()


@pytest.fixture(autouse=True)
def regions(monkeypatch):
    boxes = np.array([(0, 0, 60, 40), (1, 2, 30.5, 20), (31, 2, 60, 40)], dtype=np.float64)
    monkeypatch.setattr(finder, "propose_regions", lambda picture, max_regions: boxes)


def ask(client, photo, **fields):
    return client.post("/instances", files={"photo": ("x.png", photo)}, data=fields)


def test_products_of_a_photo(client, engine):
    answer = ask(client, encoded(size=(60, 40)), category="Women > Dresses", top_k="3", hide_adult="true")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["width"], body["height"]) == (60, 40)
    assert [each["box"] for each in body["instances"]] == [
        {"left": 1, "top": 2, "right": 31, "bottom": 20},
        {"left": 31, "top": 2, "right": 60, "bottom": 40},
    ]
    assert [each["hits"][0]["product_id"] for each in body["instances"]] == ["p1", "p2"]
    assert [each["hits"][0]["image_url"] for each in body["instances"]] == ["/products/p1/image", "/products/p2/image"]
    assert [each["confidence"] for each in body["instances"]] == [0.5, 0.5]
    assert [query.top_k for query in engine.asked] == [16, 3, 3]
    assert engine.asked[2].filters == Filters(category=("Women", "Dresses"), hide_adult=True)
    assert len(ask(client, encoded(size=(60, 40)), max_instances="1").json()["instances"]) == 1


def test_the_client_asks_the_same(client, engine):
    with through(client) as shop:
        found = shop.instances(encoded(size=(60, 40)), category="Women > Dresses", top_k=3)
    assert [each.hits[0].product_id for each in found.instances] == ["p1", "p2"]
    assert engine.asked[2].filters == Filters(category=("Women", "Dresses"))


@pytest.mark.parametrize(
    ("photo", "status"), [(b"no picture", 415), (b"<svg/>", 415), (encoded(size=(64, 64))[:-40], 422)]
)
def test_what_is_no_whole_photo_is_refused(client, engine, photo, status):
    assert "photo can't be read" in fault(ask(client, photo), status)
    assert engine.asked == []


def test_fields_that_say_nothing_sensible(client):
    assert "photo" in fault(client.post("/instances", data={"top_k": "2"}), 422)
    assert "max_instances" in fault(ask(client, encoded(), max_instances="99"), 422)
    assert "attribute" in fault(ask(client, encoded(), attribute="red"), 422)


def test_a_model_of_titles_alone(engine):
    client = TestClient(create_app(Desk(live=Live(Snapshot(engine=engine, modalities=("text",))))))
    assert "has not learned to read pictures" in fault(ask(client, encoded()), 422)


def test_a_service_without_opencv_says_so(client, monkeypatch):
    def missing(picture, max_regions):
        raise MissingExtraError("needs OpenCV")

    monkeypatch.setattr(finder, "propose_regions", missing)
    assert fault(ask(client, encoded()), 501) == "this service can't look into photos: needs OpenCV"
