"""What `eclip enrich` costs a listing, stage by stage, in processor time: 8 ms are 250 listings a second on 2 cores.

    python benchmarks/tasks/enrich_speed.py FEED --model MODEL --store STORE [--rows 1024] [--exact]

Stages run one after the other on one thread each, so that their costs add up; the last line is the whole command's.
Processor time, not the clock's: what else the machine does hardly counts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import eclip
from eclip.model.encoder import open_picture
from eclip.model.folder import load_model
from eclip.products.duplicates.newlistings import KnownListings
from eclip.products.duplicates.pixels import cells_of
from eclip.products.listings import plan_listings, planned_listings
from eclip.products.store import Store
from eclip.products.titles.cleaner import TitleCleaner
from eclip.tasks.enrich.answerers import load_answerers
from eclip.tasks.enrich.corpus import Corpus
from eclip.tasks.enrich.encoding import feed_encoder
from eclip.tasks.enrich.output import write_answers
from eclip.tasks.enrich.windows import WindowEnricher, answers_table


class Costs:
    """Processor seconds by stage; a second run of each counts, so that nothing is made for the first time."""

    def __init__(self, rows: int) -> None:
        self.rows, self.milliseconds = rows, dict[str, float]()

    def of(self, name: str, work: Callable[[], Any], *, warm: bool = True) -> Any:
        """Measure a stage, and return what it gives."""
        if warm:
            work()
        started = time.process_time()
        result = work()
        self.milliseconds[name] = (time.process_time() - started) / self.rows * 1e3
        print(f"| {name} | {self.milliseconds[name]:.2f} |", flush=True)
        return result


def profile(feed: Path, model: Path, store: Path, *, rows: int, exact: bool) -> None:
    """Print the cost of each stage, in ms a listing."""
    torch.set_num_threads(1)
    encoder, opened = load_model(model), Store.open(store)
    corpus = Corpus.of(opened, encoder.digest)
    plan = plan_listings(feed, titles=TitleCleaner.from_json(opened.manifest["titles"]))
    costs = Costs(rows)
    print("| stage | ms a listing |\n| --- | ---: |")
    batch = costs.of("read, clean, decode, hash", lambda: next(planned_listings(plan, batch_size=rows)))
    costs.rows = batch.num_rows
    pictures = [each for each in batch["image"].to_pylist() if each is not None]
    images = costs.of("decode for the tower", lambda: [open_picture(each) for each in pictures])
    costs.of("cells for duplicates", lambda: [cells_of(each) for each in images])
    pixels = costs.of("resize, normalise", lambda: torch.stack([encoder.transform(each) for each in images]))
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    titles = [each or "" for each in batch["title"].to_pylist()]
    tokens = costs.of("tokenise", lambda: encoder.tokenize(titles))
    print(f"  ({len(pictures)} pictures, {float((tokens != encoder.pad_id).sum(1).float().mean()):.1f} tokens a title)")
    with torch.inference_mode():
        costs.of("picture tower as it is", lambda: encoder.image_features(pixels))
        costs.of("title tower as it is", lambda: encoder.text_features(tokens))
    with feed_encoder(encoder, exact=exact) as quick:
        fast = quick.encoder
        costs.of("picture tower", lambda: [fast.image_engine(each) for each in pixels.split(32)])
        in_order = tokens[(tokens != encoder.pad_id).sum(1).argsort()]
        costs.of("title tower", lambda: [fast.text_engine(encoder.trim(each)) for each in in_order.split(64)])
        print(f"  (backend: {fast.backend})")
        listings = costs.of("all of encoding", lambda: quick.listings(batch))
        answerers, answers = load_answerers(model / "tasks", encoder, corpus), dict[str, list[Any]]()
        for name, answerer in (answerers.of_batch | answerers.of_window).items():
            answers |= costs.of(name, lambda answerer=answerer: answerer.answer(listings))
        known = KnownListings.of(opened, opened.place.cache)
        enricher = WindowEnricher(answerers=answerers.of_window, known=known)
        answers |= costs.of("duplicates", lambda: enricher.repeats(listings))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "answers.parquet"
        costs.of("write", lambda: write_answers([answers_table(listings, answers)], out))
    whole(feed, model, store, exact=exact)


def whole(feed: Path, model: Path, store: Path, *, exact: bool) -> None:
    """Print what the command costs, all of it: loading the model and the store too."""
    with tempfile.TemporaryDirectory() as folder:
        started, clock = time.process_time(), time.monotonic()
        found = eclip.enrich(feed, model=model, store=store, out=Path(folder) / "answers.parquet", exact=exact)
        spent, passed = time.process_time() - started, time.monotonic() - clock
    print(f"| the whole command, {found.rows} listings | {spent / found.rows * 1e3:.2f} |")
    print(f"{found.rows / passed:.0f} listings/s by the clock, {spent / passed:.2f} processors at work")


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("feed", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--exact", action="store_true")
    given = parser.parse_args()
    profile(given.feed, given.model, given.store, rows=given.rows, exact=given.exact)


if __name__ == "__main__":
    main()
