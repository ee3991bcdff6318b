"""`eclip review`: the least certain answers to people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eclip.commands.arguments import AnswersArgument, require_file, require_positive
from eclip.commands.prepare import FetchImages
from eclip.errors import ConfigError
from eclip.files import write_text, writing


@dataclass(frozen=True)
class ReviewSummary:
    """What is on the page."""

    answers: int
    """Rows of the page: one answer for one listing each."""
    listings: int
    without_picture: int
    page: Path


def review(
    answers: AnswersArgument,
    /,
    *,
    out: Path,
    store: str | Path | None = None,
    feed: str | Path | None = None,
    images: Path | None = None,
    columns: str = "",
    fetch_images: FetchImages = "public",
    top: int = 200,
) -> ReviewSummary:
    """Write the least certain answers of `eclip enrich` as a page: picture, title, answer; accept or correct each.

    The page is one file, works without a network, and exports a file of corrections for `eclip correct`.

    Args:
        answers: File that `eclip enrich` wrote.
        out: Page to write, .html.
        store: Whose titles and pictures are shown: after `eclip daily`, or for a store's own listings.
        feed: The feed that was answered, in place of a store.
        images: Folder of the pictures that the feed names.
        columns: NAME=COLUMN,... : which column of the feed holds which field.
        fetch_images: Which addresses of pictures are fetched, as in `eclip prepare`.
        top: How many answers.
    """
    from eclip.products.listings import plan_listings
    from eclip.products.store import Store
    from eclip.products.titles.cleaner import TitleCleaner
    from eclip.tasks.corrections.choose import known_values, least_certain
    from eclip.tasks.corrections.page import render_review
    from eclip.tasks.corrections.shown import shown_in_feed, shown_in_store
    from eclip.tasks.enrich.output import plain_rows, read_answers

    require_file("out", Path(out), suffix=".html")
    require_positive("top", top)
    if (store is None) == (feed is None):
        raise ConfigError("say where the listings' titles and pictures are: --store STORE or --feed FEED, one of them")
    rows = list(plain_rows(read_answers(Path(answers))))
    doubts = least_certain(rows, top=top)
    if not doubts:
        raise ConfigError(f"{answers} holds no answer with a confidence; fit tasks with `eclip fit`, then enrich again")
    ids = {doubt.product_id for doubt in doubts}
    if store is not None:
        listings = shown_in_store(Store.open(store), ids)
    else:
        plan = plan_listings(
            str(feed), images=images, columns=columns, fetch_images=fetch_images, titles=TitleCleaner()
        )
        listings = shown_in_feed(plan, ids)
    with writing(Path(out)):
        write_text(Path(out), render_review(doubts, listings, known_values(rows), source=Path(answers).name))
    shown = [listings[each] for each in ids if each in listings and listings[each].picture is not None]
    return ReviewSummary(len(doubts), len(ids), len(ids) - len(shown), Path(out))
