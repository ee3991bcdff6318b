"""Long encoding jobs in parts: each once, in order, whatever stops them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eclip.embed import parts
from eclip.embed.job import embed_listings
from eclip.embed.parts import encode_in_parts, parts_folder, read_parts
from eclip.model.encoder import ProductVectors, product_vectors
from eclip.vectors import vectors_from_arrow, vectors_to_arrow


class FakeEncoder:
    """Unit vectors that tell a row from another; None stays missing."""

    digest, embed_dim = "fake", 4

    def encode_products(self, titles: list[str | None], images: list[bytes | None]) -> ProductVectors:
        image, text = (self.of(values) for values in (images, titles))
        return ProductVectors(image=image, text=text, product=product_vectors(image, text))

    def of(self, values: list) -> np.ndarray:
        rows = [np.full(4, np.nan) if v is None else np.random.default_rng(len(v)).normal(size=4) for v in values]
        matrix = np.array(rows, dtype=np.float32).reshape(-1, 4)
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def batches(num_rows: int = 10, size: int = 4, *, pictures: bool = True) -> Iterator[pa.Table]:
    for start in range(0, num_rows, size):
        rows = range(start, min(start + size, num_rows))
        yield pa.table(
            {
                "product_id": pa.array([f"p{row}" for row in rows]),
                "title": pa.array([None if row % 5 == 4 else "x" * (row + 1) for row in rows], pa.string()),
                "image": pa.array([b"i" * (row + 1) if pictures and row % 3 else None for row in rows], pa.binary()),
            }
        )


def test_an_interrupted_job_goes_on_with_the_next_part(tmp_path: Path) -> None:
    encoded: list[int] = []

    def encode(rows: pa.Table) -> pa.Table:
        if len(encoded) == 2:
            encoded.append(-1)
            raise KeyboardInterrupt
        encoded.append(rows.num_rows)
        return rows.select(["product_id"])

    folder = parts_folder(tmp_path / "out.parquet", "model", "source")
    with pytest.raises(KeyboardInterrupt):
        encode_in_parts("Encoding", batches(), encode, folder=folder, num_rows=10)
    assert sorted(path.name for path in folder.iterdir()) == ["part-000000.arrow", "part-000001.arrow"]
    made = encode_in_parts("Encoding", batches(), encode, folder=folder, num_rows=10)
    assert encoded == [4, 4, -1, 2]
    ids = [product_id for table in read_parts(made) for product_id in table["product_id"].to_pylist()]
    assert ids == [f"p{row}" for row in range(10)]


def test_parts_of_another_job_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = parts_folder(tmp_path / "out", "model", "source")
    assert ours == parts_folder(tmp_path / "out", "model", "source")
    assert ours != parts_folder(tmp_path / "out", "other model", "source")
    assert ours != parts_folder(tmp_path / "out", "model", "other source")
    monkeypatch.setattr(parts, "ROWS_A_PART", 7)
    assert ours != parts_folder(tmp_path / "out", "model", "source")


@pytest.mark.parametrize("pictures", [True, False])
def test_vectors_as_parquet(tmp_path: Path, *, pictures: bool) -> None:
    out = tmp_path / "new folder" / "vectors.parquet"
    done = embed_listings(batches(pictures=pictures), FakeEncoder(), out, num_rows=None, source="test")
    assert (done.rows, done.encoded) == (10, 10)
    assert [path.name for path in out.parent.iterdir()] == ["vectors.parquet"]
    table = pq.read_table(out)
    assert table.schema.names == ["product_id", "image_embedding", "text_embedding", "product_embedding"]
    whole = pa.concat_tables(batches(pictures=pictures))
    expected = FakeEncoder().encode_products(whole["title"].to_pylist(), whole["image"].to_pylist())
    np.testing.assert_allclose(vectors_from_arrow(table["text_embedding"]), expected.text, atol=1e-6)
    np.testing.assert_allclose(vectors_from_arrow(table["product_embedding"]), expected.product, atol=1e-6)
    if pictures:
        np.testing.assert_allclose(vectors_from_arrow(table["image_embedding"]), expected.image, atol=1e-6)
    else:
        assert table["image_embedding"].null_count == 10
        assert vectors_from_arrow(table["image_embedding"]).shape == (10, 0)


def test_vectors_there_and_back() -> None:
    matrix = np.arange(12, dtype=np.float32).reshape(3, 4)
    matrix[1] = np.nan
    column = pa.chunked_array([vectors_to_arrow(matrix)])
    assert column.null_count == 1
    np.testing.assert_array_equal(vectors_from_arrow(column), matrix)
    np.testing.assert_array_equal(vectors_from_arrow(column.slice(1)), matrix[1:])
    np.testing.assert_array_equal(vectors_from_arrow(column.cast(pa.list_(pa.float32()))), matrix)
