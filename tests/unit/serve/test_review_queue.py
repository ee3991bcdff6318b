from __future__ import annotations

import shutil

import pytest
from fakeshop import fault, through
from fastapi.testclient import TestClient

from eclip.products.corrections import add_corrections, latest_corrections
from eclip.products.store import Store
from eclip.schema import STORE_MANIFEST
from eclip.search.results import Product
from eclip.serve.app import create_app
from eclip.serve.client import ServiceError
from eclip.serve.desk import Desk
from eclip.serve.listings import Judgement
from eclip.serve.live import Live, Snapshot
from eclip.serve.reviewqueue import doubtful_offers
from eclip.tasks.corrections.fields import corrections_table

NOTHING = dict.fromkeys(
    (
        "description",
        "brand",
        "seller",
        "price",
        "url",
        "gtin",
        "model_number",
        "catalog_id",
        "catalog_reason",
        "duplicate_of",
    )
)


class ShownStore:
    """Shows a store's listings with their corrections, and no more."""

    version, num_products = "v", 48

    def __init__(self, store):
        self.titles = dict(
            zip(
                *(store.table(["product_id", "title"])[name].to_pylist() for name in ("product_id", "title")),
                strict=True,
            )
        )
        self.said = latest_corrections(store.corrections())

    def product(self, product_id):
        if product_id not in self.titles:
            return None
        category = self.said.get(product_id, {}).get("category") or "Old > Shelf"
        return Product(
            **NOTHING,
            product_id=product_id,
            row=0,
            title=self.titles[product_id],
            raw_title=None,
            category=category.split(" > "),
            attributes={"colour": ["red"]},
            policy=None,
            num_pictures=1,
            sellers=[],
        )


class Answers:
    """Answers whose doubts are known: listing number n is n percent sure above one half."""

    not_fitted = ("clustering",)
    can_match = True

    def __init__(self):
        self.times_asked = 0
        self.answerers = self  # what they are: the same as long as answers stay the same

    def all_of_store(self, product_ids):
        self.times_asked += 1
        return [
            {
                "product_id": each,
                "category_leaves": {f"Leaf > {each}": 0.5 + int(each) / 100, "Other": 0.3},
                "category_unknown": False,
                "adult_probability": 0.5 - int(each) / 100,
                "policy": None,
                "policy_reason": "a word",
                "attributes": {"colour": "red" if int(each) % 2 else "blue", "size": "M"},
                "attribute_confidences": {"colour": 0.4 + int(each) / 100, "size": 0.99},
                "attribute_conflicts": None,
            }
            for each in product_ids
        ]

    def judge_offers(self, product_id, others):
        return {each: Judgement(0.25 + int(each) / 100, False, "the same barcode") for each in others}


class OnDisk:
    def __init__(self, folder):
        self.folder = folder

    def fingerprint(self):
        return (self.folder / STORE_MANIFEST).read_text(encoding="utf-8")

    def open(self, before):
        store = Store.open(self.folder)
        return Snapshot(engine=ShownStore(store), store=store, listings=before.listings if before else Answers())


@pytest.fixture
def folder(small_store, tmp_path):
    return shutil.copytree(small_store.path, tmp_path / "store")


@pytest.fixture
def desk(folder):
    made = Desk(live=Live.of(OnDisk(folder)))
    yield made
    made.close()


@pytest.fixture
def client(desk):
    with TestClient(create_app(desk, allow_corrections=True)) as client:
        yield client


def items(client, task, top_k=3):
    response = client.get("/review", params={"task": task, "top_k": top_k})
    assert response.status_code == 200
    return response.json()["items"]


def test_the_least_certain_come_first(client, desk):
    found = items(client, "category")
    assert [item["product_id"] for item in found] == ["0", "1", "2"]
    assert found[0]["value"] == "Leaf > 0"
    assert [choice["value"] for choice in found[0]["choices"]] == ["Leaf > 0", "Other", "Old > Shelf"]
    assert found[0]["given"] == "Old > Shelf"
    assert found[0]["title"] == "Product number 0 of 0"
    assert found[0]["image_url"] == "/products/0/image"
    items(client, "adult")
    assert desk.live.current.listings.times_asked == 1


def test_each_task_has_its_field_and_choices(client):
    adult = items(client, "adult")[0]
    assert (adult["field"], adult["product_id"]) == ("policy", "0")
    assert {choice["value"] for choice in adult["choices"]} == {"", "adult", "age-restricted", "sensitive"}
    attribute = items(client, "attributes")[0]
    assert attribute["field"] == "attributes.colour"
    assert {choice["value"] for choice in attribute["choices"]} == {"red", "blue"}


def test_offers_of_a_catalog_are_compared(client, folder):
    rows = [{"product_id": each, "field": "catalog_id", "value": "c1"} for each in ("3", "5", "9")]
    add_corrections(Store.open(folder), corrections_table(rows))
    found = doubtful_offers(Store.open(folder), Answers())
    assert [(item.product_id, item.other.product_id, round(item.confidence, 2)) for item in found] == [
        ("5", "3", 0.3),
        ("9", "3", 0.34),
    ]
    assert [choice.value for choice in found[0].choices] == ["c1", ""]
    assert items(client, "matching") == []  # a person has named these: nothing is open


def test_what_was_said_is_kept_shown_and_not_asked_again(client, folder):
    answer = client.post(
        "/corrections", json={"product_id": "0", "field": "category", "value": "New>Shelf", "source": "me"}
    )
    assert answer.status_code == 201
    assert [item["product_id"] for item in items(client, "category")] == ["1", "2", "3"]
    assert items(client, "adult")[0]["product_id"] == "0"  # another field of it
    table = Store.open(folder).corrections().to_pylist()
    assert [(row["product_id"], row["value"], row["source"]) for row in table] == [("0", "New > Shelf", "me")]
    for number in range(3):  # each on the manifest that the one before left
        body = {"product_id": str(number), "field": "attributes.colour", "value": ""}
        assert client.post("/corrections", json=body).status_code == 201
    assert Store.open(folder).corrections().num_rows == 4


def test_the_client_asks_and_corrects(client, folder):
    with through(client) as shop:
        assert [item.product_id for item in shop.review("category", top_k=2).items] == ["0", "1"]
        assert shop.correct("0", "category", "New > Shelf", source="me").value == "New > Shelf"
        assert [item.product_id for item in shop.review("category", top_k=2).items] == ["1", "2"]
        with pytest.raises(ServiceError, match="404: no product with the id '999'"):
            shop.correct("999", "category", None)
    assert Store.open(folder).corrections().num_rows == 1


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"product_id": "999", "field": "category", "value": "A"}, 404, "999"),
        ({"product_id": "0", "field": "title", "value": "A"}, 422, "unknown field"),
        ({"product_id": "0", "field": "policy", "value": "rude"}, 422, "unknown policy"),
        ({"product_id": "0", "field": "category", "value": "A" * 3_000}, 422, "value"),
        ({"product_id": "", "field": "category", "value": "A"}, 422, "product_id"),
    ],
)
def test_what_is_no_correction_is_refused(client, folder, body, status, word):
    assert word in fault(client.post("/corrections", json=body), status)
    assert Store.open(folder).corrections().num_rows == 0


def test_corrections_are_off_unless_allowed(desk, folder):
    closed = TestClient(create_app(desk))
    answer = closed.post("/corrections", json={"product_id": "0", "field": "category", "value": "A"})
    assert "--allow-corrections" in fault(answer, 403)
    assert Store.open(folder).corrections().num_rows == 0


def test_a_task_that_is_not_fitted_says_so(client, desk):
    desk.live.current.listings.not_fitted = ("category", "matching", "adult")
    assert "eclip fit" in fault(client.get("/review", params={"task": "category"}), 409)
    assert "eclip fit" in fault(client.get("/review", params={"task": "matching"}), 409)
    assert items(client, "adult")  # terms of titles answer
    fault(client.get("/review", params={"task": "colour"}), 422)
