"""`eclip prepare`: a feed becomes a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclip.commands.arguments import FeedArgument

if TYPE_CHECKING:
    from eclip.products.prepare import FeedForecast, PrepareSummary


def prepare(
    feed: FeedArgument,
    /,
    *,
    store: Path,
    images: Path | None = None,
    columns: str = "",
    category_separator: str | None = None,
    skip_title_rules: str = "",
    dry_run: bool = False,
) -> PrepareSummary | FeedForecast:
    """Clean a product feed into a store: titles, pictures, duplicates, catalogs, splits.

    Rows that can't be used are kept with a reason in STORE/rejects.lance.

    Columns are found by their usual names; name others with --columns, for example
    title=productDisplayName,image=image_bytes,model_id=code,attributes.colour=baseColour,attributes=specs
    (a name that is no field of a product becomes an attribute).

    Args:
        feed: The products: a CSV, TSV, JSONL or Parquet file.
        store: Folder to write; an older store there is replaced once the new one is whole.
        images: Folder of the pictures that the feed names; the feed's own folder by default.
        columns: NAME=COLUMN,... : which column holds which field.
        category_separator: What parts the levels of a category path; ">" by default, "/" where no path has ">".
        skip_title_rules: NAME,... : rules for titles to leave out, for example promotions,capitals (docs/titles.md).
        dry_run: Only say rows, bytes and expected time.
    """
    from eclip.products.prepare import plan_feed, prepare_store

    settings: dict[str, Any] = {
        "images": Path(images) if images else None,
        "columns": columns,
        "category_separator": category_separator,
        "skip_title_rules": skip_title_rules,
    }
    if dry_run:
        return plan_feed(Path(feed), **settings)
    return prepare_store(Path(feed), Path(store), **settings)
