"""Vectors of a store made on a Ray cluster: each machine reads its rows from the store and encodes them there.

Only positions of rows travel to a machine, and their vectors back; so the store and the model must lie where every
machine finds them under the same name (object storage, or a shared folder; the model in a folder always). One process
a machine encodes, as its threads take all cores. What is done lies in the same parts as on one machine: an interrupted
job goes on with either.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import feather

from eclip.embed.job import Embedded, embed_store_by, encode_rows, store_batches
from eclip.embed.parts import ROWS_A_PART, part_file
from eclip.errors import StoreError
from eclip.files import replace_file
from eclip.inference.encoder import FastEncoder
from eclip.inference.opening import open_encoder
from eclip.products.crew.frames import ask_cluster
from eclip.products.crew.runners import Workplace, workplace
from eclip.products.dataset import quiet_daft
from eclip.products.store import Store
from eclip.progress import stage

daft = quiet_daft()

_PARTS_A_CORE = 1  # in one query: what is lost with it is encoded again


@dataclass(frozen=True, kw_only=True)
class EmbedJob:
    """What every machine must know.

    Attributes:
        store: Its name.
        digest: Of the store, which no machine may find in another version.
        model: Folder of the model.
        backend: What runs the towers.
        is_float16: Vectors in half precision.
    """

    store: str
    digest: str
    model: str
    backend: str
    is_float16: bool


@daft.cls()
class EncodeRows:
    """A Daft function: positions of rows, packed -> their vectors, packed.

    Args:
        job: What is to be encoded.
    """

    def __init__(self, job: EmbedJob) -> None:
        self._job = job

    @daft.method.batch(return_dtype=daft.DataType.binary(), batch_size=1)
    def encode(self, parcels: Any) -> pa.Array:
        """One for one."""
        return pa.array([encode_here(self._job, parcel) for parcel in parcels.to_pylist()], pa.large_binary())


def embed_store_on_ray(store: Store, model: Path, model_digest: str, *, backend: str, is_float16: bool) -> Embedded:
    """As `embed_store`, on the Ray cluster of `workplace`.

    Raises:
        MissingExtraError: Ray is not installed.
        ClusterError: The cluster can't be reached, or gave up.
    """
    address = str(store.place) if str(store.place).startswith("s3://") else str(Path(str(store.place)).absolute())
    job = EmbedJob(
        store=address, digest=store.digest, model=str(model.absolute()), backend=backend, is_float16=is_float16
    )

    def make_parts(rows: Sequence[int], folder: Path) -> list[Path]:
        with workplace("ray") as place:
            return encode_on_cluster(place, job, rows, folder)

    return embed_store_by(store, model_digest, make_parts, is_float16=is_float16)


def encode_on_cluster(place: Workplace, job: EmbedJob, rows: Sequence[int], folder: Path) -> list[Path]:
    """Encode rows of a store into parts, skipping those that are there; returns all parts in order."""
    folder.mkdir(parents=True, exist_ok=True)
    ranges = [np.array(rows[start : start + ROWS_A_PART], np.int64) for start in range(0, len(rows), ROWS_A_PART)]
    parts = [part_file(folder, index) for index in range(len(ranges))]
    missing = [index for index, part in enumerate(parts) if not part.is_file()]
    with stage("Embedding the store", len(rows)) as advance:
        advance(len(rows) - sum(len(ranges[index]) for index in missing))
        for window in _windows(missing, place.cores * _PARTS_A_CORE):
            answers = ask_cluster(place, EncodeRows(job).encode, [ranges[index].tobytes() for index in window])
            for index, answer in zip(window, answers, strict=True):
                with replace_file(parts[index]) as aside:
                    feather.write_feather(pa.ipc.open_stream(answer).read_all(), aside, compression="uncompressed")
                advance(len(ranges[index]))
    return parts


def _windows(indexes: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (indexes[start : start + size] for start in range(0, len(indexes), size))


def encode_here(job: EmbedJob, parcel: bytes) -> bytes:
    """The vectors of some rows, encoded by this machine: one lot at a time, by all its threads."""
    with _TURN:
        store, encoder = _opened(job)
        (batch,) = store_batches(store, np.frombuffer(parcel, np.int64).tolist())
        table = encode_rows(encoder, batch, is_float16=job.is_float16)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


_TURN = threading.Lock()


@lru_cache(maxsize=1)
def _opened(job: EmbedJob) -> tuple[Store, FastEncoder]:
    store = Store.open(job.store)
    if store.digest != job.digest:
        raise StoreError(f"{job.store}: is another version here than where the command runs; share the store")
    return store, open_encoder(Path(job.model), backend=job.backend)
