"""Catalogs of invented listings: what links, what cuts, and what must hold whatever the feed says."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclip.products.catalogs import CATALOG_KEYS, CatalogAssignment, assign_catalogs
from eclip.products.catalogs.clusters import Clusters
from eclip.products.catalogs.conflicts import trait_of_values
from eclip.products.catalogs.identifiers import normal_gtin

GTIN_A, GTIN_B, GTIN_C = "4006381333931", "8801234567893", "036000291452"


def assign(*rows: dict[str, Any], pairs: Any = ()) -> CatalogAssignment:
    listings = [{"product_id": f"L{i}", "seller": f"shop {i}", **row} for i, row in enumerate(rows)]
    return assign_catalogs({name: [row.get(name) for row in listings] for name in CATALOG_KEYS}, pairs)


def together(found: CatalogAssignment) -> list[set[int]]:
    groups: dict[str, set[int]] = defaultdict(set)
    for row, name in enumerate(found.catalog_id):
        if name is not None:
            groups[name].add(row)
    return sorted(groups.values(), key=min)


def test_a_barcode_links_however_it_is_written() -> None:
    found = assign({"title": "Mug", "gtin": GTIN_C}, {"title": "머그컵", "gtin": "0" + GTIN_C}, {"title": "Mug"})
    assert found.catalog_id == ["gtin:00036000291452", "gtin:00036000291452", None]
    assert found.catalog_reason == ["same barcode", "same barcode", None]


def test_in_store_and_stand_in_barcodes_link_nothing() -> None:
    for gtin in ("2012345678909", "0000000000000", "1234567890128"):
        assert assign({"title": "Mug", "gtin": gtin}, {"title": "Hose", "gtin": gtin}).catalog_id == [None, None]


def test_a_barcode_is_cut_by_colours_and_sizes_and_brands() -> None:
    base = {"title": "Orvo Kettle", "gtin": GTIN_A, "brand": "Orvo"}
    for other in (
        {"attributes": {"colour": ["Jet Black"]}},
        {"attributes": {"size": ["XL"]}},
        {"brand": "Lumo"},
        {"model_number": "KE-2200"},
    ):
        own = {"attributes": {"colour": ["white"], "size": ["M"]}, "model_number": "KE-1100"}
        found = assign({**base, **own}, {**base, **other})
        assert found.catalog_id == [None, None], other
        assert {conflict.action for conflict in found.conflicts} == {"cut"}
    same = assign(
        {**base, "attributes": {"colour": ["black"]}}, {**base, "attributes": [("color", ["블랙"])]}, {**base}
    )
    assert together(same) == [{0, 1, 2}]


def test_a_listing_that_fits_two_parts_joins_neither() -> None:
    base = {"gtin": GTIN_A, "title": "Kettle"}
    black, white = ({**base, "attributes": {"colour": [colour]}} for colour in ("black", "white"))
    assert together(assign(black, black, white, white, base)) == [{0, 1}, {2, 3}]
    assert together(assign(black, black, black, white, base)) == [{0, 1, 2, 4}]  # a slip of one is outvoted


def test_two_offers_that_disagree_do_not_part_the_many_that_do_not_speak_of_it() -> None:
    net, gross = ({"title": f"Velmo vx4203ic fridge {litres} litre"} for litres in (350, 375))
    silent = [{"title": f"Velmo vx4203ic {word} fridge"} for word in ("tall", "quiet", "slim", "steel", "low", "wide")]
    found = assign(net, gross, *silent)
    assert together(found) == [set(range(2, 8))]
    assert found.catalog_reason[2:] == ["same model number in title"] * 6
    assert together(assign(net, gross, *silent[:5])) == []  # not three times as many
    assert together(assign(*[net] * 2, *[gross] * 2, *silent)) == [{0, 1}, {2, 3}]


def test_given_ids_win_and_their_contradictions_are_flagged() -> None:
    found = assign(
        {"title": "Mug", "catalog_id": "c1", "gtin": GTIN_A},
        {"title": "Cup", "catalog_id": "c1", "gtin": GTIN_B},
        {"title": "Cup", "gtin": GTIN_B},
        {"title": "Jar", "catalog_id": "c2", "gtin": GTIN_A},
    )
    assert found.catalog_id == ["c1", "c1", "c1", "c2"]
    assert found.catalog_reason == ["given", "given", "same barcode", "given"]
    assert found.flags == [["catalog conflict: barcodes"]] * 2 + [[], []]
    assert {(conflict.action, conflict.clash) for conflict in found.conflicts} == {
        ("flagged", "barcodes"),
        ("cut", "catalogs"),
    }


def test_brand_and_model_number_from_column_and_title() -> None:
    found = assign(
        {"title": "Orvo headphones", "brand": "Orvo", "model_number": "WH-1000XM4"},
        {"title": "headphones orvo wh1000xm4 black", "brand": "ORVO"},
        {"title": "Orvo WH-1000XM4", "model_number": "see description"},
        {"title": "Lumo headphones", "brand": "Lumo", "model_number": "WH1000XM4"},
        {"title": "Orvo headphones WH-1000XM5", "brand": "Orvo"},
    )
    assert together(found) == [{0, 1, 2}]
    assert found.catalog_id[0] == "model:orvo:wh1000xm4"


def test_amounts_cut_a_model_number() -> None:
    found = assign({"title": "Orvo GX900T 64gb"}, {"title": "GX900T 4GB 64GB Orvo"}, {"title": "Orvo GX900T 128 GB"})
    assert together(found) in ([{0, 1}], [])
    assert found.catalog_id[2] is None


def fill() -> list[dict[str, Any]]:
    """Other titles, so that the words of generic ones are common."""
    return [{"title": f"Women Silver Earrings set {name}"} for name in "abcdefghijklmnop"]


def test_a_generic_title_makes_no_catalog() -> None:
    """One title, many pictures: "Belmira Women Silver Earrings" of one shop, and a plain one of many."""
    one_shop = [
        {"title": "Belmira Women Silver Earrings", "seller": "shop", "image_hash": f"p{i}", "price": 10.0 + i}
        for i in range(20)
    ]
    assert together(assign(*one_shop, *fill())) == []
    no_seller = [{**row, "seller": None, "price": None} for row in one_shop]
    assert together(assign(*no_seller, *fill())) == []
    many_shops = [{"title": "Women Silver Earrings", "image_hash": f"p{i}"} for i in range(5)]
    assert together(assign(*many_shops, *fill())) == []


def test_a_telling_title_of_several_sellers_makes_one() -> None:
    rows = [{"title": "[SALE] Zerika Amphora Vase", "price": 20.0}, {"title": "zerika AMPHORA vase", "price": 22.0}]
    found = assign(*rows, *fill())
    assert together(found) == [{0, 1}]
    assert found.catalog_reason[:2] == ["same title"] * 2
    rows[1]["price"] = 90.0
    assert together(assign(*rows, *fill())) == []


def test_near_pictures_need_agreeing_titles() -> None:
    rows = [
        {"title": "Zerika Amphora Vase tall", "price": 20.0},
        {"title": "Amphora vase Zerika", "price": 21.0},
        {"title": "Milo dinner plate", "price": 20.0},
        {"title": "Zerika Amphora Vase 2 tall", "price": 20.0},
        {"title": "Zerika Amphora vase tall black", "price": 20.0, "seller": "both"},
    ]
    pairs = np.array([[0, 1], [0, 2], [0, 3], [3, 4]])
    found = assign(*rows, pairs=pairs)
    assert together(found) == [{0, 1}]
    assert found.catalog_reason[0] == "same picture and agreeing title"


def test_one_sellers_different_prices_cut_weak_evidence() -> None:
    rows = [
        {"title": f"Orvo GX900T {word}", "seller": "shop", "price": price} for word, price in (("tv", 9), ("tv", 9))
    ]
    assert together(assign(*rows)) == [{0, 1}]
    rows[1]["price"] = 12
    assert together(assign(*rows)) == []


def test_a_title_that_one_seller_lists_again_is_no_evidence() -> None:
    # Three sizes of one series under one title; the number in it is the series'.
    title = "Velmo tv vx55a6200 led smart television"
    series = {"title": title, "seller": "shop"}
    others = [{"title": "Velmo vx55a6200 4k television"}, {"title": "tv Velmo vx55a6200"}]
    found = assign(*[series] * 3, *others)
    assert together(found) == [{3, 4}]
    # The same listing put up twice: one price and one picture say that it is one item.
    twice = {**series, "price": 500.0, "image_hash": "aa"}
    assert together(assign(twice, twice, *others)) == [{0, 1, 2, 3}]


def test_a_number_that_other_titles_continue_is_cut_off() -> None:
    def listed(*numbers: str) -> CatalogAssignment:
        return assign(
            *({"title": f"Velmo {number} dishwasher {word}"} for number, word in zip(numbers, "abcd", strict=False))
        )

    assert together(listed("vg420i", "vg420i")) == [{0, 1}]
    assert together(listed("vg420i", "vg420i", "vg420iwh", "vg420iwh")) == [{2, 3}]
    assert together(listed("vg4203ix", "vg4203ix", "vg4203ixwh")) == [{0, 1}]


def test_colours_in_titles_cut_a_number_in_titles() -> None:
    rows = [{"title": f"Velmo vx4203ic dishwasher {colour}"} for colour in ("white", "black", "white")]
    assert together(assign(*rows)) == [{0, 2}]


def test_listings_of_one_full_title_are_no_variants_by_that_alone() -> None:
    silver = {"title": "Marida anusuya silver earrings", "seller": "shop"}
    gold = {**silver, "title": "Marida anusuya gold earrings"}
    assert assign(silver, gold).model_id[0] is not None
    found = assign(*[silver] * 5, gold)
    assert found.model_id == [None] * 6
    sizes = [{**silver, "attributes": {"size": [size]}} for size in ("S", "M", "L")]
    assert len(set(assign(*sizes).model_id)) == 1
    assert assign(*sizes).model_id[0] is not None


def test_variants_share_a_model_but_no_catalog() -> None:
    found = assign(
        {"title": "Orvo Zerika Kettle Black", "brand": "Orvo", "attributes": {"colour": ["black"]}},
        {"title": "Orvo Zerika Kettle White", "brand": "Orvo", "attributes": {"colour": ["white"]}},
        {"title": "Orvo toaster", "brand": "Orvo", "model_number": "VE-6674-BR2"},
        {"title": "토스터", "brand": "Orvo", "model_number": "VE-6674-BL1"},
        {"title": "Mug", "model_id": "m1"},
        {"title": "Mug", "model_id": "m1"},
    )
    assert together(found) == []
    models = found.model_id
    assert models[0] == models[1] is not None
    assert models[2] == models[3] == "model:orvo:ve6674"
    assert models[4:] == ["m1", "m1"]


def test_no_rows_and_missing_columns() -> None:
    assert assign_catalogs({"product_id": []}).catalog_id == []
    assert assign_catalogs(pa.table({"product_id": ["a"], "title": pa.array([None], pa.string())})).catalog_id == [None]


def test_arrow_map_attributes_are_read() -> None:
    attributes = pa.array(
        [[("colour", ["black"])], [("colour", ["white"])], None], pa.map_(pa.string(), pa.list_(pa.string()))
    )
    table = pa.table({"product_id": ["a", "b", "c"], "gtin": [GTIN_A] * 3, "attributes": attributes})
    assert assign_catalogs(table).catalog_id == [None, None, None]


LISTING = st.fixed_dictionaries(
    {
        "title": st.sampled_from(
            ["Orvo Kettle KE2200", "Zerika Vase", "Orvo Kettle black", "Lumo Mug", "kettle ke-2200", None]
        ),
        "seller": st.sampled_from(["a", "b", "c", None]),
        "brand": st.sampled_from(["Orvo", "Lumo", None]),
        "price": st.sampled_from([10.0, 11.0, 40.0, None]),
        "gtin": st.sampled_from([GTIN_A, GTIN_B, GTIN_C, "2012345678909", None, None]),
        "model_number": st.sampled_from(["KE2200", "KE-2200-W", "XX900", None, None]),
        "attributes": st.sampled_from([{"colour": ["black"]}, {"colour": ["white"]}, {"size": ["M"]}, None]),
        "catalog_id": st.sampled_from(["c1", "c2", None, None, None]),
        "model_id": st.sampled_from(["m1", None, None]),
        "image_hash": st.sampled_from(["p1", "p2", None]),
    }
)  # fmt: skip
FEED = st.lists(LISTING, min_size=1, max_size=12)


@settings(max_examples=50, deadline=None)
@given(FEED, st.randoms(use_true_random=False))
def test_what_holds_for_every_feed(rows: list[dict[str, Any]], dice: Any) -> None:
    pairs = [(dice.randrange(len(rows)), dice.randrange(len(rows))) for _ in range(4)]
    found = assign(*rows, pairs=pairs)
    by_name: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(found.catalog_id):
        if rows[row]["catalog_id"] is not None:
            assert name == rows[row]["catalog_id"]
            assert found.catalog_reason[row] == "given"
        if rows[row]["model_id"] is not None:
            assert found.model_id[row] == rows[row]["model_id"]
        assert (name is None) == (found.catalog_reason[row] is None)
        if name is not None:
            by_name[name].append(row)
    for name, members in by_name.items():
        inferred = [row for row in members if rows[row]["catalog_id"] is None]
        assert len(members) > 1 or not inferred
        if name in ("c1", "c2"):
            continue
        barcodes = {normal_gtin(rows[row]["gtin"]) for row in members} - {None}
        colours = {str(rows[row]["attributes"]) for row in members if "colour" in (rows[row]["attributes"] or {})}
        assert len(barcodes) <= 1
        assert len(colours) <= 1


@settings(max_examples=40, deadline=None)
@given(FEED, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, Any]], dice: Any) -> None:
    rows = [{"product_id": f"L{i}", **row} for i, row in enumerate(rows)]
    pairs = [(dice.randrange(len(rows)), dice.randrange(len(rows))) for _ in range(4)]
    order = list(range(len(rows)))
    dice.shuffle(order)
    place = {row: position for position, row in enumerate(order)}
    found = assign(*rows, pairs=pairs)
    again = assign(*(rows[row] for row in order), pairs=[(place[a], place[b]) for a, b in pairs])
    assert [again.catalog_id[place[row]] for row in range(len(rows))] == found.catalog_id
    assert [again.catalog_reason[place[row]] for row in range(len(rows))] == found.catalog_reason
    assert [again.model_id[place[row]] for row in range(len(rows))] == found.model_id


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_without_facts_clusters_are_plain_components(links: list[tuple[int, int]]) -> None:
    """The slow twin: flood fill over the links."""
    clusters = Clusters(
        traits=[trait_of_values("catalogs", [None] * 10)],
        sellers=np.full(10, -1),
        asked=np.zeros(10),
        ranks=np.arange(10),
    )
    for left, right in links:
        clusters.unite_fitting({clusters.root(left), clusters.root(right)}, (0,), offers=True)
    for start in range(10):
        reached, open_rows = {start}, [start]
        while open_rows:
            row = open_rows.pop()
            near = {b for a, b in links if a == row} | {a for a, b in links if b == row}
            open_rows += near - reached
            reached |= near
        assert set(clusters.members(clusters.root(start))) == reached


@pytest.mark.parametrize("reverse", [False, True])
def test_one_wrong_barcode_does_not_chain_two_catalogs(reverse: bool) -> None:
    rows = [{"title": f"Orvo Kettle {i}", "brand": "Orvo", "gtin": GTIN_A} for i in range(3)]
    rows += [{"title": f"Lumo Vase {i}", "brand": "Lumo", "gtin": GTIN_B} for i in range(3)]
    rows += [{"title": "Lumo Vase", "brand": "Lumo", "gtin": GTIN_A, "model_number": "VX-900"}]
    rows[3]["model_number"] = "VX900"
    found = assign(*(rows[::-1] if reverse else rows))
    assert [len(group) for group in together(found)] == [3, 3]
