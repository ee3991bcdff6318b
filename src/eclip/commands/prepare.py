"""`eclip prepare`: a feed becomes a store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from eclip.commands.arguments import FeedArgument
from eclip.errors import ConfigError

# As in products.pictures.fetch and products.listings, which the help need not load.
FetchImages = Literal["public", "any", "none"]
Runner = Literal["native", "ray"]

if TYPE_CHECKING:
    from eclip.products.agreement.check import CheckSummary
    from eclip.products.prepare import FeedForecast, PrepareSummary
    from eclip.products.update import UpdateSummary


@dataclass(frozen=True)
class CheckedSummary:
    """What became of the feed, and what a model found of its pairs of picture and title."""

    prepared: PrepareSummary | UpdateSummary
    pairs: CheckSummary


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
    runner: Runner = "native",
    check_with: Path | None = None,
    dry_run: bool = False,
) -> PrepareSummary | UpdateSummary | CheckedSummary | FeedForecast:
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
        runner: native cleans on all cores of this machine; ray on the Ray cluster of RAY_ADDRESS, or on one started for
            it here (pip install 'eclip[ray]', docs/cluster.md).
        check_with: Model folder that then looks at every pair of picture and title: wrong ones are left out of
            training. With --update and the same feed it looks at the store that is there, which keeps its vectors.
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
    where: dict[str, Any] = {"fetch_images": fetch_images, "runner": runner}
    if dry_run:
        return plan_feed(opened, **settings)
    if check_with is not None:
        _require_model(Path(check_with))
    prepared: PrepareSummary | UpdateSummary
    if update:
        from eclip.products.update import update_store

        prepared = update_store(opened, store, **settings, **where, remove_missing=remove_missing)
    else:
        prepared = prepare_store(opened, store, **settings, **where)
    if check_with is None:
        return prepared
    return CheckedSummary(prepared, check(store, model=Path(check_with)))


def check(store: str | Path, *, model: Path) -> CheckSummary:
    """Look at every pair of picture and title of a finished store with a model; what `--check-with` does last.

    The store stays whole and as it was until the scores are there; stopped, the same call goes on.

    Args:
        store: Made by `eclip prepare`.
        model: Made by `eclip train`.

    Raises:
        StoreError: No finished store, too few pairs, or the model can't tell right pairs from wrong ones.
        ModelError: No finished model.
    """
    from eclip.embed.job import picture_vectors
    from eclip.model.folder import load_model
    from eclip.products.agreement.check import check_pairs
    from eclip.products.store import Store

    opened = Store.open(store)
    encoder = load_model(model)
    with opened.place.writing():
        return check_pairs(opened, lambda some: picture_vectors(some, encoder), model_digest=encoder.digest)


def _require_model(model: Path) -> None:
    """Tell a wrong model before the feed is read.

    Raises:
        ModelError: It is missing, unfinished or of another version.
    """
    from eclip.model.folder import read_manifest

    read_manifest(model)
