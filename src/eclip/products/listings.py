"""Cleaned listings of any feed, every row present and in order: what prepare, embed and enrich read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, TypedDict, Unpack

import pyarrow as pa

from eclip.errors import FeedError
from eclip.products.cells import (
    as_text,
    attribute_values,
    merge_attributes,
    parse_attributes,
    parse_category,
    parse_policy,
    parse_price,
)
from eclip.products.clean import clean_text, title_language
from eclip.products.columns import ColumnMap, resolve_columns
from eclip.products.feeds import Feed, RawBatch, open_feed, row_as_json
from eclip.products.firstlook import look_through
from eclip.products.pictures.fetch import FetchImages
from eclip.products.pictures.loader import PictureLoader
from eclip.products.pictures.opening import careful_decoding
from eclip.products.pictures.picture import Picture
from eclip.products.rowpictures import RowPictures, gather_pictures, picture_tasks
from eclip.products.titles.cleaner import TitleCleaner
from eclip.products.titles.learner import PhraseLearner
from eclip.schema import PRODUCTS_SCHEMA, WHOLE_FEED_COLUMNS

Runner = Literal["native", "ray"]
"""Where batches are cleaned: on this machine, or on a Ray cluster."""

BAD_ROW = "unreadable row"
NO_CONTENT = "no title and no picture"
NO_ID = "no product id"

LISTINGS_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),  # 1-based data row in the feed
        pa.field("reject_reason", pa.string()),  # null where the listing is fine
        pa.field("reject_detail", pa.string()),
        pa.field("reject_raw", pa.string()),  # a rejected row as JSON, pictures left out
    ]
    + [entry.with_nullable(nullable=True) for entry in PRODUCTS_SCHEMA if entry.name not in WHOLE_FEED_COLUMNS]
)
LISTING_COLUMNS = tuple(name for name in PRODUCTS_SCHEMA.names if name not in WHOLE_FEED_COLUMNS)

_NOT_TOLD = ("row", "image", "extra_images")  # `content_hash` has the pictures' pixels
_WHOSE = ("product_id", "seller")
_TEXT_FIELDS = ("brand", "seller", "description")
_ID_FIELDS = {  # field of a feed -> column of the store
    "product_id": "product_id",
    "catalog_id": "feed_catalog_id",
    "model_id": "feed_model_id",
    "gtin": "gtin",
    "model_number": "model_number",
    "url": "url",
}


@dataclass(frozen=True, kw_only=True)
class CleaningPlan:
    """How the cells of a feed's batches are to be understood."""

    columns: ColumnMap
    category_separator: str
    picture_folder: Path
    fetch_images: FetchImages
    titles: TitleCleaner


@dataclass(frozen=True, kw_only=True)
class FeedPlan(CleaningPlan):
    """A feed, how its cells are to be understood, and where that is done."""

    feed: Feed
    runner: Runner = "native"

    def raw_batches(self, batch_size: int, columns: Sequence[str] | None = None) -> Iterator[RawBatch]:
        """The feed's rows as they came; names of pictures start at their own file, unless the user named a folder.

        Args:
            batch_size: Most rows in a batch.
            columns: Those to read; None = of a text feed all (a reject keeps its whole row), of a columnar one the
                mapped ones: others cost.
        """
        names = list(columns or (self.columns.used if self.feed.columnar else self.feed.columns))
        is_named = self.picture_folder != self.feed.folder
        for batch in self.feed.batches(batch_size, columns=names):
            yield replace(batch, folder=None) if is_named else batch


class Feeding(TypedDict, total=False):
    """How a feed is to be read: what every function that takes a feed passes on.

    Attributes:
        images: Folder that relative picture paths start from; None = the feed's own.
        columns: `name=column,...`, see `eclip.products.columns`.
        category_separator: None = `>`, or `/` where no category of the feed has `>`.
        fetch_images: Which picture addresses are fetched: public ones, any, none.
        titles: Cleans the titles; None = by what this feed teaches.
        skip_title_rules: Rules that such a learned cleaner leaves out, see `eclip.products.titles.rules`.
        runner: Where batches are cleaned: on this machine ("native") or on a Ray cluster ("ray"). What makes or updates
            a store heeds it, and `eclip enrich`, which answers where it cleans.
    """

    images: Path | None
    columns: str
    category_separator: str | None
    fetch_images: FetchImages
    titles: TitleCleaner | None
    skip_title_rules: str
    runner: Runner


def plan_listings(feed: Feed | Path | str, **feeding: Unpack[Feeding]) -> FeedPlan:
    """Open a feed, map its columns, decide how category paths are split and learn its titles' phrases.

    Args:
        feed: An opened feed, or what `open_feed` opens.
        feeding: How to read it.

    Raises:
        FeedError: The feed, a column or the picture folder is missing, or the feed is empty.
        ConfigError: `columns` or `skip_title_rules` can't be understood.
    """
    images, titles, skipped = feeding.get("images"), feeding.get("titles"), feeding.get("skip_title_rules", "")
    separator = feeding.get("category_separator")
    learner = PhraseLearner() if titles is None and TitleCleaner(skipped).learns else None
    opened = feed if isinstance(feed, Feed) else open_feed(feed)
    if images is not None and not images.is_dir():
        raise FeedError("no such picture folder (--images)", path=images)
    columns = resolve_columns(
        feeding.get("columns", ""), opened.columns, feed=opened.source, platform=opened.column_map
    )
    found = look_through(opened, columns, learner) if learner or not separator else ""
    return FeedPlan(
        feed=opened,
        columns=columns,
        category_separator=separator or found,
        picture_folder=images if images is not None else opened.folder,
        fetch_images=feeding.get("fetch_images", "public"),
        titles=titles or TitleCleaner(skipped, learner.learned() if learner else None),
        runner=feeding.get("runner", "native"),
    )


def read_listings(feed: Feed | Path | str, *, batch_size: int, **feeding: Unpack[Feeding]) -> Iterator[pa.Table]:
    """Cleaned listings as tables of `LISTINGS_SCHEMA`; (immediate) errors: `plan_listings`.

    Titles are cleaned as those of a store (`TitleCleaner.from_json` of its manifest's "titles"), by default with
    nothing learned: a few new listings teach nothing.
    """
    feeding["titles"] = feeding.get("titles") or TitleCleaner(feeding.get("skip_title_rules", ""))
    return planned_listings(plan_listings(feed, **feeding), batch_size=batch_size)


def planned_listings(plan: FeedPlan, *, batch_size: int) -> Iterator[pa.Table]:
    """Cleaned listings of a planned feed, batch by batch in this process: for a few, and the twin of many at once."""
    with PictureLoader(plan.picture_folder, fetch_images=plan.fetch_images) as loader:
        for batch in plan.raw_batches(batch_size):
            with careful_decoding():
                table = clean_batch(batch, plan, loader)
            yield table


class Pictures(Protocol):
    """Brings the pictures of a batch."""

    def batch(self, folder: Path | None = None, /) -> Callable[[Any], Future[Picture | None]]:
        """What starts to read the picture of a cell."""


def clean_batch(batch: RawBatch, plan: CleaningPlan, loader: Pictures) -> pa.Table:
    """Clean one batch: [rows of the feed] -> [rows of `LISTINGS_SCHEMA`]; the loader brings pictures."""
    cells = {name: batch.table[name].to_pylist() for name in batch.table.column_names}
    fields = {name: cells[column] for name, column in plan.columns.fields.items()}
    nothing: list[Any] = [None] * len(batch.rows)
    mains, extras = fields.pop("image", nothing), fields.pop("extra_images", nothing)
    records = []
    for index, tasks in enumerate(picture_tasks(mains, extras, loader.batch(batch.folder))):
        record: dict[str, Any] = {"row": batch.rows[index]}
        fault = batch.faults[index]
        if fault is None:
            values = {name: column[index] for name, column in fields.items()}
            record |= _clean_record(values, gather_pictures(*tasks), batch.rows[index], plan)
            record["attributes"] = _attributes(cells, index, plan.columns)
            record["listing_hash"] = listing_hash(record)
        else:
            remains = batch.remains.get(index, {})
            record |= {"reject_reason": BAD_ROW, "reject_detail": fault} | _whose(
                remains, batch.rows[index], plan.columns
            )
        if record.get("reject_reason"):
            record["reject_detail"] = batch.located(index, record["reject_detail"])
            raw = {name: column[index] for name, column in cells.items()}
            whose = {
                plan.columns.fields[name]: record[name] for name in _WHOSE if fault and name in plan.columns.fields
            }
            record["reject_raw"] = row_as_json(raw | whose)
        records.append(record)
    return pa.Table.from_pylist(records, schema=LISTINGS_SCHEMA)


def _whose(remains: Mapping[str, str | None], row: int, columns: ColumnMap) -> dict[str, str | None]:
    """Whose row a bad one is, as far as it can be read: an update and a deletion must know; the rest is not kept."""
    told = {name: as_text(remains.get(columns.fields[name])) for name in _WHOSE if name in columns.fields}
    if "product_id" not in columns.fields:
        told["product_id"] = str(row)
    return {name: clean_text(text) if name in _TEXT_FIELDS else text for name, text in told.items()}


def _clean_record(values: dict[str, Any], pictures: RowPictures, row: int, plan: CleaningPlan) -> dict[str, Any]:
    """One listing of the schema from its raw cells and its pictures."""
    raw_title = as_text(values.get("title"))
    title = plan.titles.clean(raw_title)
    flags = list(pictures.flags)
    policy, understood = parse_policy(values.get("policy"))
    if not understood:
        flags.append(f"unknown policy: {as_text(values['policy'])}")
    price = parse_price(values.get("price"))
    if price is None and as_text(values.get("price")):
        flags.append(f"unreadable price: {as_text(values['price'])}")
    record: dict[str, Any] = {column: as_text(values.get(name)) for name, column in _ID_FIELDS.items()}
    record |= {name: clean_text(as_text(values.get(name))) for name in _TEXT_FIELDS}
    if "product_id" not in plan.columns.fields:
        record["product_id"] = str(row)
    main = pictures.main
    record |= {
        "title": title,
        "raw_title": raw_title,
        "language": _language(values.get("language"), title),
        "price": price,
        "category": parse_category(values.get("category"), plan.category_separator),
        "policy": policy,
        "image": main.encoded if main else None,
        "extra_images": [picture.encoded for picture in pictures.extra] or None,
        "image_hash": main.digest if main else None,
        "perceptual_hash": main.perceptual_hash if main else None,
        "content_hash": content_hash(title, [main, *pictures.extra]),
        "weight": 1.0,
        "flags": flags,
    }
    return record | _rejection(record)


def _rejection(record: dict[str, Any]) -> dict[str, str]:
    """Why a listing can't be kept; empty where it can."""
    if record["title"] is None and record["image"] is None:
        return {"reject_reason": NO_CONTENT, "reject_detail": "; ".join(record["flags"]) or "both are empty"}
    if record["product_id"] is None:
        return {"reject_reason": NO_ID, "reject_detail": "the id column is empty"}
    return {}


def _language(given: Any, title: str | None) -> str | None:
    """The feed's language as ISO 639-1 (`ko-KR` -> "ko"), else what the title's script says."""
    code = (as_text(given) or "").lower()[:2]
    return code if len(code) == 2 and code.isalpha() else title_language(title)


def _attributes(cells: dict[str, list[Any]], index: int, columns: ColumnMap) -> list[tuple[str, list[str]]] | None:
    """Attributes of one row: those of the own columns first, then those of columns that hold several."""
    pairs: list[tuple[str | None, list[str]]] = [
        (name, attribute_values(cells[column][index])) for name, column in columns.attributes.items()
    ]
    for column in columns.attribute_columns:
        pairs += parse_attributes(cells[column][index], column=column)
    return merge_attributes(pairs) or None


def listing_hash(record: dict[str, Any]) -> str:
    """blake2b-128 hex of everything that a cleaned listing says; of its pictures, their pixels."""
    told = {name: value for name, value in record.items() if name not in _NOT_TOLD}
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def content_hash(title: str | None, pictures: Sequence[Picture | None]) -> str:
    """blake2b-128 hex of what a model sees: title and the pixels of all pictures."""
    parts = [title or "", *(picture.digest if picture else "" for picture in pictures)]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
