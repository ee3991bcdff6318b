"""`eclip embed`: the vectors of a store or of any feed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eclip.commands.arguments import BackendArgument, SourceArgument, require_file
from eclip.commands.prepare import FetchImages, Runner
from eclip.errors import ConfigError
from eclip.files import writing


@dataclass(frozen=True)
class EmbedSummary:
    """What was embedded and where the vectors are."""

    rows: int
    """Listings that have vectors now."""
    encoded: int
    """Different contents that were encoded for them."""
    backend: str
    """What ran the towers."""
    vectors: str
    """A dataset, or a file."""


def embed(
    source: SourceArgument,
    /,
    *,
    model: Path,
    out: Path | None = None,
    images: Path | None = None,
    columns: str = "",
    sql: str | None = None,
    platform: str | None = None,
    fetch_images: FetchImages = "public",
    backend: BackendArgument = "auto",
    runner: Runner = "native",
    float16: bool = False,
) -> EmbedSummary:
    """Turn products into vectors: picture, title and both, unit length, one space.

    Without --out they go into the store beside the products; with --out into a Parquet file, for any feed.
    Interrupted, the same command goes on where it stopped. Equal listings are encoded once, and after an update
    only new contents are.

    Args:
        source: A store, or with --out also a feed (titles alone will do).
        model: Made by `eclip train`.
        out: Parquet file: product_id, image_embedding, text_embedding, product_embedding.
        images: Folder of the pictures that a feed names.
        columns: NAME=COLUMN,... : which column of a feed holds which field.
        sql: One SELECT, where the source is a database, as in `eclip prepare`.
        platform: Whose export a feed is, as in `eclip prepare`.
        fetch_images: Which addresses of a feed's pictures are fetched, as in `eclip prepare`.
        backend: What runs the towers: torch, torch-bf16, torch-compiled, onnx, onnx-int8, openvino, openvino-bf16 or
            openvino-int8 (docs/models.md). auto takes the quickest that agrees with torch, found by a short
            trial where there are listings enough; others than torch need pip install 'eclip[fast]'.
        runner: native encodes on this machine; ray on each machine of a Ray cluster, as `eclip prepare` cleans, into a
            store that all of them see (docs/cluster.md). Without --backend it runs torch there.
        float16: Store vectors in half precision: half the size.
    """
    from eclip.embed.job import embed_listings, store_batches
    from eclip.embed.parts import ROWS_A_PART
    from eclip.inference.opening import open_encoder
    from eclip.inference.sample import sample_of_store
    from eclip.lineage import lineage, model_facts, store_facts
    from eclip.model.folder import read_manifest
    from eclip.products.feeds import feed_facts, open_feed
    from eclip.products.feeds.sql import shown_url
    from eclip.products.listings import read_listings
    from eclip.products.picturefacts import picture_facts
    from eclip.products.place import holds_store
    from eclip.products.store import Store
    from eclip.products.titles.cleaner import TitleCleaner

    images = Path(images) if images else None
    if out is None and (sql is not None or Path(source).is_file()):
        raise ConfigError(f"{shown_url(str(source))} is a feed: say with --out VECTORS.parquet where its vectors go")
    if out is None and (columns or images):
        raise ConfigError(f"{source} is a store: --columns and --images say how a feed is read")
    if out is None:
        into = _into_store if runner == "native" else _into_store_on_ray
        return into(source, Path(model), backend=backend, is_float16=float16)
    if runner != "native":
        raise ConfigError("--runner ray: only vectors of a store are made on a cluster; prepare the feed first")
    require_file("out", Path(out), suffix=".parquet")
    sample = None
    if holds_store(source):
        store = Store.open(source)
        batches, num_rows, identity = store_batches(store), store.num_rows, store.digest
        sample = sample_of_store(store)
        of_feed, of_store = None, store_facts(store.manifest, store.place)
    else:
        feed = open_feed(source, sql=sql, platform=platform)
        titles = TitleCleaner.from_json(read_manifest(Path(model)).get("titles"))
        batches = read_listings(
            feed, images=images, columns=columns, titles=titles, fetch_images=fetch_images, batch_size=ROWS_A_PART
        )
        pictures = None if sql else picture_facts(feed, images=images, columns=columns)
        of_feed = feed_facts(source, sql=sql, platform=platform)
        of_store = None
        num_rows, identity = None, f"{of_feed} {columns} {images} {pictures} {fetch_images}"
    encoder = open_encoder(Path(model), backend=backend, sample=sample, num_rows=num_rows)
    told = lineage(model=model_facts(read_manifest(Path(model)), model), store=of_store, feed=of_feed)
    told["what"] = "vectors"
    with writing(Path(out)):
        done = embed_listings(
            batches, encoder, Path(out), num_rows=num_rows, source=identity, is_float16=float16, told=told
        )
    return EmbedSummary(done.rows, done.encoded, encoder.backend, str(out))


def _into_store(source: str | Path, model: Path, *, backend: BackendArgument, is_float16: bool) -> EmbedSummary:
    """Vectors beside the products."""
    from eclip.embed.job import embed_store
    from eclip.inference.opening import open_encoder
    from eclip.inference.sample import sample_of_store
    from eclip.model.folder import read_manifest
    from eclip.products.store import Store
    from eclip.schema import PRODUCTS_DATASET

    store = Store.open(source)
    missing = len(store.rows_without_vectors(read_manifest(model)["digest"]))
    sample = sample_of_store(store) if missing else None
    encoder = open_encoder(model, backend=backend, sample=sample, num_rows=missing)
    with store.place.writing():
        done = embed_store(store, encoder, is_float16=is_float16)
    return EmbedSummary(store.num_rows, done.encoded, encoder.backend, store.place.dataset(PRODUCTS_DATASET))


def _into_store_on_ray(source: str | Path, model: Path, *, backend: BackendArgument, is_float16: bool) -> EmbedSummary:
    """Likewise, made on a Ray cluster."""
    from eclip.embed.cluster import embed_store_on_ray
    from eclip.model.folder import read_manifest
    from eclip.products.store import Store
    from eclip.schema import PRODUCTS_DATASET

    store, runs = Store.open(source), "torch" if backend == "auto" else backend
    with store.place.writing():
        done = embed_store_on_ray(store, model, read_manifest(model)["digest"], backend=runs, is_float16=is_float16)
    return EmbedSummary(store.num_rows, done.encoded, runs, store.place.dataset(PRODUCTS_DATASET))
