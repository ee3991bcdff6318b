"""What every route works with: the snapshot that counts, threads for each kind of work, metrics."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from eclip.serve.limits import (
    ANSWER_THREADS,
    PATIENCE_SECONDS,
    READ_THREADS,
    TASK_PATIENCE_SECONDS,
    TASK_THREADS,
    WAITING_ANSWERS,
    WAITING_READS,
    WAITING_TASKS,
)
from eclip.serve.live import Live, Snapshot
from eclip.serve.logs import answered_by, fields
from eclip.serve.metrics import Metrics
from eclip.serve.provenance import provenance
from eclip.serve.workers import Workers

T = TypeVar("T")
_log = logging.getLogger(__name__)


def _answers() -> Workers:
    return Workers(
        "answers", num_threads=ANSWER_THREADS, max_waiting=WAITING_ANSWERS, patience_seconds=PATIENCE_SECONDS
    )


def _reads() -> Workers:
    return Workers("reads", num_threads=READ_THREADS, max_waiting=WAITING_READS, patience_seconds=PATIENCE_SECONDS)


def _tasks() -> Workers:
    return Workers("tasks", num_threads=TASK_THREADS, max_waiting=WAITING_TASKS, patience_seconds=TASK_PATIENCE_SECONDS)


@dataclass(kw_only=True)
class Desk:
    """One service.

    Attributes:
        live: What answers.
        metrics: What is counted.
        answers: Threads of searches.
        reads: Threads that read products and pictures.
        tasks: Threads of /enrich and /match.
        draining: Whether it is about to end: still answers, and tells the proxy to send nothing more.
    """

    live: Live
    metrics: Metrics = field(default_factory=Metrics)
    answers: Workers = field(default_factory=_answers)
    reads: Workers = field(default_factory=_reads)
    tasks: Workers = field(default_factory=_tasks)
    draining: bool = False

    def __post_init__(self) -> None:
        for workers in self._workers:
            self.metrics.watch_waiting(workers.name, workers.num_waiting)
        self.live.on_change.append(self._tell_version)
        self._tell_version(self.live.current)

    async def ask(self, workers: Workers, work: Callable[[Snapshot], T]) -> T:
        """Do some work on the newest snapshot, in a thread.

        Raises:
            BusyError: There is too much to do.
        """
        version, answer = await workers.run(
            lambda: self.live.answer(lambda snapshot: (snapshot.version, work(snapshot)))
        )
        answered_by.set(version)
        return answer

    def close(self) -> None:
        """Finish what is under way."""
        for workers in self._workers:
            workers.close()

    @property
    def _workers(self) -> tuple[Workers, ...]:
        return self.answers, self.reads, self.tasks

    def _tell_version(self, snapshot: Snapshot) -> None:
        self.metrics.tell_version(snapshot.version, snapshot.engine.num_products)
        _log.info("this version is served from now on", extra=fields(**provenance(snapshot)))
