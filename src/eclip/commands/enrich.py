"""`eclip enrich`: what the model says of new listings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eclip.commands.arguments import FeedArgument, require_file
from eclip.commands.prepare import FetchImages
from eclip.files import replace_file
from eclip.schema import ENRICHED_SCHEMA, MODEL_TASKS

if TYPE_CHECKING:
    import pyarrow as pa

    from eclip.model.encoder import Encoder
    from eclip.products.duplicates.newlistings import Repeat
    from eclip.products.feeds import Feed
    from eclip.products.store import Store
    from eclip.tasks.matching.features import PairSource

NEIGHBOURS_JUDGED = 20
STORE_COLUMNS = ("product_id", "title", "content_hash")


@dataclass(frozen=True)
class EnrichSummary:
    """What was found, counted in listings."""

    rows: int
    with_category: int
    with_same_products: int
    with_duplicates: int
    suspected_adult: int
    unusable: int
    out: Path


@dataclass(frozen=True)
class Listings:
    """Listings with what comparing them needs; rows in one order throughout.

    Attributes:
        table: `STORE_COLUMNS` of each at least.
        image: Vectors [N, D], NaN where missing.
        text: Likewise.
        cells: [N] small pictures that duplicates are told by; None where there is none.
    """

    table: pa.Table
    image: np.ndarray
    text: np.ndarray
    cells: list[np.ndarray | None] = field(default_factory=list)

    @property
    def ids(self) -> list[str | None]:
        """Their product ids; None in a row that can't be read."""
        return list(self.table["product_id"].to_pylist())

    @property
    def usable(self) -> np.ndarray:
        """Mask [N] of those with a picture or a title."""
        return ~(np.isnan(self.image[:, 0]) & np.isnan(self.text[:, 0]))

    def pair_source(self) -> PairSource:
        """As matching reads them."""
        from eclip.tasks.matching.features import PairSource

        titles = self.table["title"].to_pylist()
        return PairSource(titles=titles, image_vectors=self.image, text_vectors=self.text)


def enrich(
    feed: FeedArgument,
    /,
    *,
    model: Path,
    out: Path,
    store: str | Path | None = None,
    images: Path | None = None,
    columns: str = "",
    category_separator: str | None = None,
    sql: str | None = None,
    platform: str | None = None,
    fetch_images: FetchImages = "public",
) -> EnrichSummary:
    """Say of each listing its category, attributes, same products, duplicates and whether it is for adults.

    One row a listing, in the feed's order, each answer with a confidence; a listing that can't be used keeps
    its row, with nulls. Tasks that were not fitted stay null.

    Args:
        feed: New listings, as `eclip prepare` reads them.
        model: With fitted tasks, by `eclip fit`.
        out: Parquet file to write.
        store: Where same products and duplicates are sought; within the feed by default.
        images: Folder of the pictures that the feed names.
        columns: NAME=COLUMN,... : which column holds which field.
        category_separator: What parts the levels of a category path, as in `eclip prepare`.
        sql: One SELECT, where FEED is a database, as in `eclip prepare`.
        platform: Whose export it is, as in `eclip prepare`.
        fetch_images: Which addresses of pictures are fetched, as in `eclip prepare`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from eclip.model.folder import load_model
    from eclip.products.feeds import open_feed
    from eclip.products.store import Store
    from eclip.products.titles.cleaner import TitleCleaner

    require_file("out", Path(out), suffix=".parquet")
    encoder = load_model(model)
    opened = Store.open(store) if store else None
    corpus = _read_store(opened, encoder) if opened else None
    feeding = {
        "titles": TitleCleaner.from_json((opened or encoder).manifest.get("titles")),
        "images": Path(images) if images else None,
        "columns": columns,
        "category_separator": category_separator,
        "fetch_images": fetch_images,
    }
    listings = _encode_feed(open_feed(feed, sql=sql, platform=platform), encoder, feeding, corpus)
    repeats = _repeats(listings, opened)
    answers: dict[str, list[Any]] = {
        "product_id": listings.ids,
        **_head_answers(listings, Path(model) / MODEL_TASKS, encoder.digest),
        "same_product_ids": _same_product_ids(listings, corpus, Path(model) / MODEL_TASKS, encoder.digest),
        "duplicate_ids": [repeat.product_ids for repeat in repeats],
        "duplicate_reason": [repeat.reason for repeat in repeats],
        "duplicate_place": [repeat.place for repeat in repeats],
    }
    for row in np.flatnonzero(~listings.usable):
        for name in ENRICHED_SCHEMA.names[1:]:
            answers[name][row] = None
    table = pa.table([pa.array(answers[f.name], f.type) for f in ENRICHED_SCHEMA], schema=ENRICHED_SCHEMA)
    with replace_file(Path(out)) as aside:
        pq.write_table(table, aside)
    return EnrichSummary(
        rows=table.num_rows,
        with_category=table.num_rows - table["category"].null_count,
        with_same_products=sum(bool(ids) for ids in answers["same_product_ids"]),
        with_duplicates=sum(bool(ids) for ids in answers["duplicate_ids"]),
        suspected_adult=sum(p is not None and p >= 0.5 for p in answers["adult_probability"]),
        unusable=int((~listings.usable).sum()),
        out=Path(out),
    )


def _encode_feed(feed: Feed, encoder: Encoder, feeding: dict[str, Any], corpus: Listings | None) -> Listings:
    """Read, clean and encode a feed; unusable listings stay, without vectors.

    Titles and pictures that the store has encoded already are not encoded again.
    """
    import pyarrow as pa

    from eclip.embed.parts import ROWS_A_PART
    from eclip.products.duplicates.newlistings import KEY_COLUMNS
    from eclip.products.duplicates.pixels import picture_cells
    from eclip.products.listings import read_listings
    from eclip.progress import stage

    columns = list(dict.fromkeys((*STORE_COLUMNS, *KEY_COLUMNS)))
    tables, images, texts = [], [], []
    cells: list[np.ndarray | None] = []
    with stage("Reading and encoding listings", None) as advance:
        for batch in read_listings(feed, batch_size=ROWS_A_PART, **feeding):
            image, text = _vectors(batch, encoder, corpus)
            tables.append(batch.select(columns))
            images.append(image)
            texts.append(text)
            cells += [None if picture is None else picture_cells(picture) for picture in batch["image"].to_pylist()]
            advance(batch.num_rows)
    return Listings(pa.concat_tables(tables), np.concatenate(images), np.concatenate(texts), cells)


def _vectors(batch: pa.Table, encoder: Encoder, corpus: Listings | None) -> tuple[np.ndarray, np.ndarray]:
    """Image and text vectors [B, D] of a batch: the store's for what it holds, the encoder's for the rest."""
    import pyarrow.compute as pc

    titles, pictures = batch["title"].to_pylist(), batch["image"].to_pylist()
    if corpus is None or not len(corpus.image):
        vectors = encoder.encode_products(titles, pictures)
        return vectors.image, vectors.text
    known = corpus.table["content_hash"].combine_chunks()
    places = np.asarray(pc.fill_null(pc.index_in(batch["content_hash"], known, skip_nulls=True), -1).combine_chunks())
    image, text = corpus.image[places].copy(), corpus.text[places].copy()
    rest = np.flatnonzero(places < 0)
    if len(rest):
        vectors = encoder.encode_products([titles[row] for row in rest], [pictures[row] for row in rest])
        image[rest], text[rest] = vectors.image, vectors.text
    return image, text


def _read_store(store: Store, encoder: Encoder) -> Listings:
    from eclip.vectors import vectors_from_arrow

    vectors = store.vectors(model_digest=encoder.digest)
    return Listings(
        store.table(list(STORE_COLUMNS)),
        vectors_from_arrow(vectors["image_embedding"]),
        vectors_from_arrow(vectors["text_embedding"]),
    )


def _head_answers(listings: Listings, tasks: Path, model_digest: str) -> dict[str, list[Any]]:
    """Category, attributes and adult flag, from the heads that were fitted."""
    from eclip.tasks.adult.answers import adult_probability
    from eclip.tasks.adult.targets import NAME as ADULT_TASK
    from eclip.tasks.attributes.answers import predict_attributes
    from eclip.tasks.attributes.targets import NAME as ATTRIBUTES
    from eclip.tasks.category.answers import predict_category
    from eclip.tasks.category.targets import NAME as CATEGORY
    from eclip.tasks.heads.modal import ModalHeads
    from eclip.tasks.taskfiles import read_task

    names = ("category", "category_confidence", "attributes", "attribute_confidences", "adult_probability")
    answers: dict[str, list[Any]] = {name: [None] * len(listings.image) for name in names}
    fitted = {task: tasks / task for task in (CATEGORY, ATTRIBUTES, ADULT_TASK) if (tasks / task).is_dir()}
    for folder in fitted.values():
        read_task(folder, model_digest)
    seen = (listings.image, listings.text, listings.table["title"].to_pylist())
    if CATEGORY in fitted:
        paths, confidences = predict_category(ModalHeads.load(fitted[CATEGORY]), *seen)
        answers["category"] = [None if path is None else list(path) for path in paths]
        answers["category_confidence"] = _or_null(confidences)
    if ATTRIBUTES in fitted:
        values, chances = predict_attributes(ModalHeads.load(fitted[ATTRIBUTES]), *seen)
        answers["attributes"] = [list(each.items()) for each in values]
        answers["attribute_confidences"] = [list(each.items()) for each in chances]
    if ADULT_TASK in fitted:
        answers["adult_probability"] = _or_null(adult_probability(ModalHeads.load(fitted[ADULT_TASK]), *seen))
    return answers


def _same_product_ids(
    listings: Listings, corpus: Listings | None, tasks: Path, model_digest: str
) -> list[list[str] | None]:
    """Ids of the listings that matching takes for the same product, most probable first."""
    from eclip.tasks.matching.answers import same_products
    from eclip.tasks.matching.groups import NAME as MATCHING
    from eclip.tasks.matching.scorers import PairScorers
    from eclip.tasks.taskfiles import read_task

    if not (tasks / MATCHING).is_dir():
        return [None] * len(listings.image)
    scorers = PairScorers.from_json(read_task(tasks / MATCHING, model_digest)["scorers"])
    found = same_products(
        scorers,
        listings.pair_source(),
        corpus.pair_source() if corpus else None,
        top_k=NEIGHBOURS_JUDGED,
    )
    ids = (corpus or listings).ids
    answers = [[ids[row] for row, _ in answer] for answer in found]
    return [_others(own, answer) for own, answer in zip(listings.ids, answers, strict=True)]


def _repeats(listings: Listings, store: Store | None) -> list[Repeat]:
    """Which listings say what another one of the store or of the feed says."""
    from eclip.products.duplicates.newlistings import KnownListings, find_repeats

    known = KnownListings.of(store, store.place.cache) if store else None
    return find_repeats(listings.table, listings.cells, known)


def _others(own: str | None, ids: list[str | None]) -> list[str]:
    """The ids of other listings: a feed may hold listings that the store holds too."""
    return list(dict.fromkeys(each for each in ids if each is not None and each != own))


def _or_null(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
