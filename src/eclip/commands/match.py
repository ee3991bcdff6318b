"""`eclip match`: are these pairs the same product, and to which catalog does a listing belong?"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclip.commands.arguments import SourceArgument, require_file
from eclip.commands.prepare import FetchImages
from eclip.console import say
from eclip.errors import ConfigError
from eclip.files import replace_file
from eclip.spreadsheets import protected

if TYPE_CHECKING:
    import pyarrow as pa

    from eclip.model.encoder import Encoder
    from eclip.products.pairsfile import PairsFile
    from eclip.products.store import Store
    from eclip.tasks.matching.assign import CatalogIndex
    from eclip.tasks.matching.scorers import PairScorers

PAIR_COLUMNS = ("probability", "same", "reason")
LISTING_COLUMNS = ("product_id", "catalog_id", "probability", "nearest_catalog_id", "nearest_product_id", "reason")


@dataclass(frozen=True)
class MatchSummary:
    """What was decided."""

    rows: int
    same: int  # pairs of one product, or listings that got a catalog
    not_judged: int  # lines that are no pair, listings that can't be read
    out: Path


def match(
    source: SourceArgument,
    /,
    *,
    model: Path,
    out: Path,
    store: str | Path | None = None,
    images: Path | None = None,
    columns: str = "",
    fetch_images: FetchImages = "public",
) -> MatchSummary:
    """Say of each pair of a file whether it is the same product; or, with --store, of each listing its catalog.

    One row a pair (probability, same, reason), or a listing (catalog, probability, the nearest one, reason), in the
    order of the file. A listing whose best catalog is not probable enough gets none; the best one is named beside it.

    Args:
        source: Pairs: lines `left TAB right TAB 0/1` (the label may be missing), or CSV with the columns left and
            right, or left_title, right_title, ...; with --store a feed, as `eclip prepare` reads it.
        model: With matching fitted, by `eclip fit`.
        out: CSV file to write.
        store: With catalogs and vectors of this model.
        images: Folder of the pictures that a feed names.
        columns: NAME=COLUMN,... : which column of a feed holds which field.
        fetch_images: Which addresses of pictures are fetched, as in `eclip prepare`.
    """
    from eclip.model.folder import load_model, read_manifest
    from eclip.products.pairsfile import read_pairs_file
    from eclip.products.place import holds_store
    from eclip.products.store import Store
    from eclip.schema import MODEL_TASKS
    from eclip.tasks.matching.groups import NAME
    from eclip.tasks.matching.scorers import PairScorers
    from eclip.tasks.taskfiles import read_task

    out = Path(out)
    require_file("out", out, suffix=".csv")
    if store is None and holds_store(source):
        raise ConfigError(f"{source} is a store: name a file of pairs, or a feed and --store {source}")
    pairs = read_pairs_file(Path(source)) if store is None else None
    digest = read_manifest(Path(model))["digest"]
    scorers = PairScorers.from_json(read_task(Path(model) / MODEL_TASKS / NAME, digest)["scorers"])
    if pairs is not None:
        judged = _judged(pairs, Path(model), scorers)
        return _write(out, PAIR_COLUMNS, judged, lambda row: row["same"] == 1, lambda row: row["same"] == "")
    feeding = {"images": Path(images) if images else None, "columns": columns, "fetch_images": fetch_images}
    rows = _assigned(source, Store.open(store or ""), load_model(Path(model)), scorers, feeding)
    return _write(
        out, LISTING_COLUMNS, rows, lambda row: bool(row["catalog_id"]), lambda row: row["reason"] == "can't be read"
    )


def _judged(pairs: PairsFile, model: Path, scorers: PairScorers) -> Iterator[dict[str, Any]]:
    """A row for each line of a file of pairs; the model is loaded only where its vectors are looked at."""
    from eclip.model.folder import load_model
    from eclip.tasks.matching.pairfit import judge_pairs

    if told := pairs.told():
        say(told)
    for each in judge_pairs(pairs, lambda titles: load_model(model).encode_text(titles), scorers):
        yield {
            "probability": "" if each.probability is None else f"{each.probability:.4f}",
            "same": "" if each.same is None else int(each.same),
            "reason": each.reason,
        }


def _write(
    out: Path,
    columns: tuple[str, ...],
    rows: Iterable[Mapping[str, Any]],
    is_same: Callable[[Mapping[str, Any]], bool],
    is_lost: Callable[[Mapping[str, Any]], bool],
) -> MatchSummary:
    """Write rows as CSV as they come, and count them."""
    count = same = lost = 0
    with replace_file(out) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            writer.writerow({name: protected(cell) for name, cell in row.items()})
            count, same, lost = count + 1, same + is_same(row), lost + is_lost(row)
    return MatchSummary(rows=count, same=same, not_judged=lost, out=out)


def _assigned(
    feed: str | Path, store: Store, encoder: Encoder, scorers: PairScorers, feeding: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """A row for each listing of a feed, in its order; memory holds the store's listings and one batch."""
    from eclip.embed.parts import ROWS_A_PART
    from eclip.products.feeds import open_feed
    from eclip.products.listings import read_listings
    from eclip.products.titles.cleaner import TitleCleaner
    from eclip.progress import stage
    from eclip.tasks.catalogue import read_catalogue
    from eclip.tasks.corrections.apply import store_catalogs
    from eclip.tasks.matching.assign import CatalogIndex
    from eclip.tasks.matching.features import PairSource

    catalogue = read_catalogue(store, encoder.digest)
    given = store_catalogs(store)
    ids = catalogue.product_ids.tolist()
    with stage("Reading the store's catalogs", len(ids), unit="listings") as advance:
        index = CatalogIndex.of(
            PairSource.of(catalogue), [name or _own(product) for name, product in zip(given, ids, strict=True)]
        )
        advance(len(ids))
    titles = TitleCleaner.from_json(store.manifest.get("titles"))
    place = {product: row for row, product in enumerate(ids)}
    with stage("Assigning listings", None, unit="listings") as advance:
        for batch in read_listings(open_feed(feed), batch_size=ROWS_A_PART, titles=titles, **feeding):
            yield from _rows_of(batch, encoder, index, scorers, ids, place)
            advance(batch.num_rows)


def _rows_of(
    batch: pa.Table,
    encoder: Encoder,
    index: CatalogIndex,
    scorers: PairScorers,
    ids: list[str],
    place: dict[str, int],
) -> Iterator[dict[str, Any]]:
    import numpy as np

    from eclip.tasks.catalogue import listing_records
    from eclip.tasks.matching.assign import assign
    from eclip.tasks.matching.features import PairSource

    names = batch["title"].to_pylist()
    vectors = encoder.encode_products(names, batch["image"].to_pylist())
    listings = PairSource(
        titles=names, image_vectors=vectors.image, text_vectors=vectors.text, records=listing_records(batch)
    )
    products = batch["product_id"].to_pylist()
    # A listing that the store holds too is not compared with itself.
    own_rows = np.array([place.get(product, -1) for product in products])
    for product, usable, found in zip(
        products,
        listings.has["image"] | listings.has["text"],
        assign(index, listings, scorers, own_rows=own_rows),
        strict=True,
    ):
        yield {
            "product_id": product or "",
            "catalog_id": _shown(found.catalog),
            "probability": f"{found.probability:.4f}",
            "nearest_catalog_id": _shown(found.best),
            "nearest_product_id": ids[found.row] if found.row >= 0 else "",
            "reason": found.reason if usable else "can't be read",
        }


def _own(product: str) -> str:
    """The name under which a listing without a catalog stands for itself: no feed holds such an id."""
    return f"\0{product}"


def _shown(catalog: str | None) -> str:
    return "" if catalog is None or catalog.startswith("\0") else catalog
