"""A whole feed answered into a file: what `eclip enrich` does once its arguments are understood."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from eclip.console import say
from eclip.embed.parts import parts_folder, read_parts, remove_all_parts
from eclip.lineage import lineage, model_facts, store_facts
from eclip.model.encoder import Encoder
from eclip.products.duplicates.newlistings import KnownListings
from eclip.products.listings import FeedPlan
from eclip.products.manifest import CORRECTIONS_VERSION
from eclip.products.store import Store
from eclip.progress import stage
from eclip.tasks.adult.targets import NAME as ADULT
from eclip.tasks.enrich.encoding import feed_encoder
from eclip.tasks.enrich.listings import cleaned_batches
from eclip.tasks.enrich.loading import Loaded
from eclip.tasks.enrich.output import write_answers
from eclip.tasks.enrich.summary import EnrichSummary
from eclip.tasks.enrich.windows import (
    ROWS_A_WINDOW,
    AnsweredBatch,
    BatchEnricher,
    WindowEnricher,
    enrich_in_windows,
    finished_parts,
    rows_of,
)
from eclip.tasks.taskfiles import tasks_digest
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
    values: Mapping[str, Sequence[str]] | None = None,
    rows_a_window: int = ROWS_A_WINDOW,
) -> EnrichSummary:
    """Answer every listing of a feed, resumable.

    Args:
        plan: The feed, how it is read, and by which runner.
        encoder: The model, out of its folder.
        tasks: MODEL/tasks.
        out: File of the answers; its suffix says of which kind.
        store: Where same products and duplicates are sought; None = within the feed.
        exact: Titles in full precision, too.
        source: What the rows are of; an interrupted job goes on only with the same source, model, tasks and store.
        values: By attribute, values that nobody was taught, to choose from by their names; None = none.
        rows_a_window: Listings that are in memory, and compared with each other.

    Raises:
        ConfigError: An attribute of `values` has fewer than two of them, or the model reads no words.
        ModelError: A task was fitted on vectors of another model.
        StoreError: The store has no vectors of this model.
        FeedError: The feed can't be read any further.
        DiskError: The disk is full, or the place can't be written.
        ClusterError: The plan's runner can't be reached, or gave up.
        MissingExtraError: It is not installed.
    """
    loaded = Loaded.of(encoder, tasks, store, values)
    answerers = loaded.answerers
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
    fitted = tasks_digest(tasks)
    job = (source, values, encoder.digest, fitted, compared, exact, rows_a_window, __version__)
    folder = parts_folder(out, *job)
    parts = finished_parts(folder)
    done = rows_of(parts)
    if plan.runner == "native":
        answered = answered_here(plan, encoder, loaded, skipped_rows=done, exact=exact)
    else:
        from eclip.tasks.enrich.cluster import AnswerJob, answered_on_cluster

        work = AnswerJob.of(encoder, tasks, store, values=values, exact=exact)
        answered = answered_on_cluster(plan, work, skipped_rows=done)
    with closing(answered), stage("Answering", None, unit="listings", done_before=done) as advance:
        together = WindowEnricher(answerers=answerers.of_window, known=known)
        parts += enrich_in_windows(answered, together, folder, len(parts), advance, rows_a_window=rows_a_window)
    summary = EnrichSummary(out=out)
    told = lineage(
        model=model_facts(encoder.manifest, encoder.path) | {"tasks": fitted},
        store=store_facts(store.manifest, store.place) if store else None,
        feed=plan.feed.facts(),
    )
    write_answers(summary.counting(read_parts(parts)), out, lineage=told)
    remove_all_parts(out)
    return summary


def answered_here(
    plan: FeedPlan, encoder: Encoder, loaded: Loaded, *, skipped_rows: int, exact: bool
) -> Generator[AnsweredBatch]:
    """The batches of a feed, encoded and answered by this process; the next is read meanwhile."""
    with (
        feed_encoder(encoder, loaded.corpus, exact=exact) as quick,
        closing(cleaned_batches(plan, skipped_rows=skipped_rows)) as batches,
    ):
        yield from map(BatchEnricher(encoder=quick, answerers=loaded.answerers.of_batch).answer, batches)
