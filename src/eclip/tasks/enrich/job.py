"""A whole feed answered into a file: what `eclip enrich` does once its arguments are understood."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path

from eclip.console import say
from eclip.embed.parts import parts_folder, read_parts, remove_all_parts
from eclip.model.encoder import Encoder
from eclip.products.duplicates.newlistings import KnownListings
from eclip.products.listings import FeedPlan
from eclip.products.manifest import CORRECTIONS_VERSION
from eclip.products.store import Store
from eclip.progress import stage
from eclip.tasks.adult.targets import NAME as ADULT
from eclip.tasks.enrich.answerers import load_answerers
from eclip.tasks.enrich.corpus import Corpus
from eclip.tasks.enrich.encoding import feed_encoder
from eclip.tasks.enrich.listings import cleaned_batches
from eclip.tasks.enrich.output import write_answers
from eclip.tasks.enrich.summary import EnrichSummary
from eclip.tasks.enrich.windows import ROWS_A_WINDOW, Enricher, enrich_in_windows, finished_parts, rows_of
from eclip.version import __version__


def enrich_feed(
    plan: FeedPlan,
    encoder: Encoder,
    tasks: Path,
    out: Path,
    *,
    store: Store | None,
    exact: bool,
    source: object,
    rows_a_window: int = ROWS_A_WINDOW,
) -> EnrichSummary:
    """Answer every listing of a feed, resumable.

    Args:
        plan: The feed and how it is read.
        encoder: The model.
        tasks: MODEL/tasks.
        out: File of the answers; its suffix says of which kind.
        store: Where same products and duplicates are sought; None = within the feed.
        exact: Titles in full precision, too.
        source: What the rows are of; an interrupted job goes on only with the same source, model, tasks and store.
        rows_a_window: Listings that are in memory, and compared with each other.

    Raises:
        ModelError: A task was fitted on vectors of another model.
        StoreError: The store has no vectors of this model.
        FeedError: The feed can't be read any further.
        DiskError: The disk is full, or the place can't be written.
    """
    corpus = Corpus.of(store, encoder.digest) if store else None
    answerers = load_answerers(tasks, encoder, corpus)
    if answerers.missing:
        missing = [f"{task} (by terms of titles alone)" if task == ADULT else task for task in answerers.missing]
        say(f"not fitted: {', '.join(missing)}; their answers stay empty (run `eclip fit`)")
    known = KnownListings.of(store, store.place.cache) if store else None
    compared = store and (
        str(store.place),
        store.digest,
        store.manifest["eclip"],
        store.manifest.get(CORRECTIONS_VERSION),
    )
    job = (source, encoder.digest, _digest_of(tasks), compared, exact, rows_a_window, __version__)
    folder = parts_folder(out, *job)
    parts = finished_parts(folder)
    done = rows_of(parts)
    with (
        feed_encoder(encoder, corpus, exact=exact) as quick,
        stage("Answering", None, unit="listings", done_before=done) as advance,
        closing(cleaned_batches(plan, skipped_rows=done)) as batches,
    ):
        enricher = Enricher(encoder=quick, answerers=answerers, known=known)
        parts += enrich_in_windows(batches, enricher, folder, len(parts), advance, rows_a_window=rows_a_window)
    summary = EnrichSummary(out=out)
    write_answers(summary.counting(read_parts(parts)), out)
    remove_all_parts(out)
    return summary


def _digest_of(tasks: Path) -> str:
    """Digest of the fitted tasks: of the files' names, sizes and times."""
    digest = hashlib.sha256()
    for file in sorted(tasks.rglob("*")):
        if file.is_file():
            facts = file.stat()
            digest.update(f"{file.relative_to(tasks)}:{facts.st_size}:{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
