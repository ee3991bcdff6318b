"""What a model's vectors are worth in the five tasks and in retrieval: no words of titles stand beside them."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import pyarrow as pa

from eclip.embed.job import encode_rows, store_batches
from eclip.model.encoder import Encoder
from eclip.products.store import Store
from eclip.tasks.catalogue import read_catalogue
from eclip.tasks.evaluation.evaluate import evaluate_tasks
from eclip.tasks.evaluation.pairs import evaluate_pair_tasks
from eclip.tasks.evaluation.retrieval import retrieval_results
from eclip.tasks.fit import HEAD_TASKS, fit_tasks
from eclip.tasks.results import Report, Result, Skipped

PAIR_TASKS = ("matching", "clustering")
OURS = "eclip"


class VectorsBeside:
    """A store's products with vectors that lie beside it, so that many models can share one store."""

    def __init__(self, store: Store, encoder: Encoder) -> None:
        self.table, self.corrections, self.model_digest = store.table, store.corrections, encoder.digest
        self.encoded = pa.concat_tables(encode_rows(encoder, rows) for rows in store_batches(store))

    def vectors(self, *, model_digest: str | None) -> pa.Table:
        """The vectors."""
        if model_digest != self.model_digest:
            raise ValueError(f"asked for vectors of {model_digest}, these are of {self.model_digest}")
        return self.encoded


def measure(store: Store, encoder: Encoder, *, seed: int) -> list[Result]:
    """Figures of all tasks on the test split, from vectors alone."""
    catalogue = read_catalogue(VectorsBeside(store, encoder), encoder.digest)
    wordless = dataclasses.replace(catalogue, titles=[None] * catalogue.num_rows)
    with tempfile.TemporaryDirectory() as scratch:
        heads, scorers = Path(scratch) / "heads", Path(scratch) / "scorers"
        fit_tasks(wordless, heads, tasks=HEAD_TASKS, seed=seed)
        fit_tasks(catalogue, scorers, tasks=PAIR_TASKS, seed=seed)
        by_heads = evaluate_tasks(wordless, heads, seed=seed).results
        by_scorers = Report()
        evaluate_pair_tasks(by_scorers, catalogue, scorers, None, seed=seed)
    found = [each for each in by_heads if each.task in HEAD_TASKS] + by_scorers.results
    retrieval = retrieval_results(catalogue, method=OURS, seed=seed)
    found += [] if isinstance(retrieval, Skipped) else retrieval
    return [each for each in found if each.method == OURS]
