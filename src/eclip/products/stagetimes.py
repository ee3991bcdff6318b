"""What each stage of preparing costs: told in the store's manifest and report, so that one sees which one limits."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class StageTimes:
    """Seconds of named stages, by the clock and by the processor.

    Processor seconds are of all threads of this process, and of processes that it started and that have ended.
    Stages that run by turns (reading a batch, writing a batch) add up. A stage with far more seconds than processor
    seconds waits: for servers of pictures, a disk, or a busy machine.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.processor_seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of a block."""
        clock, processor = time.monotonic(), _processor_seconds()
        try:
            yield
        finally:
            for counts, spent in (
                (self.seconds, time.monotonic() - clock),
                (self.processor_seconds, _processor_seconds() - processor),
            ):
                counts[name] = counts.get(name, 0.0) + spent

    def each(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """The items; the time that making each of them takes is counted, not what is done with it."""
        iterator = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item


def _processor_seconds() -> float:
    """Spent by this process so far, and by those that it started and that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def peak_memory_bytes() -> int:
    """The most memory that this process has held so far (resident set)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
