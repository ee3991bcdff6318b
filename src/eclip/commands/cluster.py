"""`eclip cluster`: catalogs from scratch, the listings of one product together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclip.commands.arguments import SourceArgument, require_file, require_seed
from eclip.commands.prepare import FetchImages

if TYPE_CHECKING:
    import pyarrow as pa

    from eclip.tasks.clustering.catalogs import Clustering
    from eclip.tasks.clustering.edgemodel import EdgeModel
    from eclip.tasks.clustering.ids import Change
    from eclip.tasks.clustering.listings import Listings

MAX_REVIEW = 500  # groups to look at


@dataclass(frozen=True)
class ClusterSummary:
    """What was found: counts of listings, of clusters, and of what changed since `--previous`."""

    rows: int
    clusters: int
    with_a_mate: int
    unusable: int
    was_split: int
    was_merged: int
    out: Path


@dataclass(frozen=True)
class _Source:
    """Listings to cluster, and those that repeat one of them: row of the repeated one, by product id."""

    listings: Listings
    repeats: dict[str, int]
    unusable: int


def cluster(
    source: SourceArgument,
    /,
    *,
    model: Path,
    out: Path,
    previous: Path | None = None,
    review: Path | None = None,
    images: Path | None = None,
    columns: str = "",
    sql: str | None = None,
    platform: str | None = None,
    fetch_images: FetchImages = "public",
    seed: int = 0,
) -> ClusterSummary:
    """Put the listings of one product together, over all sellers, without being told how many products there are.

    One row a listing: product_id, cluster_id, confidence. A listing that repeats another of a store is in its cluster;
    rows of a feed that can't be read are left out.

    Args:
        source: A store with vectors of this model, or a feed.
        model: With clustering fitted, by `eclip fit`.
        out: CSV or Parquet file to write.
        previous: What this command wrote before: clusters keep the id of the one most of their listings were in.
        review: CSV or Parquet file of the least certain groups, and of what was split or merged since PREVIOUS.
        images: Folder of the pictures that a feed names.
        columns: NAME=COLUMN,... : which column of a feed holds which field.
        sql: One SELECT, where the source is a database, as in `eclip prepare`.
        platform: Whose export a feed is, as in `eclip prepare`.
        fetch_images: Which addresses of pictures are fetched, as in `eclip prepare`.
        seed: Of the approximate search among more than 100,000 vectors.
    """
    from eclip.products.place import holds_store
    from eclip.tasks.clustering.catalogs import cluster_listings
    from eclip.tasks.clustering.clusterfile import read_clusters, require_table

    require_seed(seed)
    for name, path in (("out", out), ("review", review)):
        if path is not None:
            require_table(name, Path(path))
            require_file(name, Path(path), suffix=Path(path).suffix)
    known = read_clusters(Path(previous)) if previous else {}
    judge = _read_model(Path(model))
    if sql is None and holds_store(source):
        read = _of_store(source, Path(model))
    else:
        feeding = {"images": Path(images) if images else None, "columns": columns, "fetch_images": fetch_images}
        read = _of_feed(source, Path(model), feeding, sql=sql, platform=platform)
    found = cluster_listings(read.listings, judge, seed=seed)
    return _write(read, found, known, Path(out), Path(review) if review else None)


def _write(read: _Source, found: Clustering, known: dict[str, str], out: Path, review: Path | None) -> ClusterSummary:
    """Name the clusters, and write them and what is to be looked at."""
    import numpy as np

    from eclip.tasks.clustering.clusterfile import CLUSTERS_SCHEMA, write_table
    from eclip.tasks.clustering.ids import MERGED, SPLIT, stable_ids

    rows = [*range(len(read.listings)), *read.repeats.values()]
    product_ids = [*read.listings.product_ids, *read.repeats]
    numbers = found.clusters[rows]
    ids, changes = stable_ids(numbers, product_ids, known)
    content: dict[str, Sequence[Any]] = {
        "product_id": product_ids,
        "cluster_id": [ids[number] for number in numbers],
        "confidence": found.certainty.confidence[rows].tolist(),
    }
    write_table(out, CLUSTERS_SCHEMA, content)
    if review is not None:
        _write_review(review, read.listings, found, ids, changes)
    sizes = np.bincount(numbers, minlength=1)
    return ClusterSummary(
        rows=len(rows),
        clusters=len(ids),
        with_a_mate=int(sizes[sizes > 1].sum()),
        unusable=read.unusable,
        was_split=sum(change.kind == SPLIT for change in changes),
        was_merged=sum(change.kind == MERGED for change in changes),
        out=out,
    )


def _read_model(model: Path) -> EdgeModel:
    """Raises `ModelError` where clustering is not fitted, or for vectors of another model."""
    from eclip.errors import ModelError
    from eclip.model.folder import read_manifest
    from eclip.schema import MODEL_TASKS
    from eclip.tasks.clustering.cluster import NAME
    from eclip.tasks.clustering.edgemodel import EdgeModel
    from eclip.tasks.taskfiles import read_task

    content = read_task(model / MODEL_TASKS / NAME, read_manifest(model)["digest"]).get("edges")
    if content is None:
        raise ModelError(
            f"{model / MODEL_TASKS / NAME} holds no model of edges: the store it was fitted on has too few listings of "
            "known catalogs, or an older eclip fitted it; run `eclip fit` on a store with catalog ids"
        )
    return EdgeModel.from_json(content)


def _of_store(source: str | Path, model: Path) -> _Source:
    """The listings of a store, with the model's vectors; those that repeat another are told apart."""
    import numpy as np

    from eclip.model.folder import read_manifest
    from eclip.products.store import Store
    from eclip.tasks.clustering.listings import COLUMNS, Listings
    from eclip.vectors import vectors_from_arrow

    store = Store.open(source)
    vectors = store.vectors(model_digest=read_manifest(model)["digest"])
    table = store.table([*COLUMNS, "duplicate_of"])
    listings = Listings.of_columns(
        {name: table[name].to_pylist() for name in COLUMNS},
        vectors_from_arrow(vectors["image_embedding"]),
        vectors_from_arrow(vectors["text_embedding"]),
    )
    originals = table["duplicate_of"].to_pylist()
    kept = [row for row, original in enumerate(originals) if original is None]
    place = {listings.product_ids[row]: position for position, row in enumerate(kept)}
    repeats = {
        listings.product_ids[row]: place[original] for row, original in enumerate(originals) if original in place
    }
    return _Source(listings.take(np.array(kept, dtype=np.int64)), repeats, 0)


def _of_feed(
    source: str | Path, model: Path, feeding: dict[str, Any], *, sql: str | None, platform: str | None
) -> _Source:
    """The listings of a feed, encoded as they are read; rows that can't be used are counted."""
    import numpy as np

    from eclip.embed.parts import ROWS_A_PART
    from eclip.model.folder import load_model
    from eclip.products.feeds import open_feed
    from eclip.products.listings import read_listings
    from eclip.products.titles.cleaner import TitleCleaner
    from eclip.progress import stage
    from eclip.tasks.clustering.listings import COLUMNS, Listings

    encoder = load_model(model)
    feeding["titles"] = TitleCleaner.from_json(encoder.manifest.get("titles"))
    cells: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    image, text, unusable = [], [], 0
    with stage("Reading and encoding listings", None) as advance:
        for batch in read_listings(open_feed(source, sql=sql, platform=platform), batch_size=ROWS_A_PART, **feeding):
            fine = _usable(batch)
            unusable += batch.num_rows - fine.num_rows
            vectors = encoder.encode_products(fine["title"].to_pylist(), fine["image"].to_pylist())
            image.append(vectors.image)
            text.append(vectors.text)
            for name, values in cells.items():
                values += fine[name].to_pylist()
            advance(batch.num_rows)
    return _Source(Listings.of_columns(cells, np.concatenate(image), np.concatenate(text)), {}, unusable)


def _usable(batch: pa.Table) -> pa.Table:
    """The rows that were not rejected."""
    import pyarrow.compute as pc

    return batch.filter(pc.is_null(batch["reject_reason"]))


def _write_review(
    path: Path, listings: Listings, found: Clustering, ids: Sequence[str], changes: Sequence[Change]
) -> None:
    """The least certain groups, then what changed."""
    from eclip.tasks.clustering.clusterfile import REVIEW_SCHEMA, write_table

    rows = [
        *_doubts(listings, found, ids),
        *((c.kind, c.cluster_id, " ".join(c.others), *(None,) * 3) for c in changes),
    ]
    columns: dict[str, Sequence[Any]] = {
        name: [row[place] for row in rows] for place, name in enumerate(REVIEW_SCHEMA.names)
    }
    write_table(path, REVIEW_SCHEMA, columns)


def _doubts(listings: Listings, found: Clustering, ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    from eclip.tasks.clustering.certainty import review_queue

    for doubt in review_queue(found.clusters, found.certainty, most=MAX_REVIEW):
        other = ids[doubt.other] if doubt.other >= 0 else ""
        product_id, title = listings.product_ids[doubt.row], listings.titles[doubt.row]
        yield doubt.kind, ids[doubt.cluster], other, doubt.doubt, product_id, title
