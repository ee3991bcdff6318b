"""`eclip sellers` on a drawn shop with planted rings, from the feed to the page."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from eclip.commands.sellers import SellersSummary, sellers
from eclip.errors import StoreError
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.sample.shop import draw_shop

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of 24 sellers, three of them a ring; one of these is called like a formula."""
    folder = tmp_path_factory.mktemp("ringed")
    drawn = draw_shop(folder / "shop", num_products=110, num_sellers=24, seed=2, num_rings=1)
    members = [row["seller"] for row in rows(folder / "shop" / "rings.csv")]
    for path in (drawn.feed, folder / "shop" / "rings.csv"):
        path.write_text(path.read_text(encoding="utf-8").replace(members[0], "=A&B " + members[0]), encoding="utf-8")
    prepare_store(drawn.feed, folder / "store", images=None, columns="", category_separator=None)
    return folder


@pytest.fixture(scope="module")
def found(shop: Path) -> SellersSummary:
    return sellers(shop / "store", out=shop / "out")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_planted_ring_is_found(shop: Path, found: SellersSummary) -> None:
    planted: dict[str, set[str]] = {}
    for row in rows(shop / "shop" / "rings.csv"):
        planted.setdefault(row["ring"], set()).add(row["seller"])
    names = found.study.listings.seller_names
    assert sorted(({names[each] for each in ring.members} for ring in found.study.rings), key=sorted) == sorted(
        planted.values(), key=sorted
    )


def test_counts_are_those_of_the_store(shop: Path, found: SellersSummary) -> None:
    table = Store.open(shop / "store").table(["seller", "duplicate_of"]).to_pylist()
    for row in json.loads((shop / "out" / "sellers.json").read_text(encoding="utf-8"))["sellers"]:
        own = [each for each in table if each["seller"] == row["seller"]]
        assert row["listings"] == len(own)
        assert row["duplicates"] == sum(each["duplicate_of"] is not None for each in own)
        assert row["duplicates_low"] <= row["duplicates_rate"] <= row["duplicates_high"]
    evidence = rows(shop / "out" / "evidence.csv")
    assert sum(row["trouble"] == "duplicates" for row in evidence) == sum(
        each["duplicate_of"] is not None for each in table
    )


def test_names_of_sellers_are_text_on_the_page_and_in_tables(shop: Path, found: SellersSummary) -> None:
    page = found.page.read_text(encoding="utf-8")
    assert "=A&B " not in page
    assert "=A&amp;B " in page
    told = [row["seller"] for row in rows(shop / "out" / "sellers.csv")]
    assert any(name.startswith("'=A&B ") for name in told)
    assert not any(name.startswith("=") for name in told)


def test_the_same_store_gives_the_same_study(shop: Path, found: SellersSummary, tmp_path: Path) -> None:
    sellers(shop / "store", out=tmp_path / "again")
    for path in sorted((tmp_path / "again").iterdir()):
        assert path.read_bytes() == (shop / "out" / path.name).read_bytes()


def test_a_store_without_sellers_is_refused(small_store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no listing names its seller; .*--columns seller="):
        sellers(small_store.path, out=tmp_path / "out")
