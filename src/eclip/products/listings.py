"""Cleaned listings of any feed, every row present and in order: what prepare, embed and enrich read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from eclip.products.firstlook import look_through
from eclip.products.images import (
    Picture,
    PictureNotFetchedError,
    UnreadablePictureError,
    careful_decoding,
    read_picture,
)
from eclip.products.ingest import Feed, RawBatch, open_feed, row_as_json
from eclip.products.titles.cleaner import TitleCleaner
from eclip.products.titles.learner import PhraseLearner
from eclip.schema import PRODUCTS_SCHEMA

# Only a view of the whole feed can fill these.
WHOLE_FEED_COLUMNS = ("duplicate_of", "duplicate_reason", "loss_group", "split")
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

_EXTRA_SEPARATOR = "|"
_TEXT_FIELDS = ("brand", "seller", "description")
_ID_FIELDS = ("product_id", "catalog_id", "model_id", "gtin", "model_number", "url")


@dataclass(frozen=True, kw_only=True)
class FeedPlan:
    """A feed, and how its cells are to be understood."""

    feed: Feed
    columns: ColumnMap
    category_separator: str
    picture_folder: Path
    titles: TitleCleaner = field(default_factory=TitleCleaner)


def plan_listings(
    feed: Path,
    *,
    images: Path | None,
    columns: str,
    category_separator: str | None,
    titles: TitleCleaner | None = None,
    skip_title_rules: str = "",
) -> FeedPlan:
    """Open a feed, map its columns, decide how category paths are split and learn its titles' phrases.

    Args:
        feed: CSV, TSV, JSON lines or Parquet file.
        images: Folder that relative picture paths start from; None = the feed's own.
        columns: `name=column,...`, see `eclip.products.columns`.
        category_separator: None = `>`, or `/` where no category of the feed has `>`.
        titles: Cleans the titles; None = by what this feed teaches, in the same pass that finds the separator.
        skip_title_rules: Rules that such a learned cleaner leaves out.

    Raises:
        FeedError: The feed, a column or the picture folder is missing, or the feed is empty.
        ConfigError: `columns` or `skip_title_rules` can't be understood.
    """
    learner = PhraseLearner() if titles is None and TitleCleaner(skip_title_rules).learns else None
    opened = open_feed(feed)
    if images is not None and not images.is_dir():
        raise FeedError("no such picture folder (--images)", path=images)
    mapped = resolve_columns(columns, opened.columns, feed=feed)
    found = look_through(opened, mapped, learner) if learner or not category_separator else ""
    return FeedPlan(
        feed=opened,
        columns=mapped,
        category_separator=category_separator or found,
        picture_folder=images if images is not None else feed.parent,
        titles=titles or TitleCleaner(skip_title_rules, learner.learned() if learner else None),
    )


def read_listings(
    feed: Path,
    *,
    images: Path | None,
    columns: str,
    category_separator: str | None,
    batch_size: int,
    titles: TitleCleaner | None = None,
) -> Iterator[pa.Table]:
    """Cleaned listings as tables of `LISTINGS_SCHEMA`; arguments and (immediate) errors: `plan_listings`.

    Titles are cleaned as those of a store (`TitleCleaner.from_json` of its manifest's "titles"), by default with
    nothing learned: a few new listings teach nothing.
    """
    plan = plan_listings(
        feed,
        images=images,
        columns=columns,
        category_separator=category_separator,
        titles=titles or TitleCleaner(),
    )
    return planned_listings(plan, batch_size=batch_size)


def planned_listings(plan: FeedPlan, *, batch_size: int) -> Iterator[pa.Table]:
    """Cleaned listings of a planned feed; no more than one batch is held."""
    names = _columns_to_read(plan)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for batch in plan.feed.batches(batch_size, columns=names):
            with careful_decoding():
                table = clean_batch(batch, plan, pool)
            yield table


def _columns_to_read(plan: FeedPlan) -> list[str]:
    """All columns of a text feed (a reject keeps its whole row); of Parquet the mapped ones: others cost."""
    return list(plan.columns.used if plan.feed.kind == "parquet" else plan.feed.columns)


@dataclass
class _Pictures:
    """Main and extra pictures of one row, and what is to be said of them."""

    main: Picture | None = None
    extra: list[Picture] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


def clean_batch(batch: RawBatch, plan: FeedPlan, pool: Executor) -> pa.Table:
    """Clean one batch: [rows of the feed] -> [rows of `LISTINGS_SCHEMA`]; the pool decodes pictures."""
    cells = {name: batch.table[name].to_pylist() for name in batch.table.column_names}
    fields = {name: cells[column] for name, column in plan.columns.fields.items()}
    nothing: list[Any] = [None] * len(batch.rows)
    mains, extras = fields.pop("image", nothing), fields.pop("extra_images", nothing)
    records = []
    for index, tasks in enumerate(_picture_tasks(mains, extras, plan.picture_folder, pool)):
        record: dict[str, Any] = {"row": batch.rows[index]}
        fault = batch.faults[index]
        if fault is None:
            values = {name: column[index] for name, column in fields.items()}
            record |= _clean_record(values, _gather_pictures(*tasks), batch.rows[index], plan)
            record["attributes"] = _attributes(cells, index, plan.columns)
        else:
            record |= {"reject_reason": BAD_ROW, "reject_detail": fault}
        if record.get("reject_reason"):
            record["reject_raw"] = row_as_json({name: column[index] for name, column in cells.items()})
        records.append(record)
    return pa.Table.from_pylist(records, schema=LISTINGS_SCHEMA)


def _clean_record(values: dict[str, Any], pictures: _Pictures, row: int, plan: FeedPlan) -> dict[str, Any]:
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
    record: dict[str, Any] = {name: as_text(values.get(name)) for name in _ID_FIELDS}
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
        "catalog_reason": "given" if record["catalog_id"] else None,
        "policy": policy,
        "image": main.encoded if main else None,
        "extra_images": [picture.encoded for picture in pictures.extra] or None,
        "image_hash": main.digest if main else None,
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


def _picture_tasks(
    mains: Sequence[Any], extras: Sequence[Any], folder: Path, pool: Executor
) -> Iterator[tuple[Future, list[Future]]]:
    """Start to read all pictures of a batch; a file that several rows name is read once."""
    by_name: dict[str, Future] = {}

    def start(source: Any) -> Future:
        if not isinstance(source, str):
            return pool.submit(read_picture, source, folder)
        if source not in by_name:
            by_name[source] = pool.submit(read_picture, source, folder)
        return by_name[source]

    tasks = []
    for main, more in zip(mains, extras, strict=True):
        sources = more.split(_EXTRA_SEPARATOR) if isinstance(more, str) else more
        sources = sources if isinstance(sources, list | tuple) else [sources] if sources else []
        tasks.append((start(main), [start(source) for source in sources]))
    return iter(tasks)


def _gather_pictures(main: Future, extras: Sequence[Future]) -> _Pictures:
    """The pictures of one row; a first extra picture steps in for a main one that is missing."""
    found = _Pictures()
    found.main = _result_or_flag(main, "", found.flags)
    for extra in extras:
        picture = _result_or_flag(extra, "extra ", found.flags)
        if picture is not None:
            found.extra.append(picture)
    if found.main is None and found.extra:
        found.main = found.extra.pop(0)
        found.flags.append("extra picture taken as main")
    return found


def _result_or_flag(task: Future, which: str, flags: list[str]) -> Picture | None:
    try:
        return task.result()
    except PictureNotFetchedError:
        flags.append(f"{which}image not fetched")
    except UnreadablePictureError as fault:
        flags.append(f"unreadable {which}picture: {fault}")
    return None


def content_hash(title: str | None, pictures: Sequence[Picture | None]) -> str:
    """blake2b-128 hex of what a model sees: title and the pixels of all pictures."""
    parts = [title or "", *(picture.digest if picture else "" for picture in pictures)]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
