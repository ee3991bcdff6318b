from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pytest

from eclip.products.corrections import add_corrections
from eclip.products.store import Store
from eclip.search.engine import SearchEngine
from eclip.search.query import Filters, Query
from eclip.tasks.corrections.fields import corrections_table
from eclip.vectors import vectors_to_arrow


class Encoder:
    """The vector of a text is drawn from its letters."""

    digest = "m"

    def encode_text(self, texts):
        rows = np.stack([np.random.default_rng(sum(map(ord, text))).normal(size=8) for text in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def store(small_store, tmp_path):
    store = Store.open(shutil.copytree(small_store.path, tmp_path / "store"))
    rows = np.random.default_rng(0).normal(size=(store.num_rows, 8)).astype(np.float32)
    names = ("image_embedding", "text_embedding", "product_embedding")
    ids = store.table(["product_id"])["product_id"]
    store.write_vectors(
        pa.table({"product_id": ids, **{name: vectors_to_arrow(rows) for name in names}}), model_digest="m"
    )
    return store


def test_an_engine_that_takes_corrections_over_is_one_opened_anew(store):
    before = SearchEngine(store, Encoder())
    said = [("3", "category", "Home > Vases"), ("4", "category", "Home"), ("5", "attributes.colour", "red|blue")]
    said += [("6", "policy", "adult"), ("7", "catalog_id", "c"), ("8", "catalog_id", "c")]
    rows = [dict(zip(("product_id", "field", "value"), each, strict=True)) for each in said]
    add_corrections(Store.open(store.path), corrections_table(rows))
    newest = Store.open(store.path)
    quick, whole = before.corrected(newest), SearchEngine(newest, Encoder())
    queries = [
        Query(text="vases", with_facets=True),
        Query(text="number 7", ranking="words"),
        Query(filters=Filters(category=("Home",)), with_facets=True),
        Query(text="red", filters=Filters(attributes={"colour": ("red",)}, hide_adult=True), with_facets=True),
    ]
    for query in queries:
        assert quick.search(query) == whole.search(query)
    assert [hit.product_id for hit in quick.search(queries[2]).hits] == ["3", "4"]
    assert quick.product("7") == whole.product("7")
    assert quick.version == whole.version != before.version
    assert before.search(queries[2]).hits == []
