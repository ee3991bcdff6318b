"""The report of a store: its figures by hand, its treemap, what stands on the page and what must not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from eclip.products.prepare import prepare_store
from eclip.products.report.figures import FIGURE_COLUMNS, category_regions, count_figures
from eclip.products.report.page import render_store_report
from eclip.products.report.treemap import Box, treemap
from eclip.products.store import Store
from eclip.products.update import update_store

FEED = """id,title,image,seller,category,catalog_id,attributes
1,Red  shoe,a.png,Kim,Shoes > Red,k1,colour=red
2,Red shoe,a.png,Kim,Shoes > Red,k1,colour=red
3,Blue shoe,gone.png,Lee,Shoes > Blue,k2,colour=blue;size=40
4,<b>Hat</b> <script>alert(1)</script>,b.png,Lee,Hats,k2,
5,,,Lee,Hats,,
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("shop")
    for index, name in enumerate("ab"):
        stripes = (
            Image.linear_gradient("L").resize((200, 100)).point(lambda level, step=index: level * (3 + step) % 256)
        )
        stripes.convert("RGB").save(folder / f"{name}.png")
    (folder / "feed.csv").write_text(FEED)
    prepare_store(folder / "feed.csv", folder / "store", images=None, columns="", category_separator=None)
    return Store.open(folder / "store")


def test_after_an_update_the_page_counts_the_store_not_the_last_feed(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "store"
    shutil.copytree(store.path, copy)
    (tmp_path / "next.csv").write_text(
        "id,title,image,seller,category,catalog_id,attributes\n9,Sock,,Kim,Socks,,\n10,,,,,,\n"
    )
    update_store(tmp_path / "next.csv", copy, remove_missing=False, images=None, columns="", category_separator=None)
    page = " ".join(re.sub(r"<[^>]*>", " ", (copy / "report.html").read_text(encoding="utf-8")).split())
    assert "The store after its last update" in page
    assert "2 rows read, 1 new" in page
    assert "From rows to products in the store 5" in page
    assert "Rows not kept of the last feed no title and no picture: 1" in page
    before = " ".join(re.sub(r"<[^>]*>", " ", render_store_report(store)).split())
    assert "From rows to products rows read 5 kept 4" in before


def test_figures_by_hand(store: Store) -> None:
    rejects = store.rejects()
    found = count_figures(store.table(FIGURE_COLUMNS), rejects, rows_read=5)
    assert {bar.label: bar.count for bar in found.funnel} == {
        "rows read": 5,
        "kept": 4,
        "with a title": 4,
        "with a picture": 3,
        "repeating no other": 3,
        "in a catalog of two or more": 4,
    }
    assert [(each.name, each.count) for each in found.rejects] == [("no title and no picture", 1)]
    assert found.rejects[0].rows[0].startswith("row 5: ")
    assert [(each.name, each.count, each.rows) for each in found.flags] == [
        ("unreadable picture", 1, ["3: no such file"])
    ]
    assert {bar.label: (bar.count, bar.note) for bar in found.attributes} == {"colour": (3, "75%"), "size": (1, "25%")}
    assert [(bar.label, bar.count) for bar in found.duplicate_sizes] == [("2 listings", 1)]
    assert [(bar.label, bar.count) for bar in found.catalog_sizes] == [("2 listings", 2)]
    assert [(t.seller, t.listings, t.flagged, t.duplicates, t.no_picture) for t in found.sellers] == [
        ("Lee", 2, 1, 0, 1),
        ("Kim", 2, 0, 1, 0),
    ]
    assert found.num_changed_titles == 1  # spaces alone are no change


def test_the_page_shows_real_groups_and_runs_nothing(store: Store) -> None:
    page = (store.path / "report.html").read_text(encoding="utf-8")
    assert page == render_store_report(store)
    assert "same title, seller and picture" in page
    assert page.count("data:image/jpeg;base64,") == 2 + 3  # both of a duplicate, and catalogs k1 and k2 (one picture)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=.?https?:", page)


def test_a_feed_without_anything_but_titles(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("title\n신발\nShoe\n")
    prepare_store(tmp_path / "feed.csv", tmp_path / "store", images=None, columns="", category_separator=None)
    page = (tmp_path / "store" / "report.html").read_text(encoding="utf-8")
    for text in ("The feed has no categories", "The feed has no attributes", "No listing repeats another", "Korean"):
        assert text in page


def test_regions_of_one_root_stay_within_its_box() -> None:
    regions = category_regions([["a", "x"], ["a", "x"], ["a", "y"], ["b"], None, []])
    assert {(region.label, region.count, region.root) for region in regions} == {
        ("a > x", 2, 0),
        ("a > y", 1, 0),
        ("b", 1, 1),
    }
    area = {region.label: region.box.width * region.box.height for region in regions}
    assert area == {"a > x": pytest.approx(5000), "a > y": pytest.approx(2500), "b": pytest.approx(2500)}


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=40))
def test_a_treemap_fills_the_whole_in_proportion(sizes: list[float]) -> None:
    sizes = sorted(sizes, reverse=True)
    boxes = treemap(sizes, Box(0, 0, 3, 2))
    for size, box in zip(sizes, boxes, strict=True):
        assert box.width * box.height == pytest.approx(6 * size / sum(sizes), rel=1e-6)
        assert box.left >= -1e-9
        assert box.top >= -1e-9
        assert box.left + box.width <= 3 + 1e-6
        assert box.top + box.height <= 2 + 1e-6
    for i, one in enumerate(boxes):
        for two in boxes[i + 1 :]:
            apart_x = one.left + one.width <= two.left + 1e-6 or two.left + two.width <= one.left + 1e-6
            apart_y = one.top + one.height <= two.top + 1e-6 or two.top + two.height <= one.top + 1e-6
            assert apart_x or apart_y
