"""One's own judged queries: read, refused, and measured by hand-made vectors."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eclip.errors import ConfigError, FeedError
from eclip.schema import ATTRIBUTES_TYPE, CORRECTIONS_SCHEMA, embedding_type
from eclip.search.engine import SearchEngine
from eclip.tasks.evaluation.judged import JudgedQuery, known_queries, read_judged
from eclip.tasks.evaluation.judged_results import judged_results

TITLES = ["red mug", "red mug", "blue lamp", "green hat", None]


class FakeStore:
    """Listings 0 and 1 are one catalog; each listing's vectors are an axis of its own, those of 4 are of a picture."""

    def __init__(self):
        self._table = pa.table(
            {
                "product_id": ["a", "b", "c", "d", "e"],
                "title": TITLES,
                "category": pa.array([None] * 5, pa.list_(pa.string())),
                "price": pa.array([None] * 5, pa.float64()),
                "seller": pa.array([None] * 5, pa.string()),
                "brand": pa.array([None] * 5, pa.string()),
                "attributes": pa.nulls(5, ATTRIBUTES_TYPE),
                "policy": pa.array([None] * 5, pa.string()),
                "catalog_id": ["one", "one", None, None, None],
                "duplicate_of": pa.array([None] * 5, pa.string()),
            }
        )
        axes = np.eye(5).tolist()
        self._vectors = pa.table(
            {
                "product_id": ["a", "b", "c", "d", "e"],
                "image_embedding": pa.array(axes, embedding_type(5)),
                "text_embedding": pa.array([*axes[:4], None], embedding_type(5)),
            }
        )

    digest = "s"

    def corrections(self):
        return CORRECTIONS_SCHEMA.empty_table()

    def table(self, columns):
        return self._table.select(list(columns))

    def vectors(self, *, model_digest):
        return self._vectors

    def images(self, rows):
        return [None for _ in rows]


class FakeEncoder:
    digest = "d"

    def encode_text(self, texts):
        towards = {"hat": [0, 0, 0.2, 0.9, 0], "cups": [0.1, 0.9, 0.5, 0, 0.2]}
        return np.array([towards[text] for text in texts], np.float32)

    def encode_image(self, images):
        return np.array([[0, 0, 0.9, 0.1, 0.5] for _ in images], np.float32)


def write(tmp_path, text, name="judged.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_numbers_are_read_as_a_feed_of_them_is(tmp_path):
    """A table of numbers with gaps holds 1182.0; the store, prepared from such a table, calls it 1182."""
    table = pa.table({"query": ["mug", "mug", None], "product_id": [1182.0, 7.0, 7.0], "image": [None, None, "a.png"]})
    pq.write_table(table, tmp_path / "judged.parquet")
    (tmp_path / "a.png").write_bytes(b"")
    by_text, by_picture = read_judged(tmp_path / "judged.parquet")
    assert by_text.grades == {"1182": 1.0, "7": 1.0}
    assert (by_picture.text, by_picture.grades) == (None, {"7": 1.0})


def test_a_file_gives_queries_with_all_their_grades(tmp_path):
    (tmp_path / "lamp.png").write_bytes(b"png")
    path = write(
        tmp_path, "query,image,product_id,grade\n mug ,,a,2\nhat,,d,\n mug,,c,0\n,lamp.png,c,1\nmug,lamp.png,c,3\n"
    )
    found = read_judged(path)
    assert [(q.text, q.modality, q.grades) for q in found] == [
        ("mug", "text", {"a": 2.0, "c": 0.0}),
        ("hat", "text", {"d": 1.0}),
        (None, "image", {"c": 1.0}),
        ("mug", "both", {"c": 3.0}),
    ]
    assert found[2].image == tmp_path / "lamp.png"
    lines = '{"query": "모자", "product_id": 7}\n{"query": "모자", "product_id": "x", "grade": 0.5}\n'
    assert read_judged(write(tmp_path, lines, "judged.jsonl"))[0].grades == {"7": 1.0, "x": 0.5}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("query,grade\nmug,1\n", "has the columns query, grade; expected product_id"),
        ("product_id,grade\na,1\n", "expected product_id, query or image"),
        ("query,product_id\n", ""),
        ("", ""),
        ("query,product_id\nmug,\n", "row 1: has no product_id"),
        ("query,product_id\n,a\n", "row 1: has neither query nor image"),
        ("query,product_id,grade\nmug,a,good\n", "column 'grade': expected a number from 0 up, found 'good'"),
        ("query,product_id,grade\nmug,a,-1\n", "found '-1'"),
        ("query,product_id,grade\nmug,a,nan\n", "found 'nan'"),
        ("query,product_id,grade\nmug,a,1\nmug,a,2\n", "row 2: grades product a 2, a row before it 1"),
        ("query,image,product_id\n,none.png,a\n", "none.png, which is not there"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path, text, words):
    with pytest.raises(FeedError) as refused:
        read_judged(write(tmp_path, text))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_unknown_products_are_counted_and_none_known_is_refused(tmp_path):
    queries = [
        JudgedQuery(text="mug", image=None, grades={"a": 1.0, "zz": 2.0}),
        JudgedQuery(text="hat", image=None, grades={"yy": 1.0, "d": 0.0}),
    ]
    kept, said = known_queries(queries, {"a", "d"}, tmp_path)
    assert [query.grades for query in kept] == [{"a": 1.0}]
    assert said == (
        "2 judgements name products that the store does not hold, the first is zz; 1 of 2 queries are left without a "
        "right answer and out"
    )
    assert known_queries(queries[:1], {"a", "zz"}, tmp_path)[1] is None
    with pytest.raises(FeedError, match="no query has a product"):
        known_queries(queries, {"d"}, tmp_path)


def test_figures_of_judged_queries_by_hand(tmp_path):
    picture = tmp_path / "lamp.png"
    picture.write_bytes(b"png")
    queries = [
        JudgedQuery(text="hat", image=None, grades={"d": 2.0, "c": 1.0}),
        # Found are catalog one (by its listing b), then c: the judged listing a is of the same product as b.
        JudgedQuery(text="cups", image=None, grades={"a": 1.0, "e": 1.0}),
        JudgedQuery(text=None, image=picture, grades={"e": 1.0}),
    ]
    store = FakeStore()
    results = judged_results(store, SearchEngine(store, FakeEncoder()), queries)
    values = {(r.modality, r.method, r.metric): r.value for r in results}
    assert values["text", "eclip", "MRR"] == 1.0
    assert values["text", "eclip", "R@10"] == 1.0
    assert values["text", "eclip", "P@10"] == pytest.approx((2 / 10 + 2 / 10) / 2)
    # The picture finds c before e.
    assert values["image", "eclip", "MRR"] == pytest.approx(1 / 2)
    assert values["image", "eclip", "nDCG@10"] == pytest.approx(1 / np.log2(3))
    assert values["text", "eclip", "nDCG@10"] < 1.0
    # Of the words, "hat" finds d alone and "cups" nothing.
    assert values["text", "tf-idf", "MRR"] == 0.5
    assert values["text", "tf-idf", "R@10"] == pytest.approx((1 / 2 + 0) / 2)
    assert ("image", "tf-idf", "MRR") not in values
    assert {r.support for r in results} == {1, 2}


def test_a_picture_that_is_none_says_which_query(tmp_path):
    class Blind(FakeEncoder):
        def encode_image(self, images):
            return np.full((1, 5), np.nan, np.float32)

    store, picture = FakeStore(), tmp_path / "x.png"
    picture.write_bytes(b"")
    queries = [JudgedQuery(text=None, image=picture, grades={"a": 1.0})]
    with pytest.raises(ConfigError, match=r"judged query .*x\.png"):
        judged_results(store, SearchEngine(store, FakeEncoder()), queries)
