"""What is shown on the review page, and that nothing of a feed can run there."""

from __future__ import annotations

import base64
import hashlib
import io
import re

import pytest
from PIL import Image

from eclip.products.listings import plan_listings
from eclip.products.titles.cleaner import TitleCleaner
from eclip.tasks.corrections.choose import Doubt, known_values, least_certain
from eclip.tasks.corrections.page import Shown, render_review
from eclip.tasks.corrections.shown import shown_in_feed, shown_in_store


def answer(product_id: str | None, category: float | None, adult: float | None = None, **colours: float) -> dict:
    return {
        "product_id": product_id,
        "category_leaves": None if category is None else {f"Home > c{category}": category, "Home > other": 0.05},
        "category_unknown": category == 0.4,
        "policy": None,
        "policy_reason": "seller" if adult == 0.9 else None,
        "adult_probability": adult,
        "attributes": {name: f"v{name}" for name in colours},
        "attribute_confidences": dict(colours),
        "attribute_conflicts": {"size": "the picture says L, the title says M"}
        if colours.get("size") == 0.99
        else None,
    }


ROWS = [
    answer("a", 0.9, 0.02, colour=0.3),
    answer("b", 0.4, 0.55, colour=0.2, size=0.99),
    answer("c", 0.6, 0.9),
    answer("unusable", None),
    answer(None, 0.1),
]


def test_the_least_certain_of_each_field_in_turn():
    found = [(d.product_id, d.field) for d in least_certain(ROWS, top=7)]
    assert found == [
        ("b", "category"),
        ("b", "policy"),
        ("b", "attributes.colour"),
        ("b", "attributes.size"),
        ("c", "category"),
        ("c", "policy"),
        ("a", "attributes.colour"),
    ]
    assert len(least_certain(ROWS, top=100)) == 9


def test_a_doubt_is_not_asked_twice_before_others_were_asked_once():
    pairs = [
        ("mug", 0.50, "cup"),
        ("cup", 0.51, "mug"),
        ("mug", 0.52, "cup"),
        ("hat", 0.60, "cap"),
        ("hat", 0.7, "mug"),
    ]
    rows = [
        {**answer(str(row), 0.5), "category_leaves": {best: chance, rival: 1 - chance}}
        for row, (best, chance, rival) in enumerate(pairs)
    ]
    assert [doubt.product_id for doubt in least_certain(rows, top=9)] == ["0", "3", "4", "1", "2"]


def test_an_answer_says_how_sure_it_is_whichever_way_it_goes():
    by_id = {d.product_id: d for d in least_certain(ROWS, top=100) if d.field == "policy"}
    assert (by_id["a"].value, by_id["a"].confidence) == ("", 0.98)
    assert (by_id["c"].value, by_id["c"].confidence) == ("adult", 0.9)
    assert "nearly as probable" in by_id["b"].reason
    assert by_id["c"].reason == "seller"
    sizes = [d.reason for d in least_certain(ROWS, top=100) if d.field == "attributes.size"]
    assert sizes == ["the picture says L, the title says M"]
    reasons = {d.product_id: d.reason for d in least_certain(ROWS, top=100) if d.field == "category"}
    assert reasons == {"a": "or Home > other (0.05)", "b": "like no known category", "c": "or Home > other (0.05)"}


def test_accepting_does_not_take_a_level_from_a_listing():
    """What is no adult product may be age-restricted all the same; its answer is that, not "none"."""
    rows = [{**answer("a", None, 0.3), "policy": "age-restricted"}, {**answer("b", None, 0.45), "policy": "adult"}]
    found = {doubt.product_id: doubt for doubt in least_certain(rows, top=9)}
    assert (found["a"].value, found["a"].rival, found["a"].confidence) == ("age-restricted", "adult", 0.7)
    assert (found["b"].value, found["b"].rival, found["b"].confidence) == ("adult", "", 0.45)


def test_values_to_choose_from_are_those_that_were_answered():
    values = known_values(ROWS)
    assert values["category"] == ["Home > c0.4", "Home > c0.6", "Home > c0.9"]
    assert values["policy"] == ["adult", "age-restricted", "sensitive"]


@pytest.fixture
def page() -> str:
    out = io.BytesIO()
    Image.new("RGB", (400, 200), "red").save(out, format="PNG")
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    doubts = [
        Doubt(product_id='a"b', field="category", value=evil, confidence=0.4, reason="r", margin=0.1),
        Doubt(product_id="c", field="attributes." + evil, value="", confidence=0.9, reason="r", margin=0.1),
    ]
    return render_review(doubts, {'a"b': Shown(evil, out.getvalue())}, {"category": [evil]}, source=evil)


def test_texts_of_a_feed_are_shown_and_never_run(page: str):
    assert len(re.findall("<script", page)) == 1
    assert len(re.findall("<img", page)) == 1
    assert "alert(1)" in page


def test_only_the_pages_own_script_may_run(page: str):
    script = re.search("<script>(.*)</script>", page, flags=re.DOTALL)
    allowed = re.search("script-src 'sha256-([^']+)'", page)
    assert script is not None
    assert allowed is not None
    assert base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode() == allowed[1]
    assert "default-src 'none'" in page


def test_the_page_needs_nothing_from_elsewhere(page: str):
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    small = re.search('data:image/jpeg;base64,([^"]+)', page)
    assert small is not None
    assert Image.open(io.BytesIO(base64.b64decode(small[1]))).size == (160, 80)
    assert "no picture" in page


def test_listings_of_a_store_and_of_its_feed_are_shown_alike(small_store):
    feed = small_store.path.parent / "feed.csv"
    ids = {"3", "40", "not there"}
    stored = shown_in_store(small_store, ids)
    fed = shown_in_feed(plan_listings(feed, titles=TitleCleaner()), ids)
    assert stored == fed
    assert set(stored) == {"3", "40"}
    assert stored["3"].title == "Product number 3 of 21"
    assert stored["3"].picture is not None
