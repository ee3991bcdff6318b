"""Vectors of a whole store or feed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from eclip.embed.parts import ROWS_A_PART, encode_in_parts, parts_folder, read_parts, remove_all_parts, remove_parts
from eclip.files import replace_file
from eclip.model.encoder import Encoder
from eclip.model.pretrained import IMAGE_DIM, TEXT_DIM, PretrainedTowers
from eclip.products.store import Store
from eclip.schema import EMBEDDING_COLUMNS, embedding_type, vectors_schema
from eclip.vectors import vectors_from_arrow, vectors_to_arrow


def embed_store(store: Store, encoder: Encoder) -> int:
    """Encode the listings that this model has not encoded yet, into the store; resumable. Returns how many."""
    rows = store.rows_without_vectors(encoder.digest)
    if not rows:
        return 0
    folder = parts_folder(store.place.cache / "embedding", encoder.digest, rows_digest(store, rows))
    parts = encode_in_parts(
        "Embedding the store",
        store_batches(store, rows),
        lambda some: encode_rows(encoder, some),
        folder=folder,
        num_rows=len(rows),
    )
    store.write_vectors(pa.concat_tables(read_parts(parts)), model_digest=encoder.digest)
    remove_parts(folder)
    return len(rows)


def picture_vectors(store: Store, encoder: Encoder) -> np.ndarray:
    """Vectors [N, D] of the main pictures by this model, NaN rows where there is none; resumable.

    Where the store has vectors of no other model, they are encoded into it, titles and all, as `eclip embed` does; else
    those that are there stay, and only pictures are encoded, beside the store's data.
    """
    if not store.has_vectors_of_others(encoder.digest):
        embed_store(store, encoder)
        return vectors_from_arrow(store.vectors(model_digest=encoder.digest)["image_embedding"])
    folder = parts_folder(store.place.cache / "pictures", encoder.digest, store.digest)
    schema = pa.schema([("image_embedding", embedding_type(encoder.embed_dim))])

    def encode(rows: pa.Table) -> pa.Table:
        return pa.table([vectors_to_arrow(encoder.encode_image(rows["image"].to_pylist()))], schema=schema)

    parts = encode_in_parts("Looking at pictures", store_batches(store), encode, folder=folder, num_rows=store.num_rows)
    vectors = vectors_from_arrow(pa.concat_tables(read_parts(parts))["image_embedding"])
    remove_parts(folder)
    return vectors


def embed_listings(
    batches: Iterator[pa.Table], encoder: Encoder, out: Path, *, num_rows: int | None, source: object
) -> int:
    """Write the vectors of listings (any feed, or a store) to a Parquet file; returns how many rows.

    Args:
        batches: Tables with `product_id`, `title`, `image`, in the order to keep.
        encoder: The model.
        out: The Parquet file, in `vectors_schema`.
        num_rows: How many rows will come, when known.
        source: What the rows are of; an interrupted job goes on only with the same source and model.
    """
    folder = parts_folder(out, encoder.digest, source)
    parts = encode_in_parts(
        "Embedding", batches, lambda rows: encode_rows(encoder, rows), folder=folder, num_rows=num_rows
    )
    schema = _parquet_schema(parts, encoder.embed_dim)
    written = 0
    with replace_file(out) as aside, pq.ParquetWriter(aside, schema) as writer:
        for table in read_parts(parts):
            writer.write_table(table.cast(schema))
            written += table.num_rows
    remove_all_parts(out)
    return written


def _parquet_schema(parts: list[Path], embed_dim: int) -> pa.Schema:
    """`vectors_schema`, but plain lists for a column with nulls.

    pyarrow (25) can't read a fixed-size list with nulls back from Parquet; a file that nobody can open would be
    worse than a looser type.
    """
    nulls = dict.fromkeys(EMBEDDING_COLUMNS, 0)
    for table in read_parts(parts):
        for name in EMBEDDING_COLUMNS:
            nulls[name] += table[name].null_count
    fields = [
        pa.field(field.name, pa.list_(pa.float32())) if nulls.get(field.name) else field
        for field in vectors_schema(embed_dim)
    ]
    return pa.schema(fields)


def pretrained_vectors(store: Store) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of the merely pretrained towers: image [N, 1280], text [N, 384]; kept in the store's cache."""
    towers = PretrainedTowers()
    kept = store.place.cache / f"pretrained-{towers.digest}-{store.digest[:16]}.arrow"
    if not kept.is_file():
        folder = parts_folder(kept, towers.digest, store.digest)
        schema = pa.schema([("image", embedding_type(IMAGE_DIM)), ("text", embedding_type(TEXT_DIM))])

        def encode(rows: pa.Table) -> pa.Table:
            image = towers.encode_image(rows["image"].to_pylist())
            text = towers.encode_text(rows["title"].to_pylist())
            return pa.table([vectors_to_arrow(image), vectors_to_arrow(text)], schema=schema)

        parts = encode_in_parts(
            "Pretrained baseline", store_batches(store), encode, folder=folder, num_rows=store.num_rows
        )
        with replace_file(kept) as aside:
            feather.write_feather(pa.concat_tables(read_parts(parts)), aside, compression="uncompressed")
        remove_parts(folder)
    table = feather.read_table(kept)
    return vectors_from_arrow(table["image"]), vectors_from_arrow(table["text"])


def rows_digest(store: Store, rows: Sequence[int]) -> str:
    """Digest of which listings stand at these positions and what a model would see of each, in their order.

    The store's own digest would not do for parts of some rows: after another model was embedded in between, the same
    store lacks other vectors.
    """
    told = store.table(["product_id", "content_hash"]).take(list(rows))
    digest = hashlib.sha256()
    for product_id, content in zip(*(told[name].to_pylist() for name in told.column_names), strict=True):
        digest.update(f"{len(product_id)}:{product_id}{content}".encode())
    return digest.hexdigest()


def store_batches(store: Store, rows: Sequence[int] | None = None) -> Iterator[pa.Table]:
    """Rows of the store (None = all) as tables of `product_id`, `title`, `image`."""
    columns = store.table(["product_id", "title"])
    rows = list(range(store.num_rows) if rows is None else rows)
    for start in range(0, len(rows), ROWS_A_PART):
        some = rows[start : start + ROWS_A_PART]
        yield columns.take(some).append_column("image", pa.array(store.images(some), pa.binary()))


def encode_rows(encoder: Encoder, rows: pa.Table) -> pa.Table:
    """Rows with `product_id`, `title`, `image` -> their vectors, in `vectors_schema`."""
    vectors = encoder.encode_products(rows["title"].to_pylist(), rows["image"].to_pylist())
    columns = [vectors_to_arrow(matrix) for matrix in (vectors.image, vectors.text, vectors.product)]
    return pa.table([rows["product_id"], *columns], schema=vectors_schema(encoder.embed_dim))
