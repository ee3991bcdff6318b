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
    """Seconds of named stages, by the clock and by the processor (all threads of this process together).

    Stages that run by turns (reading a batch, writing a batch) add up. A stage with far more seconds than processor
    seconds waits: for servers of pictures, a disk, or a busy machine.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.processor_seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of a block."""
        clock, processor = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            for counts, spent in (
                (self.seconds, time.monotonic() - clock),
                (self.processor_seconds, time.process_time() - processor),
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


def peak_memory_bytes() -> int:
    """The most memory that this process has held so far (resident set)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
