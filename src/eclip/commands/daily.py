"""`eclip daily`: tomorrow's feed into the store, its vectors, and answers for it, in one go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eclip.commands.arguments import FeedArgument, require_file
from eclip.commands.embed import embed
from eclip.commands.enrich import enrich
from eclip.commands.prepare import FetchImages, Runner, prepare

if TYPE_CHECKING:
    from eclip.products.update import UpdateSummary
    from eclip.tasks.enrich.summary import EnrichSummary


@dataclass(frozen=True)
class DailySummary:
    """What became of the feed, and the answers for it."""

    update: UpdateSummary
    enrich: EnrichSummary


def daily(
    feed: FeedArgument,
    /,
    *,
    store: str | Path,
    model: Path,
    out: Path,
    images: Path | None = None,
    columns: str = "",
    category_separator: str | None = None,
    sql: str | None = None,
    platform: str | None = None,
    fetch_images: FetchImages = "public",
    remove_missing: bool = False,
    runner: Runner = "native",
) -> DailySummary:
    """Merge a new feed into a store, embed what is new, and answer for every listing of the feed.

    The steps are `eclip prepare --update`, `eclip embed` and `eclip enrich`; searches read the store's vectors, so
    what is new is found from then on. Stopped at any time, the same command goes on where it was.

    Args:
        feed: The listings, as `eclip prepare` reads them.
        store: Made by `eclip prepare`.
        model: Made by `eclip train`, with tasks fitted by `eclip fit`.
        out: File of the answers, as `eclip enrich` writes it.
        images: Folder of the pictures that the feed names; the feed's own folder by default.
        columns: NAME=COLUMN,... : which column holds which field; default: as the store was made.
        category_separator: What parts the levels of a category path; default: as the store was made.
        sql: One SELECT, where FEED is a database, as in `eclip prepare`.
        platform: Whose export it is, as in `eclip prepare`.
        fetch_images: Which addresses of pictures are fetched, as in `eclip prepare`.
        remove_missing: Listings that the feed does not have leave the store.
        runner: Where the feed is cleaned for the store: native, or on a Ray cluster, as `eclip prepare` does.
    """
    from eclip.model.folder import read_manifest
    from eclip.products.store import Store
    from eclip.products.update import UpdateSummary
    from eclip.tasks.enrich.output import SUFFIXES

    require_file("out", Path(out), suffix=SUFFIXES)
    read_manifest(Path(model))  # a wrong model is told before the store changes
    manifest = Store.open(store).manifest
    columns = columns or manifest["columns"]
    category_separator = category_separator or manifest["category_separator"]
    updated = prepare(
        feed,
        store=store,
        images=images,
        columns=columns,
        category_separator=category_separator,
        sql=sql,
        platform=platform,
        fetch_images=fetch_images,
        update=True,
        remove_missing=remove_missing,
        runner=runner,
    )
    assert isinstance(updated, UpdateSummary)
    embed(store, model=model)
    answers = enrich(
        feed,
        model=model,
        out=out,
        store=store,
        images=images,
        columns=columns,
        category_separator=category_separator,
        sql=sql,
        platform=platform,
        fetch_images=fetch_images,
    )
    return DailySummary(updated, answers)
