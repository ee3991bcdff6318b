"""Filters and facets against plain loops over the listings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from eclip.errors import ConfigError
from eclip.schema import ATTRIBUTES_TYPE
from eclip.search.filtering import FilterTable
from eclip.search.query import MAX_WINDOW, Filters, Query, check_query, check_similar

PATHS = [["Home"], ["Home", "Mugs"], ["Home", "Mugs", "Tall"], ["Homeware"], ["Toys", "Mugs"], None]
N = 400


def drawn() -> list[dict]:
    rng = np.random.default_rng(7)
    return [
        {
            "category": PATHS[rng.integers(len(PATHS))],
            "price": None if rng.random() < 0.2 else float(rng.integers(1, 50)),
            "brand": [None, "Acme", "ACME", "Bolt", "Çelik"][rng.integers(5)],
            "attributes": [
                None,
                [("colour", ["Red"])],
                [("colour", ["red", "blue"]), ("size", ["L"])],
                [("size", ["L", "M"]), ("colour", [])],
            ][rng.integers(4)],
            "policy": [None, None, "adult", "sensitive"][rng.integers(4)],
            "group": int(rng.integers(150)),
        }
        for _ in range(N)
    ]


ROWS = drawn()
SCHEMA = pa.schema(
    {
        "category": pa.list_(pa.string()),
        "price": pa.float64(),
        "brand": pa.string(),
        "attributes": ATTRIBUTES_TYPE,
        "policy": pa.string(),
    }
)
TABLE = FilterTable(
    pa.concat_tables([pa.Table.from_pylist(part, schema=SCHEMA) for part in (ROWS[:130], ROWS[130:])]),
    np.unique([row["group"] for row in ROWS], return_inverse=True)[1],
)
FILTERS = [
    Filters(),
    Filters(category=("home",)),
    Filters(category=("Home", "mugs")),
    Filters(category=("Nowhere",)),
    Filters(min_price=10),
    Filters(min_price=10, max_price=10),
    Filters(max_price=30, brands=("acme", "bolt")),
    Filters(brands=("çelik", "unknown")),
    Filters(attributes={"colour": ("RED",)}),
    Filters(attributes={"colour": ("red", "blue"), "size": ("m",)}),
    Filters(attributes={"unknown": ("red",)}),
    Filters(hide_adult=True, category=("Home",), attributes={"size": ("L",)}),
]


def passes(row: dict, filters: Filters, *, but: str = "") -> bool:
    """What a filter means, said slowly; `but` names one that is not asked."""
    path = [name.casefold() for name in row["category"] or ()]
    wanted = [name.casefold() for name in filters.category]
    held = {name: {value.casefold() for value in values} for name, values in row["attributes"] or ()}
    priced = filters.min_price is None and filters.max_price is None
    least, most = filters.min_price or 0, np.inf if filters.max_price is None else filters.max_price
    return all(
        [
            but == "category" or path[: len(wanted)] == wanted,
            but == "price" or priced or (row["price"] is not None and least <= row["price"] <= most),
            but == "brand" or not filters.brands or (row["brand"] or "").casefold() in filters.brands,
            but == "adult" or not filters.hide_adult or row["policy"] != "adult",
            *(
                but == name or bool(held.get(name, set()) & {value.casefold() for value in values})
                for name, values in filters.attributes.items()
            ),
        ]
    )


def values_of(row: dict) -> set[tuple[str, str]]:
    return {(name, value.casefold()) for name, values in row["attributes"] or () for value in values}


def products(rows) -> int:
    return len({row["group"] for row in rows})


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: str(filters.key))
def test_filters_and_facets_equal_a_loop(filters):
    chosen = TABLE.select(filters)
    expected = [passes(row, filters) for row in ROWS]
    assert (np.ones(N, bool) if chosen.mask is None else chosen.mask).tolist() == expected
    assert chosen.num_products == products(row for row, ok in zip(ROWS, expected, strict=True) if ok)

    def left(but, test):
        return products(row for row in ROWS if passes(row, filters, but=but) and test(row))

    facets, depth = chosen.facets, len(filters.category)
    for each in facets.categories:
        assert len(each.path) == depth + 1
        assert each.count == left("category", lambda row, path=each.path: (row["category"] or [])[: len(path)] == path)
    for each in facets.brands:
        name = each.value.casefold()
        assert each.count == left("brand", lambda row, name=name: (row["brand"] or "").casefold() == name)
    for facet in facets.attributes:
        for each in facet.values:
            wanted = (facet.name, each.value.casefold())
            assert each.count == left(facet.name, lambda row, wanted=wanted: wanted in values_of(row))
    prices = [row["price"] for row in ROWS if passes(row, filters, but="price") and row["price"] is not None]
    assert facets.price == ((min(prices), max(prices)) if prices else None)
    assert facets.adult == left("adult", lambda row: row["policy"] == "adult")


def test_facets_name_what_there_is_and_what_is_chosen():
    facets = TABLE.select(Filters()).facets
    assert {each.name for each in facets.categories} == {"Home", "Homeware", "Toys"}
    assert {each.value for each in facets.brands} in ({"Acme", "Bolt", "Çelik"}, {"ACME", "Bolt", "Çelik"})
    chosen = TABLE.select(Filters(brands=("bolt",), category=("Homeware",), attributes={"size": ("M",)})).facets
    assert "Bolt" in {each.value for each in chosen.brands}
    assert "M" in {value.value for facet in chosen.attributes if facet.name == "size" for value in facet.values}


@pytest.mark.parametrize(
    ("query", "part"),
    [
        (Query(), "empty"),
        (Query(text="a", top_k=0), "top_k"),
        (Query(text="a", offset=-1), "offset"),
        (Query(text="a", offset=MAX_WINDOW), "filter instead"),
        (Query(text="a", ranking="best"), "hybrid, vectors, words"),
        (Query(image=b"x", ranking="words"), "by words"),
        (Query(text="a" * 10_001), "characters"),
        (Query(text="a", filters=Filters(min_price=2, max_price=1)), "above"),
        (Query(text="a", filters=Filters(min_price=float("nan"))), "number"),
        (Query(text="a", filters=Filters(max_price=-1)), "number"),
        (Query(text="a", filters=Filters(brands=("",))), "blank"),
        (Query(text="a", filters=Filters(category="Home")), "list of names"),
        (Query(text="a", filters=Filters(attributes={"colour": ("x",) * 1001})), "at most"),
    ],
)
def test_bad_queries_are_refused_in_one_line(query, part):
    with pytest.raises(ConfigError, match=part) as caught:
        check_query(query)
    assert "\n" not in str(caught.value)


def test_bad_requests_for_similar_products_are_refused():
    for diversity in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="diversity"):
            check_similar(5, Filters(), diversity, "similar")
    with pytest.raises(ConfigError, match="complements"):
        check_similar(5, Filters(), 0, "nearest")
