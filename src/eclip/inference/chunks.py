"""Work in chunks, as many at once as there are threads, each chunk on one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch


class ChunkPool:
    """Threads that chunks are computed on; safe to use from several threads.

    Args:
        threads: How many.
        threads_each: What torch may use in each of them.
    """

    def __init__(self, threads: int, *, threads_each: int = 1) -> None:
        self.threads = threads
        before = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(threads, "encode", torch.set_num_threads, (threads_each,))
        # All of them start now: torch takes the last number set for the default of threads to come, which is put back.
        meeting = threading.Barrier(threads)
        for future in [self._pool.submit(meeting.wait) for _ in range(threads)]:
            future.result()
        torch.set_num_threads(before)

    def run(self, work: Callable[[np.ndarray], None], places: np.ndarray, size: int) -> None:
        """Do the work in chunks of at most so many places; a fault in one is a fault of all."""
        size = max(1, min(size, -(-len(places) // self.threads)))
        chunks = [places[start : start + size] for start in range(0, len(places), size)]
        futures = [self._pool.submit(work, chunk) for chunk in chunks]
        try:
            for future in futures:
                future.result()
        finally:
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def distinct(values: Sequence[Hashable]) -> tuple[list[int], np.ndarray]:
    """First row of each distinct value, and for each row [N] its place among them."""
    places: dict[Any, int] = {}
    firsts: list[int] = []
    of_row = np.empty(len(values), dtype=np.int64)
    for row, value in enumerate(values):
        if value not in places:
            places[value] = len(firsts)
            firsts.append(row)
        of_row[row] = places[value]
    return firsts, of_row
