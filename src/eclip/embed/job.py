"""Vectors of a whole store or feed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from eclip.embed.parts import ROWS_A_PART, encode_in_parts, parts_folder, read_parts, remove_all_parts, remove_parts
from eclip.embed.repeats import CONTENT, FeedContents, plan_store
from eclip.files import replace_file
from eclip.lineage import metadata
from eclip.model.encoder import Picture, ProductVectors
from eclip.model.pretrained import IMAGE_DIM, TEXT_DIM, PretrainedTowers
from eclip.products.store import Store
from eclip.schema import EMBEDDING_COLUMNS, embedding_type, vectors_schema
from eclip.vectors import vectors_from_arrow, vectors_to_arrow

MakeParts = Callable[[Sequence[int], Path], list[Path]]
"""Rows of a store and a folder -> the parts there that hold their vectors, in order."""


class ProductEncoder(Protocol):
    """What encodes here: the model itself, or `eclip.inference`."""

    @property
    def digest(self) -> str:
        """Of the model."""

    @property
    def embed_dim(self) -> int:
        """Length of its vectors."""

    def encode_image(self, images: Sequence[Picture | None]) -> np.ndarray:
        """Pictures -> [N, D]."""

    def encode_products(self, titles: Sequence[str | None], images: Sequence[Picture | None]) -> ProductVectors:
        """Titles and pictures of N products -> their vectors."""


@dataclass(frozen=True)
class Embedded:
    """What became of the listings that needed vectors."""

    rows: int
    """Listings that got vectors."""
    encoded: int
    """Different contents that were encoded for them; what an interrupted run had done of a feed is not counted."""


def embed_store(store: Store, encoder: ProductEncoder, *, is_float16: bool = False) -> Embedded:
    """Encode the listings that this model has not encoded yet, into the store; resumable.

    Listings of equal content are encoded once, and not at all where another listing of that content has vectors.
    """

    def make_parts(rows: Sequence[int], folder: Path) -> list[Path]:
        return encode_in_parts(
            "Embedding the store",
            store_batches(store, rows),
            lambda some: encode_rows(encoder, some, is_float16=is_float16),
            folder=folder,
            num_rows=len(rows),
        )

    return embed_store_by(store, encoder.digest, make_parts, is_float16=is_float16)


def embed_store_by(store: Store, model_digest: str, make_parts: MakeParts, *, is_float16: bool) -> Embedded:
    """As `embed_store`, wherever parts are made."""
    rows = store.rows_without_vectors(model_digest)
    beside = store.place.cache / f"embedding-{model_digest}"
    if not rows:
        remove_all_parts(beside)  # left by a run that was killed once its vectors were in the store
        return Embedded(0, 0)
    plan = plan_store(store, model_digest, rows=rows)
    made = None
    if plan.encoded:
        folder = parts_folder(beside, rows_digest(store, plan.encoded), is_float16)
        made = pa.concat_tables(read_parts(make_parts(plan.encoded, folder)))
    vectors = plan.vectors(store, made, store.table(["product_id"])["product_id"])
    store.write_vectors(vectors, model_digest=model_digest)
    remove_all_parts(beside)
    return Embedded(len(rows), len(plan.encoded))


def picture_vectors(store: Store, encoder: ProductEncoder) -> np.ndarray:
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
    batches: Iterator[pa.Table],
    encoder: ProductEncoder,
    out: Path,
    *,
    num_rows: int | None,
    source: object,
    is_float16: bool = False,
    told: Mapping[str, Any] | None = None,
) -> Embedded:
    """Write the vectors of listings (any feed, or a store) to a Parquet file.

    Args:
        batches: Tables with `product_id`, `title`, `image`, in the order to keep; with `content_hash` too, rows of
            one content are encoded once.
        encoder: The model.
        out: The Parquet file, in `vectors_schema`.
        num_rows: How many rows will come, when known.
        source: What the rows are of; an interrupted job goes on only with the same source and model.
        is_float16: Half the size, for a ten-thousandth of a cosine.
        told: Which model, and listings of what, as `eclip.lineage` tells it: kept inside the file.
    """
    folder = parts_folder(out, encoder.digest, source, is_float16)
    contents = FeedContents(folder)
    encode = contents.encoding(lambda rows: encode_rows(encoder, rows, is_float16=is_float16))
    parts = encode_in_parts("Embedding", contents.noting(batches), encode, folder=folder, num_rows=num_rows)
    schema = _parquet_schema(parts, encoder.embed_dim, is_float16=is_float16)
    written = 0
    with replace_file(out) as aside, pq.ParquetWriter(aside, schema) as writer:
        writer.add_key_value_metadata(metadata(told) if told else {})
        for table in read_parts(parts):
            writer.write_table(table.cast(schema))
            written += table.num_rows
    remove_all_parts(out)
    return Embedded(written, contents.num_encoded)


def _parquet_schema(parts: list[Path], embed_dim: int, *, is_float16: bool) -> pa.Schema:
    """`vectors_schema`, but plain lists for a column with nulls.

    pyarrow (25) can't read a fixed-size list with nulls back from Parquet; a file that nobody can open would be
    worse than a looser type.
    """
    nulls = dict.fromkeys(EMBEDDING_COLUMNS, 0)
    for table in read_parts(parts):
        for name in EMBEDDING_COLUMNS:
            nulls[name] += table[name].null_count
    fields = [
        pa.field(field.name, pa.list_(field.type.value_type)) if nulls.get(field.name) else field
        for field in vectors_schema(embed_dim, is_float16=is_float16)
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
    """Rows of the store (None = all) as tables of `product_id`, `title`, `content_hash`, `image`."""
    columns = store.table(["product_id", "title", CONTENT])
    rows = list(range(store.num_rows) if rows is None else rows)
    for start in range(0, len(rows), ROWS_A_PART):
        some = rows[start : start + ROWS_A_PART]
        yield columns.take(some).append_column("image", pa.array(store.images(some), pa.binary()))


def encode_rows(encoder: ProductEncoder, rows: pa.Table, *, is_float16: bool = False) -> pa.Table:
    """Rows with `product_id`, `title`, `image` -> their vectors, in `vectors_schema`."""
    vectors = encoder.encode_products(rows["title"].to_pylist(), rows["image"].to_pylist())
    matrices = (vectors.image, vectors.text, vectors.product)
    columns = [vectors_to_arrow(matrix, is_float16=is_float16) for matrix in matrices]
    return pa.table([rows["product_id"], *columns], schema=vectors_schema(encoder.embed_dim, is_float16=is_float16))
