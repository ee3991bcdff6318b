"""`eclip enrich`: what the model says of new listings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclip.commands.arguments import FeedArgument, require_file
from eclip.commands.prepare import FetchImages, Runner
from eclip.files import writing

if TYPE_CHECKING:
    from eclip.tasks.enrich.summary import EnrichSummary


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
    values: Path | None = None,
    exact: bool = False,
    runner: Runner = "native",
) -> EnrichSummary:
    """Say of each listing its category, attributes, same products, cluster, duplicates and whether it is for adults.

    One row a listing, in the feed's order, each answer with a confidence; a listing that can't be used keeps
    its row, with nulls. Tasks that were not fitted stay null. Interrupted, the same command goes on where it stopped.

    Args:
        feed: New listings, as `eclip prepare` reads them.
        model: With fitted tasks, by `eclip fit`.
        out: File to write: Parquet, CSV or JSON lines, by its suffix .parquet, .csv or .jsonl.
        store: Where same products and duplicates are sought; within the feed by default.
        images: Folder of the pictures that the feed names.
        columns: NAME=COLUMN,... : which column holds which field.
        category_separator: What parts the levels of a category path, as in `eclip prepare`.
        sql: One SELECT, where FEED is a database, as in `eclip prepare`.
        platform: Whose export it is, as in `eclip prepare`.
        fetch_images: Which addresses of pictures are fetched, as in `eclip prepare`.
        values: JSON file of attributes' values that nobody labelled, to choose from by their names:
            {"fit": ["slim", "loose"]}; sure only where validation listings of --store have them.
        exact: Full precision where a quicker way would differ in the fourth digit (docs/tasks/enrich.md).
        runner: native works on this machine; ray cleans, encodes and answers on each machine of a Ray cluster, where
            model and store must be found under the same names (docs/cluster.md).
    """
    from eclip.model.folder import load_model
    from eclip.products.feeds import open_feed
    from eclip.products.listings import plan_listings
    from eclip.products.picturefacts import picture_facts
    from eclip.products.store import Store
    from eclip.products.titles.cleaner import TitleCleaner
    from eclip.schema import MODEL_TASKS
    from eclip.tasks.attributes.zeroshot import read_values
    from eclip.tasks.enrich.job import enrich_feed
    from eclip.tasks.enrich.output import SUFFIXES

    require_file("out", Path(out), suffix=SUFFIXES)
    chosen = read_values(Path(values)) if values else None
    encoder = load_model(model)
    opened = Store.open(store) if store else None
    images = Path(images) if images else None
    reading: dict[str, Any] = {
        "images": images,
        "columns": columns,
        "category_separator": category_separator,
        "fetch_images": fetch_images,
    }
    titles = TitleCleaner.from_json((opened or encoder).manifest.get("titles"))
    plan = plan_listings(open_feed(feed, sql=sql, platform=platform), titles=titles, runner=runner, **reading)
    pictures = None if sql else picture_facts(plan.feed, images=images, columns=columns)
    source = (plan.feed.facts(), sql, platform, *reading.values(), pictures)
    tasks = Path(model) / MODEL_TASKS
    with writing(Path(out)):
        return enrich_feed(plan, encoder, tasks, Path(out), store=opened, exact=exact, source=source, values=chosen)
