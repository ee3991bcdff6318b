from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from eclip.errors import ConfigError, StoreError
from eclip.schema import ATTRIBUTES_TYPE, CORRECTIONS_SCHEMA, EMBEDDING_COLUMNS, embedding_type
from eclip.search import exact as exact_module
from eclip.search.engine import SearchEngine
from eclip.search.exact import best_rows, cosine_scores
from eclip.search.listings import product_groups
from eclip.search.query import Query
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

    def corrections(self):
        return CORRECTIONS_SCHEMA.empty_table()

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
