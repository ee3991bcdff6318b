"""`eclip prepare`: a feed becomes a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from eclip.commands.arguments import FeedArgument
from eclip.errors import ConfigError

FetchImages = Literal["public", "any", "none"]  # as in products.pictures.fetch, which the help need not load

if TYPE_CHECKING:
    from eclip.products.prepare import FeedForecast, PrepareSummary
    from eclip.products.update import UpdateSummary


def prepare(
    feed: FeedArgument,
    /,
    *,
    store: str | Path,
    images: Path | None = None,
    columns: str = "",
    category_separator: str | None = None,
    sql: str | None = None,
    platform: str | None = None,
    fetch_images: FetchImages = "public",
    skip_title_rules: str = "",
    update: bool = False,
    remove_missing: bool = False,
    dry_run: bool = False,
) -> PrepareSummary | UpdateSummary | FeedForecast:
    """Clean a product feed into a store: titles, pictures, duplicates, catalogs, splits.

    Rows that can't be used are kept with a reason in STORE/rejects.lance.

    Columns are found by their usual names; name others with --columns, for example
    title=productDisplayName,image=image_bytes,model_id=code,attributes.colour=baseColour,attributes=specs
    (a name that is no field of a product becomes an attribute).

    Args:
        feed: The products: CSV, TSV, JSON, XML, Excel, Parquet or Arrow file, a folder or pattern of these, a folder of
            pictures, or a database (then with --sql).
        store: Folder to write, or s3://bucket/prefix; an older store there is replaced once the new one is whole.
        images: Folder of the pictures that the feed names; the feed's own folder by default.
        columns: NAME=COLUMN,... : which column holds which field.
        category_separator: What parts the levels of a category path; ">" by default, "/" where no path has ">".
        sql: One SELECT, where FEED is a database: sqlite:///shop.db or postgresql://user:password@host/shop.
        platform: google, shopify, magento: whose export it is; found by itself; none reads its columns plainly.
        fetch_images: Which http(s) and s3 addresses of pictures are fetched: those of public servers, any
            (servers of your own network too), or none.
        skip_title_rules: NAME,... : rules for titles to leave out, for example promotions,capitals (docs/titles.md).
        update: Merge the feed into the store that is there: splits stay, and so do vectors of what did not change.
        remove_missing: With --update: listings that the feed does not have leave the store.
        dry_run: Only say rows, bytes and expected time.
    """
    if remove_missing and not update:
        raise ConfigError("--remove-missing says what an update does; give --update too")
    if update and skip_title_rules:
        raise ConfigError("--skip-title-rules: an update cleans titles as the store was made; prepare it anew instead")
    from eclip.products.feeds import open_feed
    from eclip.products.prepare import plan_feed, prepare_store

    opened = open_feed(feed, sql=sql, platform=platform)
    settings: dict[str, Any] = {
        "images": Path(images) if images else None,
        "columns": columns,
        "category_separator": category_separator,
        "skip_title_rules": skip_title_rules,
    }
    if dry_run:
        return plan_feed(opened, **settings)
    if update:
        from eclip.products.update import update_store

        return update_store(opened, store, fetch_images=fetch_images, **settings, remove_missing=remove_missing)
    return prepare_store(opened, store, fetch_images=fetch_images, **settings)
