"""Cleaned listings of a whole feed, many batches at once: what makes and updates a store reads them here.

The feed is read in order by this process. A few batches make a window, a Daft query cleans it, and two or
three windows are under way, so that nobody waits while the results of the last one are written. They come
back in the feed's order; only windows are held.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pyarrow as pa

from eclip.products.crew.crew import HiredCrew, Job
from eclip.products.crew.parcels import pack_batch, unpack_cleaned
from eclip.products.crew.runners import Workplace, workplace
from eclip.products.crew.work import Share, pack_settings
from eclip.products.feeds import RawBatch
from eclip.products.listings import FeedPlan

SMALL_FEED_ROWS = 4_000  # below, threads are done before processes have paid for their start
_WINDOWS = 3  # under way
_CLUSTER_BATCHES = 4  # of a core in a window: a query costs a cluster more than it costs one machine
_WINDOW_BYTES = 256 << 20


def cleaned_listings(plan: FeedPlan, *, batch_size: int) -> Iterator[pa.Table]:
    """As `planned_listings`, on all cores of this machine or of the plan's cluster; the same tables and counts.

    Raises:
        MissingExtraError: The plan's runner is not installed.
        ClusterError: The cluster can't be reached, or gave up.
        FeedError: The feed can't be read, or a batch of it ended the processes that cleaned it.
    """
    with workplace(plan.runner) as place, window_threads(place) as threads, ExitStack() as stack:
        job = _job(plan, place)
        if not place.is_cluster:
            stack.enter_context(HiredCrew(job))  # left before the threads are waited for: it frees them
        under_way: deque[Future[list[bytes]]] = deque()
        most = place.cores * (_CLUSTER_BATCHES if place.is_cluster else 1)
        for window in packed_windows(plan.raw_batches(batch_size), most):
            under_way.append(threads.submit(_clean, place, job, window))
            if len(under_way) == _WINDOWS:
                yield from _tables(under_way.popleft(), plan)
        while under_way:
            yield from _tables(under_way.popleft(), plan)


@contextmanager
def window_threads(place: Workplace) -> Iterator[ThreadPoolExecutor]:
    """Threads that wait for windows; who leaves early (Ctrl-C, a fault) need not wait for what a cluster is at."""
    threads = ThreadPoolExecutor(_WINDOWS, "window")
    is_freed = True
    try:
        yield threads
    except BaseException:
        place.stopped.set()
        if place.end_queries is not None:
            place.end_queries()
        is_freed = not place.is_cluster or place.end_queries is not None
        raise
    finally:
        threads.shutdown(wait=is_freed, cancel_futures=True)


def _job(plan: FeedPlan, place: Workplace) -> Job:
    in_processes = place.is_cluster or plan.feed.num_rows >= SMALL_FEED_ROWS
    share = Share(cleaners=place.cores) if in_processes else Share()
    return Job(
        token=uuid.uuid4().hex,
        source=plan.feed.source,
        settings=pack_settings(plan, share),
        in_processes=in_processes,
    )


def packed_windows(batches: Iterable[RawBatch], most: int) -> Iterator[list[bytes]]:
    """Packed batches in windows of at most so many, fewer where they are large."""
    window: list[bytes] = []
    size = 0
    for batch in batches:
        window.append(pack_batch(batch))
        size += len(window[-1])
        if len(window) == most or size >= _WINDOW_BYTES:
            yield window
            window, size = [], 0
    if window:
        yield window


def _clean(place: Workplace, job: Job, window: list[bytes]) -> list[bytes]:
    from eclip.products.crew.frames import clean_window

    return clean_window(place, job, window)


def _tables(window: Future[list[bytes]], plan: FeedPlan) -> Iterator[pa.Table]:
    """The listings of a window that is done, or soon; the plan's counts of titles take its counts in."""
    for answer in window.result():
        cleaned = unpack_cleaned(answer)
        plan.titles.counts.merge(cleaned.counts)
        yield cleaned.listings
