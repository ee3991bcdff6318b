"""Cleaning as a Daft function: a column of packed batches -> a column of what became of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from eclip.errors import ClusterError
from eclip.products.crew.crew import Job, answer_here
from eclip.products.crew.runners import Workplace, first_line
from eclip.products.dataset import quiet_daft

daft = quiet_daft()


@daft.cls()
class CleanBatches:
    """The function, for one job.

    Args:
        job: What is to be cleaned; told to every machine with each window.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    @daft.method.batch(return_dtype=daft.DataType.binary(), batch_size=1)
    def clean(self, parcels: Any) -> pa.Array:
        """Packed raw batches -> packed `Cleaned`, one for one; errors travel inside."""
        return pa.array([answer_here(self._job, parcel) for parcel in parcels.to_pylist()], pa.large_binary())


def clean_window(place: Workplace, job: Job, parcels: Sequence[bytes]) -> list[bytes]:
    """Clean some packed batches by one Daft query; what became of each, in their order."""
    clean = CleanBatches(job).clean
    return ask_cluster(place, clean, parcels) if place.is_cluster else ask_window(place.runner, clean, parcels)


def ask_window(runner: Any, function: Callable[[Any], Any], parcels: Sequence[bytes]) -> list[bytes]:
    """Some parcels by one Daft query, each a partition of its own; the answers in their order.

    Args:
        runner: A runner of Daft's. It is named here, as Daft's own choice holds for a process and its life: the
            tables of a store are to be written by this process, wherever they were cleaned.
        function: A Daft function of parcels.
        parcels: What it is asked.
    """
    from daft.logical.builder import LogicalPlanBuilder
    from daft.recordbatch import MicroPartition
    from daft.runners.partitioning import LocalPartitionSet

    partitions = LocalPartitionSet()
    tables = [pa.table({"place": [place], "batch": [parcel]}, _SCHEMA) for place, parcel in enumerate(parcels)]
    for place, table in enumerate(tables):
        partitions.set_partition_from_table(place, MicroPartition.from_arrow(table))
    window = LogicalPlanBuilder.from_in_memory_scan(
        runner.put_partition_set_into_cache(partitions),
        daft.Schema.from_pyarrow_schema(_SCHEMA),
        len(tables),
        sum(table.nbytes for table in tables),
        num_rows=len(tables),
    )
    frame = daft.DataFrame(window)
    frame = frame.select(frame["place"], function(frame["batch"]).alias("answer"))
    answers: dict[int, bytes] = {}
    for partition in runner.run_iter_tables(frame._builder):
        columns = partition.to_arrow().to_pydict()
        answers.update(zip(columns["place"], columns["answer"], strict=True))
    return [answers[place] for place in range(len(parcels))]


def ask_cluster(place: Workplace, function: Callable[[Any], Any], parcels: Sequence[bytes]) -> list[bytes]:
    """As `ask_window`; a machine may be lost with what it had to answer, so the others are asked once more.

    Raises:
        ClusterError: The cluster gave up twice.
    """
    try:
        return ask_window(place.runner, function, parcels)
    except Exception:
        if place.stopped.is_set():
            raise
    try:
        return ask_window(place.runner, function, parcels)
    except Exception as fault:
        raise ClusterError(f"the Ray cluster gave up twice on the same rows: {first_line(fault)}") from fault


_SCHEMA = pa.schema([("place", pa.int64()), ("batch", pa.large_binary())])
