"""Whether the pictures that a feed names are still the files that they were: by sizes and times, none is opened."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa

from eclip.products.feeds import Feed
from eclip.products.listings import plan_listings
from eclip.products.pictures.sources import is_remote, local_path, named_picture
from eclip.products.rowpictures import extra_sources
from eclip.products.titles.cleaner import TitleCleaner

_BATCH_ROWS = 20_000


def picture_facts(feed: Feed, *, images: Path | None = None, columns: str = "") -> str:
    """Digest of name, size and time of each picture file that a feed names, in its order.

    The feed's picture columns are read once. Pictures inside the feed change with it, and what lies behind
    addresses is not asked for.

    Args:
        feed: The feed.
        images: Folder that relative names start from; None = the feed's own.
        columns: `name=column,...`, see `eclip.products.columns`.

    Raises:
        FeedError: The feed can't be read.
        ConfigError: `columns` can't be understood.
    """
    plan = plan_listings(feed, images=images, columns=columns, category_separator=">", titles=TitleCleaner())
    digest = hashlib.sha256()
    fields = {name: plan.columns.fields[name] for name in ("image", "extra_images") if name in plan.columns.fields}
    columns_read = list(dict.fromkeys(fields.values()))
    for batch in plan.raw_batches(_BATCH_ROWS, columns=columns_read) if fields else ():
        told = {name: column for name, column in fields.items() if not _holds_bytes(batch.table[column].type)}
        if not told:
            break
        folder = batch.folder or plan.picture_folder
        for name, column in told.items():
            for cell in batch.table[column].to_pylist():
                for source in extra_sources(cell) if name == "extra_images" else [cell]:  # a main one's name is whole
                    digest.update(_stamp(source, folder).encode("utf-8", "replace"))
    return digest.hexdigest()[:16]


def _holds_bytes(kind: pa.DataType) -> bool:
    """Whether a column's values are pictures themselves, or hold them."""
    if pa.types.is_nested(kind):
        return any(_holds_bytes(kind.field(index).type) for index in range(kind.num_fields))
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _stamp(source: object, folder: Path) -> str:
    """Name, size and time of a picture's file; the bare name of what is none."""
    name = named_picture(source)
    if not isinstance(name, str) or is_remote(name) or name[:5].lower() == "data:":
        return ""
    try:
        stat = local_path(name, folder).stat()
    except (OSError, ValueError):
        return name
    return f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\0"
