"""Work off the event loop: a few threads, a short queue before them, and a plain "come again" when it is full.

So the time that an accepted request takes is bounded however many come: a queue that grows without end answers
everybody too late, a short one answers most of those that it can and turns the others away at once.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from eclip.serve.limits import RETRY_AFTER_SECONDS

T = TypeVar("T")


class BusyError(Exception):
    """There is more to do than can be done; the same request may succeed later."""

    retry_after_seconds = RETRY_AFTER_SECONDS


class Workers:
    """Threads for one kind of work.

    Args:
        name: Of the kind, as metrics name it.
        num_threads: How much is under way at once.
        max_waiting: How much may wait behind it.
        patience_seconds: What has waited longer is not begun.
    """

    def __init__(self, name: str, *, num_threads: int, max_waiting: int, patience_seconds: float) -> None:
        self.name = name
        self._pool = ThreadPoolExecutor(num_threads, thread_name_prefix=f"serve-{name}")
        self._num_threads, self._max_waiting = num_threads, max_waiting
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._num_accepted = 0

    def num_waiting(self) -> int:
        """Accepted, and not begun."""
        return max(0, self._num_accepted - self._num_threads)

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread.

        Raises:
            BusyError: Too much is waiting, or it has waited too long itself.
        """
        with self._lock:
            if self._num_accepted >= self._num_threads + self._max_waiting:
                raise BusyError
            self._num_accepted += 1
        context, deadline = contextvars.copy_context(), time.monotonic() + self._patience_seconds

        def begin() -> T:
            # Counted down here and not by whoever waits: he may be gone, the thread is still taken.
            try:
                if time.monotonic() > deadline:
                    raise BusyError
                return context.run(work)
            finally:
                self._count_down()

        try:
            future = self._pool.submit(begin)
        except RuntimeError:  # closed: the service is on its way out
            self._count_down()
            raise BusyError from None
        future.add_done_callback(lambda each: self._count_down() if each.cancelled() else None)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish what is under way, drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _count_down(self) -> None:
        with self._lock:
            self._num_accepted -= 1
