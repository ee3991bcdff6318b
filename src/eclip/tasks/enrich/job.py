"""A whole feed answered into a file: what `eclip enrich` does once its arguments are understood."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from eclip.console import say
from eclip.embed.parts import parts_folder, read_parts, remove_all_parts
from eclip.errors import ConfigError
from eclip.lineage import lineage, model_facts, store_facts
from eclip.model.encoder import Encoder
from eclip.products.duplicates.newlistings import KnownListings
from eclip.products.listings import FeedPlan
from eclip.products.manifest import CORRECTIONS_VERSION
from eclip.products.store import Store
from eclip.progress import stage
from eclip.schema import SPLITS
from eclip.tasks.adult.counted import CountedPolicies
from eclip.tasks.adult.targets import NAME as ADULT
from eclip.tasks.attributes.zeroshot import ZeroShot, fit_zero_shot
from eclip.tasks.catalogue import read_catalogue
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
    values: Mapping[str, Sequence[str]] | None = None,
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
        values: By attribute, values that nobody was taught, to choose from by their names; None = none.
        rows_a_window: Listings that are in memory, and compared with each other.

    Raises:
        ConfigError: An attribute of `values` has fewer than two of them, or the model reads no words.
        ModelError: A task was fitted on vectors of another model.
        StoreError: The store has no vectors of this model.
        FeedError: The feed can't be read any further.
        DiskError: The disk is full, or the place can't be written.
    """
    corpus = Corpus.of(store, encoder.digest) if store else None
    by_name = place_values(values, encoder, store) if values else []
    counted = CountedPolicies.of(store) if store else None
    answerers = load_answerers(tasks, encoder, corpus, by_name=by_name, counted=counted)
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
    job = (source, values, encoder.digest, _digest_of(tasks), compared, exact, rows_a_window, __version__)
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
    told = lineage(
        model=model_facts(encoder.manifest, encoder.path),
        store=store_facts(store.manifest, store.place) if store else None,
        feed=plan.feed.facts(),
    )
    write_answers(summary.counting(read_parts(parts)), out, lineage=told)
    remove_all_parts(out)
    return summary


def place_values(values: Mapping[str, Sequence[str]], encoder: Encoder, store: Store | None) -> list[ZeroShot]:
    """Attributes whose values are known by name alone, where the model's text tower puts them.

    The store's validation listings that have such values, if any, say how far to trust pictures, titles and the answer.

    Args:
        values: By attribute.
        encoder: The model.
        store: With vectors of this model; None = no answer is ever sure.

    Raises:
        ConfigError: An attribute has fewer than two values, or the model reads no words.
    """
    if "text" not in encoder.modalities:
        raise ConfigError("this model reads no words, so that values can't be known by their names: leave out --values")
    catalogue = None if store is None else read_catalogue(store, encoder.digest)
    rows = np.zeros(0, dtype=np.int64) if catalogue is None else catalogue.rows_of(SPLITS[1])
    nothing = np.zeros((0, encoder.embed_dim), dtype=np.float32)
    return [
        fit_zero_shot(
            name,
            names,
            encoder.encode_text,
            scale=float(encoder.module.logit_scale.detach().exp()),
            image_vectors=nothing if catalogue is None else catalogue.image_vectors[rows],
            text_vectors=nothing if catalogue is None else catalogue.text_vectors[rows],
            truth=[] if catalogue is None else [catalogue.attributes[row].get(name, ()) for row in rows.tolist()],
        )
        for name, names in values.items()
    ]


def _digest_of(tasks: Path) -> str:
    """Digest of the fitted tasks: of the files' names, sizes and times."""
    digest = hashlib.sha256()
    for file in sorted(tasks.rglob("*")):
        if file.is_file():
            facts = file.stat()
            digest.update(f"{file.relative_to(tasks)}:{facts.st_size}:{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
