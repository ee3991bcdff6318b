"""What a model's vectors are worth in the five tasks and in retrieval: no words of titles stand beside them."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from eclip.embed.job import encode_rows, store_batches
from eclip.model.encoder import Encoder, product_vectors
from eclip.model.trunks import lock_trunk
from eclip.products.store import Store
from eclip.schema import vectors_schema
from eclip.tasks.catalogue import read_catalogue
from eclip.tasks.evaluation.evaluate import evaluate_tasks
from eclip.tasks.evaluation.pairs import evaluate_pair_tasks
from eclip.tasks.evaluation.retrieval import retrieval_results
from eclip.tasks.fit import HEAD_TASKS, fit_tasks
from eclip.tasks.results import Report, Result, Skipped
from eclip.train.picturecache import LockedConfig, cached_vectors, open_cache
from eclip.train.ranks import Ranks
from eclip.vectors import vectors_to_arrow

PAIR_TASKS = ("matching", "clustering")
OURS = "eclip"


class VectorsBeside:
    """A store's products with vectors that lie beside it, so that many models can share one store.

    Args:
        store: The products.
        encoder: What sees them.
        locked: Folder for what its frozen picture trunk says of all pictures, which models of one trunk share; None =
            the trunk was trained.
    """

    def __init__(self, store: Store, encoder: Encoder, *, locked: Path | None) -> None:
        self.table, self.corrections, self.model_digest = store.table, store.corrections, encoder.digest
        if locked is None:
            self.encoded = pa.concat_tables(encode_rows(encoder, rows) for rows in store_batches(store))
        else:
            self.encoded = by_the_head_alone(store, encoder, locked)

    def vectors(self, *, model_digest: str | None) -> pa.Table:
        """The vectors."""
        if model_digest != self.model_digest:
            raise ValueError(f"asked for vectors of {model_digest}, these are of {self.model_digest}")
        return self.encoded


def by_the_head_alone(store: Store, encoder: Encoder, folder: Path) -> pa.Table:
    """The vectors of all products, of pictures that go through the frozen trunk once for all models."""
    table = store.table(["product_id", "title", "image_hash"])
    rows = np.flatnonzero([each is not None for each in table["image_hash"].to_pylist()])
    lock_trunk(encoder.module.visual)
    cache = open_cache(encoder, store, rows, folder, config=LockedConfig(pictures=True), ranks=Ranks())
    image = cached_vectors(encoder, cache, range(store.num_rows))
    text = encoder.encode_text(table["title"].to_pylist())
    columns = [vectors_to_arrow(matrix) for matrix in (image, text, product_vectors(image, text))]
    return pa.table([table["product_id"].combine_chunks(), *columns], schema=vectors_schema(encoder.embed_dim))


def measure(store: Store, encoder: Encoder, *, seed: int, locked: Path | None = None) -> list[Result]:
    """Figures of all tasks on the test split, from vectors alone; `locked` as in `VectorsBeside`."""
    catalogue = read_catalogue(VectorsBeside(store, encoder, locked=locked), encoder.digest)
    wordless = dataclasses.replace(catalogue, titles=[None] * catalogue.num_rows)
    with tempfile.TemporaryDirectory() as scratch:
        fit_tasks(wordless, Path(scratch), tasks=(*HEAD_TASKS, *PAIR_TASKS), seed=seed)
        by_heads = evaluate_tasks(wordless, Path(scratch), seed=seed).results
        by_scorers = Report()
        evaluate_pair_tasks(by_scorers, wordless, Path(scratch), {}, seed=seed)
    found = [each for each in by_heads if each.task in HEAD_TASKS] + by_scorers.results
    retrieval = retrieval_results(catalogue, method=OURS, seed=seed)
    found += [] if isinstance(retrieval, Skipped) else retrieval
    return [each for each in found if each.method == OURS]
