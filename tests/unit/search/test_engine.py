from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from eclip.errors import ConfigError, StoreError
from eclip.schema import ATTRIBUTES_TYPE, CORRECTIONS_SCHEMA, EMBEDDING_COLUMNS, PRODUCTS_SCHEMA, embedding_type
from eclip.search import exact as exact_module
from eclip.search.engine import SearchEngine
from eclip.search.exact import best_rows, cosine_scores
from eclip.search.listings import product_groups
from eclip.search.query import Filters, Query
from eclip.search.spaces import unit_matrix

D = 8


def units(num_rows: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((num_rows, D)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def vector_column(rows: np.ndarray, missing=()) -> pa.Array:
    values = [None if row in missing else list(map(float, vector)) for row, vector in enumerate(rows)]
    return pa.array(values, embedding_type(D))


class FakeStore:
    """The three calls of a store over arrays; listing i is called `p{i}`."""

    def __init__(self, *, image, text, product, catalog_id=None, duplicate_of=None, digest="m1"):
        num_rows = len(product)
        self.ids = pa.array([f"p{row}" for row in range(num_rows)], pa.string())
        nothing = pa.nulls(num_rows, pa.string())
        self._products = pa.table(
            {
                "product_id": self.ids,
                "title": [f"title {row}" for row in range(num_rows)],
                "category": pa.array([["a", "b"]] * num_rows, pa.list_(pa.string())),
                "price": pa.array([None, *[float(row) for row in range(1, num_rows)]][:num_rows], pa.float64()),
                "seller": nothing,
                "brand": nothing,
                "attributes": pa.nulls(num_rows, ATTRIBUTES_TYPE),
                "policy": nothing,
                "catalog_id": nothing if catalog_id is None else pa.array(catalog_id, pa.string()),
                "duplicate_of": nothing if duplicate_of is None else pa.array(duplicate_of, pa.string()),
            }
        )
        columns = dict(zip(EMBEDDING_COLUMNS, (image, text, product), strict=True))
        self._vectors = pa.table({"product_id": self.ids} | columns)
        self._digest = digest

    def table(self, columns):
        return self._products.select(list(columns))

    digest = "s1"
    said = CORRECTIONS_SCHEMA.empty_table()

    def corrections(self):
        return self.said

    def take(self, rows, columns):
        return self._products.select(list(columns)).take(rows)

    def extra_images(self, rows):
        return [[b"view %d" % row] if row == 0 else [] for row in rows]

    def images(self, rows):
        return [b"picture of p%d" % row if row % 2 == 0 else None for row in rows]

    def vectors(self, *, model_digest):
        if model_digest != self._digest:
            raise StoreError("vectors of another model; run `eclip embed STORE --model MODEL`")
        return self._vectors


class FakeEncoder:
    """Answers every text with one vector and every picture with another; b"broken" can't be read."""

    digest = "m1"

    def __init__(self, text: np.ndarray, image: np.ndarray) -> None:
        self.text, self.image = text, image

    def encode_text(self, texts):
        return np.stack([np.full(D, np.nan, np.float32) if each == "?" else self.text for each in texts])

    def encode_image(self, images):
        return np.stack([np.full(D, np.nan, np.float32) if each == b"broken" else self.image for each in images])


def make_engine(num_rows=300, *, missing=(), missing_images=(), **other) -> SearchEngine:
    image, text = units(num_rows, 1), units(num_rows, 2)
    store = FakeStore(
        image=vector_column(image, missing_images),
        text=vector_column(text, missing),
        product=vector_column(image + text),
        **other,
    )
    text_query, image_query = units(2, 3)
    return SearchEngine(store, FakeEncoder(text_query, image_query))


def find(engine, *, text=None, image=None, top_k=24):
    return engine.search(Query(text=text, image=image, top_k=top_k, ranking="vectors")).hits


def brute(matrix: np.ndarray, query: np.ndarray) -> list[tuple[float, int]]:
    """Cosines one by one in float64, best first."""
    scores = []
    for row, vector in enumerate(matrix):
        vector = vector.astype(np.float64)
        query = query.astype(np.float64)
        scores.append((float(vector @ query / np.linalg.norm(vector) / np.linalg.norm(query)), row))
    return sorted(scores, key=lambda pair: (-pair[0], pair[1]))


@pytest.mark.parametrize("chunk_rows", [7, 65_536])
@pytest.mark.parametrize("kind", ["text", "image", "both"])
def test_equals_a_brute_loop(kind, chunk_rows, monkeypatch):
    monkeypatch.setattr(exact_module, "CHUNK_ROWS", chunk_rows)
    engine = make_engine()
    text_query, image_query = units(2, 3)
    matrix = units(300, 1) if kind == "image" else units(300, 1) + units(300, 2)
    query = {"text": text_query, "image": image_query, "both": text_query + image_query}[kind]
    hits = find(engine, text=None if kind == "image" else "dress", image=None if kind == "text" else b"jpeg", top_k=25)
    expected = brute(matrix, query)[:25]
    assert [hit.row for hit in hits] == [row for _, row in expected]
    assert [hit.score for hit in hits] == pytest.approx([score for score, _ in expected], abs=1e-6)


def test_a_title_alone_does_not_stand_before_titles_with_pictures():
    # Pictures and titles in cones of their own, as contrastive towers make them.
    offset = np.zeros(D, np.float32)
    offset[0] = 2
    text = units(50, 2) + offset
    pictures = text - 2 * offset
    text, pictures = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (text, pictures))
    alone = [row for row in range(50) if row % 2]
    store = FakeStore(image=vector_column(pictures, alone), text=vector_column(text), product=vector_column(text))
    ranks = []
    for query in text:
        hits = find(SearchEngine(store, FakeEncoder(query, query)), text="dress", top_k=50)
        ranks += [rank for rank, hit in enumerate(hits) if hit.row in alone]
    assert 15 < np.mean(ranks) < 34, "listings without a picture are neither first nor last as a rule"


def test_hit_carries_the_listing():
    (hit,) = find(make_engine(1), text="dress", top_k=5)
    assert (hit.product_id, hit.title, hit.category, hit.price, hit.seller, hit.row) == (
        "p0",
        "title 0",
        ["a", "b"],
        None,
        None,
        0,
    )
    assert hit.same_product_ids == []


def test_rows_without_vectors_are_never_returned():
    engine = make_engine(20, missing=range(5), missing_images=range(5))
    for given in ({"text": "dress", "image": None}, {"text": None, "image": b"jpeg"}):
        assert {hit.row for hit in find(engine, **given, top_k=100)} == set(range(5, 20))


def test_a_listing_without_picture_is_still_found_by_picture():
    engine = make_engine(20, missing_images=[3])
    hits = find(engine, image=b"jpeg", top_k=20)
    (found,) = [hit for hit in hits if hit.row == 3]
    typical = np.delete(units(20, 1), 3, axis=0).mean(axis=0) + units(20, 2)[3]
    assert found.score == pytest.approx(float(typical / np.linalg.norm(typical) @ units(2, 3)[1]), abs=1e-6)


def test_catalog_is_shown_once_with_its_listings_under_it():
    engine = make_engine(30, catalog_id=[f"c{row % 3}" for row in range(30)])
    hits = find(engine, text="dress", top_k=10)
    ranked = [row for _, row in brute(units(30, 1) + units(30, 2), units(2, 3)[0])]
    assert len(hits) == 3
    for hit in hits:
        of_catalog = [row for row in ranked if row % 3 == hit.row % 3]
        assert hit.row == of_catalog[0]
        assert hit.same_product_ids == [f"p{row}" for row in sorted(of_catalog) if row != hit.row]
    assert engine.num_groups == 3
    assert engine.num_products == 30


def test_many_listings_of_one_catalog_do_not_push_others_out():
    scores = np.concatenate([np.full(1000, 0.9), np.linspace(0.5, 0.1, 50)]).astype(np.float32)
    groups = np.concatenate([np.zeros(1000), np.arange(1, 51)]).astype(np.int64)
    assert best_rows(scores, groups, top_k=4) == [0, 1000, 1001, 1002]


def test_groups_follow_catalog_then_duplicate():
    table = pa.table(
        {
            "product_id": ["a", "b", "c", "d", "e", "x", "f"],
            "catalog_id": ["x", None, None, "x", None, None, "y"],
            "duplicate_of": [None, "a", "e", None, None, "gone", "a"],
        }
    )
    groups = product_groups(table)
    # b goes with what it duplicates; x is not the catalog of that name; f's own catalog wins.
    same = [[first == second for second in groups] for first in groups]
    together = [{0, 1, 3}, {2, 4}, {5}, {6}]
    assert same == [[any({i, j} <= group for group in together) for j in range(7)] for i in range(7)]


def test_equal_scores_go_by_row():
    scores = np.array([0.1, 0.5, 0.5, -np.inf, 0.5, 0.7], dtype=np.float32)
    assert best_rows(scores, np.arange(6), top_k=3) == [5, 1, 2]
    assert best_rows(scores, np.arange(6), top_k=10) == [5, 1, 2, 4, 0]
    assert best_rows(scores[:0], np.arange(0), top_k=3) == []


def test_unit_matrix_takes_slices_chunks_nulls_and_zero_rows():
    rows = 3 * units(6, 4)
    rows[4] = 0
    array = vector_column(rows, missing=[2])
    column = pa.chunked_array([array.slice(1, 2), array.slice(3, 0), array.slice(3, 3)])
    matrix = unit_matrix(column)
    expected = rows[1:] / np.maximum(np.linalg.norm(rows[1:], axis=1, keepdims=True), 1e-9)
    assert matrix.dtype == np.float32
    assert np.isnan(matrix[[1, 3]]).all()
    np.testing.assert_allclose(matrix[[0, 2, 4]], expected[[0, 2, 4]], rtol=1e-6)
    assert unit_matrix(pa.chunked_array([], type=embedding_type(D))).shape == (0, D)
    assert (cosine_scores(matrix, units(1, 5)[0]) == -np.inf).tolist() == [False, True, False, True, False]


@pytest.mark.parametrize(
    ("text", "image", "top_k", "part"),
    [
        (None, None, 5, "empty"),
        ("  \n", b"", 5, "empty"),
        ("dress", None, 0, "top_k"),
        ("?", None, 5, "words"),
        (None, b"broken", 5, "picture can't be read"),
        ("dress", b"broken", 5, "picture can't be read"),
    ],
)
def test_bad_query_is_refused_in_one_line(text, image, top_k, part):
    with pytest.raises(ConfigError, match=part) as caught:
        find(make_engine(5), text=text, image=image, top_k=top_k)
    assert "\n" not in str(caught.value)


def test_vectors_of_another_model_are_refused():
    with pytest.raises(StoreError, match="eclip embed"):
        make_engine(5, digest="m2")


def test_empty_store_answers_nothing():
    engine = make_engine(0)
    assert find(engine, text="dress", top_k=5) == []
    assert (engine.num_products, engine.num_groups) == (0, 0)


def test_picture_of_a_listing():
    engine = make_engine(5)
    assert engine.picture("p2") == b"picture of p2"
    assert engine.picture("p1") is None
    assert engine.picture("nobody") is None


def shop_engine() -> SearchEngine:
    """Six listings, four products; words, attributes, a correction and outfits; vectors are axes of their own."""
    rows = [
        ("a1", "Red running shoes", "Acme", ["Shoes"], 30.0, "North", "c1", [("colour", ["red"]), ("outfit", ["o1"])]),
        ("a2", "Acme running shoes red", "Acme", ["Shoes"], 25.0, "South", "c1", [("colour", ["red"])]),
        ("b", "Blue running shoes", "Bolt", ["Shoes"], 40.0, "North", None, [("colour", ["blue"]), ("outfit", ["o2"])]),
        ("c", "Wool socks", None, ["Socks"], None, None, None, [("outfit", ["o1", "o2"])]),
        ("d", "에어맥스270 운동화", "Acme", ["Shoes"], 90.0, "North", None, [("colour", ["blue"])]),
        ("e", "Night lamp", None, ["Adult"], 5.0, "North", None, None),
    ]
    names = ("product_id", "title", "brand", "category", "price", "seller", "catalog_id", "attributes")
    records = [dict(zip(names, row, strict=True)) for row in rows]
    for record in records:
        record |= {"duplicate_of": None, "policy": "adult" if record["product_id"] == "e" else None}
        record |= dict.fromkeys(("raw_title", "description", "url", "gtin", "model_number", "catalog_reason"))
    axes = vector_column(np.eye(8, dtype=np.float32)[:6])
    store = FakeStore(image=axes, text=axes, product=axes)
    store._products = pa.Table.from_pylist(records, schema=PRODUCTS_SCHEMA)
    store._vectors = store._vectors.set_column(0, "product_id", store._products["product_id"])
    said = [("b", "attributes.colour", "green"), ("e", "policy", None), ("c", "policy", "adult")]
    store.said = pa.Table.from_pylist(
        [
            {"product_id": who, "field": name, "value": value, "corrected_at": 0, "source": "test"}
            for who, name, value in said
        ],
        schema=CORRECTIONS_SCHEMA,
    )
    query = np.array([0.1, 0, 0.2, 0.9, 0, 0, 0, 0], np.float32)
    return SearchEngine(store, FakeEncoder(query / np.linalg.norm(query), np.eye(8, dtype=np.float32)[2]))


def ids(results) -> list[str]:
    return [hit.product_id for hit in results.hits]


def test_words_find_by_title_brand_and_corrected_attributes():
    engine = shop_engine()

    def words(text, **filters):
        return ids(engine.search(Query(text=text, ranking="words", filters=Filters(**filters))))

    assert words("에어") == ["d"]
    assert words("green") == ["b"], "a person said so"
    assert words("running shoes", brands=("bolt",)) == ["b"]
    assert words("running", attributes={"colour": ("blue",)}) == []
    assert words("socks", hide_adult=True) == []
    assert words("lamp", hide_adult=True) == ["e"], "a person took its rating away"


def test_a_catalog_is_one_hit_with_all_its_sellers():
    (hit,) = shop_engine().search(Query(text="acme", ranking="words", filters=Filters(max_price=26))).hits
    assert (hit.product_id, hit.same_product_ids, hit.num_sellers) == ("a2", ["a1"], 2)
    assert (hit.min_price, hit.max_price, hit.catalog_id, hit.matched) == (25.0, 30.0, "c1", ("words",))


def test_hybrid_fuses_both_and_says_which():
    hits = shop_engine().search(Query(text="running shoes", top_k=9)).hits
    matched = {hit.product_id: hit.matched for hit in hits}
    assert matched["b"] == ("vectors", "words")
    assert matched["c"] == ("vectors",)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].product_id == "b", "first by cosine among those that the words can't tell apart"


def test_a_picture_with_words_is_led_by_the_picture():
    engine = shop_engine()
    assert ids(engine.search(Query(image=b"jpeg", top_k=1))) == ["b"]
    with_words = engine.search(Query(image=b"jpeg", text="socks"))
    assert ids(with_words)[:2] == ["b", "c"]
    assert [hit.score for hit in with_words.hits[:2]] == pytest.approx([1.0, 0.5])
    (first, second) = engine.search(Query(image=b"jpeg", text="zzz", top_k=2)).hits
    assert (first.product_id, second.product_id) == ("b", "c")
    assert second.score > 0.5, "words that no title has count by their vector"


def test_pages_follow_each_other():
    engine = make_engine(120)
    whole = ids(engine.search(Query(text="title 7", top_k=60)))
    paged = [
        each for offset in range(0, 60, 7) for each in ids(engine.search(Query(text="title 7", top_k=7, offset=offset)))
    ]
    assert paged[:60] == whole
    assert ids(engine.search(Query(text="title 7", offset=500))) == []


def test_nothing_sought_lists_what_passes_in_store_order():
    results = shop_engine().search(Query(filters=Filters(category=("shoes",)), with_facets=True))
    assert ids(results) == ["a1", "b", "d"]
    assert results.num_products == 3
    assert [hit.matched for hit in results.hits] == [()] * 3
    assert results.facets is not None
    assert {value.value: value.count for value in results.facets.brands} == {"Acme": 2, "Bolt": 1}


def test_similar_leaves_the_product_itself_out():
    engine = shop_engine()
    assert "a2" not in ids(engine.similar("a1", top_k=9))
    assert len(engine.similar("a1", top_k=9).hits) == 4
    assert set(ids(engine.similar("a1", top_k=2, diversity=1.0))) <= {"b", "c", "d", "e"}
    assert ids(engine.similar("a1", filters=Filters(category=("socks",)))) == ["c"]
    with pytest.raises(ConfigError, match="no product"):
        engine.similar("nobody")


def test_complements_share_outfits():
    engine = shop_engine()
    results = engine.similar("a1", kind="complements")
    assert [(hit.product_id, hit.score) for hit in results.hits] == [("c", pytest.approx(1 / np.sqrt(1 * 2)))]
    assert set(ids(engine.similar("c", kind="complements"))) == {"a1", "b"}
    assert ids(engine.similar("d", kind="complements")) == []
    assert engine.names_baskets
    without = make_engine(5)
    assert not without.names_baskets
    with pytest.raises(ConfigError, match="outfit or basket"):
        without.similar("p1", kind="complements")


def test_product_in_full():
    engine = shop_engine()
    product = engine.product("b")
    assert product is not None
    assert product.attributes == {"outfit": ["o2"], "colour": ["green"]}
    assert product.corrections == {"attributes.colour": "green"}
    assert engine.product("e").policy is None
    assert [offer.product_id for offer in engine.product("a2").sellers] == ["a1", "a2"]
    assert engine.product("nobody") is None
    assert engine.picture("a1") == b"picture of p0"
    assert engine.picture("a1", 1) == b"view 0"
    assert (engine.picture("a1", 2), engine.picture("a2"), engine.picture("a1", -1)) == (None, None, None)


def test_version_changes_with_store_model_and_corrections():
    versions = {make_engine(5).version, shop_engine().version}
    other = FakeStore(
        image=vector_column(units(5, 1)), text=vector_column(units(5, 2)), product=vector_column(units(5, 3))
    )
    other.digest = "s2"
    versions.add(SearchEngine(other, FakeEncoder(units(1, 1)[0], units(1, 1)[0])).version)
    assert len(versions) == 3
    assert make_engine(5).version in versions
