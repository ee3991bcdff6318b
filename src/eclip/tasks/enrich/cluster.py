"""Batches of a feed cleaned, encoded and answered on a Ray cluster; each machine reads the model and the store itself.

Rows travel to a machine as they came, their vectors and answers back. What compares many listings is left to the
process that reads the feed, which sees the same windows as on one machine. One batch at a time is encoded by a machine,
as its threads take all cores.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from eclip.errors import EclipError, ModelError, StoreError
from eclip.model.encoder import Encoder
from eclip.model.folder import load_model
from eclip.products.crew.frames import ask_cluster
from eclip.products.crew.parcels import pack, unpack, unpack_batch
from eclip.products.crew.runners import workplace
from eclip.products.crew.windows import packed_windows, window_threads
from eclip.products.crew.work import BatchCleaner, Share, pack_settings
from eclip.products.dataset import quiet_daft
from eclip.products.duplicates.pixels import CELLS_SHAPE
from eclip.products.listings import FeedPlan
from eclip.products.store import Store
from eclip.schema import ENRICHED_SCHEMA
from eclip.tasks.enrich.encoding import feed_encoder
from eclip.tasks.enrich.listings import KEPT_COLUMNS, Listings, remaining_batches
from eclip.tasks.enrich.loading import Loaded
from eclip.tasks.enrich.windows import AnsweredBatch, BatchEnricher
from eclip.vectors import vectors_from_arrow, vectors_to_arrow

daft = quiet_daft()

_WINDOWS = 2  # under way: one is answered while the other is used

_IMAGE, _TEXT, _CELLS, _ANSWER = "vector:image", "vector:text", "cells", "answer:"  # columns beside `KEPT_COLUMNS`


@dataclass(frozen=True, kw_only=True)
class AnswerJob:
    """What every machine must know; names of folders and stores hold on all of them.

    Attributes:
        model: Folder of the model.
        model_digest: Of the model, which no machine may find in another version.
        tasks: Folder of the fitted tasks.
        store: Name of the store that listings are compared with; None = none.
        store_digest: As of the model.
        values: By attribute, values that are known by name alone; None = none.
        exact: In torch and full precision.
    """

    model: str
    model_digest: str
    tasks: str
    store: str | None
    store_digest: str | None
    values: Mapping[str, Sequence[str]] | None
    exact: bool

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        tasks: Path,
        store: Store | None,
        *,
        values: Mapping[str, Sequence[str]] | None,
        exact: bool,
    ) -> AnswerJob:
        """By what the command was given; the model has a folder."""
        address = None if store is None else str(store.place)
        if address is not None and not address.startswith("s3://"):
            address = str(Path(address).absolute())
        return cls(
            model=str(tasks.parent.absolute()),
            model_digest=encoder.digest,
            tasks=str(tasks.absolute()),
            store=address,
            store_digest=None if store is None else store.digest,
            values=values,
            exact=exact,
        )


@daft.cls()
class AnswerBatches:
    """A Daft function: packed raw batches -> their vectors and answers, packed.

    Args:
        job: What is to be answered.
        cleaning: How rows are cleaned, packed.
    """

    def __init__(self, job: AnswerJob, cleaning: bytes) -> None:
        self._job, self._cleaning = job, cleaning

    @daft.method.batch(return_dtype=daft.DataType.binary(), batch_size=1)
    def answer(self, parcels: Any) -> pa.Array:
        """One for one; errors travel inside."""
        return pa.array(
            [answer_here(self._job, self._cleaning, parcel) for parcel in parcels.to_pylist()], pa.large_binary()
        )


def answered_on_cluster(plan: FeedPlan, job: AnswerJob, *, skipped_rows: int) -> Generator[AnsweredBatch]:
    """The batches of a feed in its order, answered by a cluster; while one window is used, the next is under way.

    Args:
        plan: The feed and how it is read.
        job: What every machine must know.
        skipped_rows: Rows that an interrupted run has answered.

    Raises:
        MissingExtraError: Ray is not installed.
        ClusterError: The cluster can't be reached, or gave up.
        ModelError: A machine finds another model.
        StoreError: A machine finds another store.
    """
    with workplace("ray") as place, window_threads(place) as threads:
        cleaning = pack_settings(plan, Share(cleaners=place.cores))
        function = AnswerBatches(job, cleaning).answer
        under_way: deque[Future[list[bytes]]] = deque()
        for window in packed_windows(remaining_batches(plan, skipped_rows), place.cores):
            under_way.append(threads.submit(ask_cluster, place, function, window))
            if len(under_way) == _WINDOWS:
                yield from map(unpack_answered, under_way.popleft().result())
        while under_way:
            yield from map(unpack_answered, under_way.popleft().result())


def answer_here(job: AnswerJob, cleaning: bytes, parcel: bytes) -> bytes:
    """The answers of one packed batch, or the error that it ran into, packed; one lot at a time, by all threads."""
    try:
        with _TURN:
            cleaner, enricher = _HERE.of(job, cleaning)
            return pack_answered(enricher.answer(cleaner.clean(unpack_batch(parcel)).listings))
    except EclipError as fault:
        return pack(None, fault)


class _Opened:
    """The job that this machine works on: what it takes is read with its first batch, and closed with another job's."""

    def __init__(self) -> None:
        self._job: AnswerJob | None = None
        self._open = ExitStack()

    def of(self, job: AnswerJob, cleaning: bytes) -> tuple[BatchCleaner, BatchEnricher]:
        """What cleans, encodes and answers batches of a job."""
        if self._job != job:
            self._open.close()
            self._job = None
            encoder = load_model(Path(job.model))
            if encoder.digest != job.model_digest:
                raise ModelError(f"{job.model}: is another model here than where the command runs; share the folder")
            store = None if job.store is None else Store.open(job.store)
            if store is not None and store.digest != job.store_digest:
                raise StoreError(f"{job.store}: is another version here than where the command runs; share the store")
            loaded = Loaded.of(encoder, Path(job.tasks), store, job.values)
            cleaner = self._open.enter_context(BatchCleaner.from_settings(cleaning))
            quick = self._open.enter_context(feed_encoder(encoder, loaded.corpus, exact=job.exact))
            self._at_work = cleaner, BatchEnricher(encoder=quick, answerers=loaded.answerers.of_batch)
            self._job = job
        return self._at_work


_TURN = threading.Lock()
_HERE = _Opened()


def pack_answered(batch: AnsweredBatch) -> bytes:
    """Vectors, cells and answers of a batch as a parcel."""
    listings, table = batch.listings, batch.listings.table
    columns = {
        _IMAGE: vectors_to_arrow(listings.image),
        _TEXT: vectors_to_arrow(listings.text),
        _CELLS: pa.array([None if cells is None else cells.tobytes() for cells in listings.cells], pa.binary()),
    }
    for name, values in batch.answers.items():
        columns[_ANSWER + name] = pa.array(values, ENRICHED_SCHEMA.field(name).type)
    for name, column in columns.items():
        table = table.append_column(name, column)
    return pack(table, None)


def unpack_answered(parcel: bytes) -> AnsweredBatch:
    """The batch of a parcel.

    Raises:
        EclipError: What it ran into.
    """
    table, fault = unpack(parcel)
    if table is None:
        raise fault
    listings = Listings(
        table=table.select(list(KEPT_COLUMNS)),
        image=vectors_from_arrow(table[_IMAGE]),
        text=vectors_from_arrow(table[_TEXT]),
        cells=[
            None if cells is None else np.frombuffer(cells, np.uint8).reshape(CELLS_SHAPE)
            for cells in table[_CELLS].to_pylist()
        ],
    )
    answers = {name for name in table.column_names if name.startswith(_ANSWER)}
    return AnsweredBatch(listings, {name.removeprefix(_ANSWER): table[name].to_pylist() for name in answers})
