"""Equal content is encoded once: within a store, after an update, and within a feed over all its parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eclip.embed.job import embed_listings, embed_store
from eclip.model.encoder import ProductVectors, product_vectors
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.products.update import update_store
from eclip.vectors import vectors_from_arrow, vectors_to_arrow

FIRST = "id,title\na,Red shoe\nb,Blue shoes\nc,Red shoe\n"
MORE = FIRST + "d,Blue shoes\ne,Black bag\nf,Black bag\n"


class CountingEncoder:
    """Vectors that tell titles apart, and how many it was asked for."""

    digest, embed_dim = "one", 2

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def encode_products(self, titles: list[str | None], images: list[bytes | None]) -> ProductVectors:
        self.asked += titles
        text = np.array([[len(title or ""), 1] for title in titles], dtype=np.float32).reshape(-1, 2)
        image = np.full_like(text, np.nan)
        return ProductVectors(image=image, text=text, product=product_vectors(image, text))


@pytest.mark.parametrize("is_float16", [False, True])
def test_a_store_and_its_update(tmp_path: Path, *, is_float16: bool) -> None:
    (tmp_path / "feed.csv").write_text(FIRST)
    prepare_store(tmp_path / "feed.csv", tmp_path / "store")
    encoder = CountingEncoder()
    done = embed_store(Store.open(tmp_path / "store"), encoder, is_float16=is_float16)
    assert (done.rows, done.encoded, sorted(encoder.asked)) == (3, 2, ["Blue shoes", "Red shoe"])
    (tmp_path / "feed.csv").write_text(MORE)
    update_store(tmp_path / "feed.csv", tmp_path / "store", remove_missing=True)
    encoder.asked.clear()
    done = embed_store(Store.open(tmp_path / "store"), encoder, is_float16=is_float16)
    assert (done.rows, done.encoded, encoder.asked) == (3, 1, ["Black bag"])
    store = Store.open(tmp_path / "store")
    found = store.vectors(model_digest="one")
    assert found.schema.field("text_embedding").type.value_type == pa.float32()
    kept = store.table(["text_embedding"]).schema.field(0).type.value_type
    assert kept == (pa.float16() if is_float16 else pa.float32())
    texts = dict(zip(found["product_id"].to_pylist(), found["text_embedding"].to_pylist(), strict=True))
    assert texts == {"a": [8, 1], "b": [10, 1], "c": [8, 1], "d": [10, 1], "e": [9, 1], "f": [9, 1]}
    assert embed_store(store, encoder).rows == 0


def test_a_feed_in_parts_is_as_if_each_row_were_encoded(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    contents = ["x" * int(length) for length in draw.integers(1, 9, size=40)]
    contents[7] = ""

    def batches():
        for start in range(0, 40, 10):
            some = contents[start : start + 10]
            yield pa.table(
                {
                    "product_id": [f"p{start + row}" for row in range(10)],
                    "title": some,
                    "image": pa.nulls(10, pa.binary()),
                    "content_hash": pa.array([each or None for each in some]),
                }
            )

    encoder, stopping = CountingEncoder(), CountingEncoder()
    done = embed_listings(batches(), encoder, tmp_path / "v.parquet", num_rows=40, source="feed")
    assert (done.rows, done.encoded) == (40, len(encoder.asked))
    table = pq.read_table(tmp_path / "v.parquet")
    assert table["product_id"].to_pylist() == [f"p{row}" for row in range(40)]
    assert table["text_embedding"].to_pylist() == [[len(each), 1] for each in contents]
    in_batches = sum(len(set(contents[start : start + 10])) for start in range(0, 40, 10))
    assert len(set(contents)) <= len(encoder.asked) < in_batches + 10
    assert len(set(encoder.asked)) == len(set(contents))

    def stop(titles: list[str | None], images: list[bytes | None]) -> ProductVectors:
        if len(stopping.asked) > 8:
            raise KeyboardInterrupt
        return CountingEncoder.encode_products(stopping, titles, images)

    stopping.encode_products = stop  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        embed_listings(batches(), stopping, tmp_path / "w.parquet", num_rows=40, source="feed")
    embed_listings(batches(), CountingEncoder(), tmp_path / "w.parquet", num_rows=40, source="feed")
    assert pq.read_table(tmp_path / "w.parquet").equals(table)


def test_half_precision_there_and_back() -> None:
    matrix = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    matrix[2] = np.nan
    column = pa.chunked_array([vectors_to_arrow(matrix, is_float16=True)])
    assert column.type.value_type == pa.float16()
    np.testing.assert_allclose(vectors_from_arrow(column), matrix, atol=2e-3)
