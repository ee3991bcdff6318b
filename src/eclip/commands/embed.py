"""`eclip embed`: the vectors of a store or of any feed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eclip.commands.arguments import SourceArgument, require_file
from eclip.errors import ConfigError
from eclip.files import writing
from eclip.schema import PRODUCTS_DATASET


@dataclass(frozen=True)
class EmbedSummary:
    """What was embedded and where the vectors are."""

    rows: int
    vectors: Path


def embed(
    source: SourceArgument,
    /,
    *,
    model: Path,
    out: Path | None = None,
    images: Path | None = None,
    columns: str = "",
) -> EmbedSummary:
    """Turn products into vectors: picture, title and both, unit length, one space.

    Without --out they go into the store beside the products; with --out into a Parquet file, for any feed.
    Interrupted, the same command goes on where it stopped.

    Args:
        source: A store, or with --out also a feed (titles alone will do).
        model: Made by `eclip train`.
        out: Parquet file: product_id, image_embedding, text_embedding, product_embedding.
        images: Folder of the pictures that a feed names.
        columns: NAME=COLUMN,... : which column of a feed holds which field.
    """
    from eclip.embed.job import embed_listings, embed_store, store_batches
    from eclip.embed.parts import ROWS_A_PART
    from eclip.model.folder import load_model
    from eclip.products.listings import read_listings
    from eclip.products.store import Store

    source, images = Path(source), Path(images) if images else None
    if out is None and source.is_file():
        raise ConfigError(f"{source} is a feed: say with --out VECTORS.parquet where its vectors go")
    if out is None:
        store = Store.open(source)
        encoder = load_model(model)
        with writing(source):
            embed_store(store, encoder)
        return EmbedSummary(store.num_rows, source / PRODUCTS_DATASET)
    require_file("out", Path(out), suffix=".parquet")
    if source.is_dir():
        store = Store.open(source)
        batches, num_rows, identity = store_batches(store), store.num_rows, store.digest
    else:
        batches = read_listings(source, images=images, columns=columns, category_separator=None, batch_size=ROWS_A_PART)
        stat = source.stat()
        num_rows, identity = None, f"{source.resolve()} {stat.st_size} {stat.st_mtime_ns} {columns} {images}"
    encoder = load_model(model)
    with writing(Path(out)):
        rows = embed_listings(batches, encoder, Path(out), num_rows=num_rows, source=identity)
    return EmbedSummary(rows, Path(out))
