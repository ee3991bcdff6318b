"""Cleaning a feed one batch after the other, by threads, by processes and by Ray: rows and core seconds, digests.

    python benchmarks/prepare/runners.py FEED [COLUMNS] [plain|threads|processes|ray ...]

Each way takes a process of its own. Digests must agree. On a machine that does other things read the core seconds: the
wall time of a quiet machine is about those of the driver for "plain", and for "processes" their sum over the cores.
"""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import time
from typing import Any

from eclip.products import accept
from eclip.products.crew import windows
from eclip.products.listings import plan_listings, planned_listings

WAYS = ("plain", "threads", "processes", "ray")


class Nowhere:
    """Takes rejects and forgets them."""

    def append(self, table: Any) -> None:
        """Forget a table."""


def core_seconds(whose: int) -> float:
    """User and system time of this process, or of its children that have ended."""
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def measure(way: str, feed: str, columns: str) -> None:
    """Clean the feed in this process by one way and print a line."""
    windows.SMALL_FEED_ROWS = 10**12 if way == "threads" else 0
    if way == "plain":
        accept.cleaned_listings = planned_listings
    plan = plan_listings(feed, columns=columns, fetch_images="none", runner="ray" if way == "ray" else "native")
    before, started, digest, rows = core_seconds(resource.RUSAGE_SELF), time.monotonic(), hashlib.sha256(), 0
    for products in accept.accepted_batches(plan, Nowhere(), accept.Counts(), lambda *_, **__: None):
        rows += products.num_rows
        digest.update("".join(products["listing_hash"].to_pylist()).encode())
    seconds, driver = time.monotonic() - started, core_seconds(resource.RUSAGE_SELF) - before
    print(
        f"{way:10} {rows:,} rows, {seconds:.1f} s, {rows / seconds:,.0f} rows/s; core seconds {driver:.1f} here and "
        f"{core_seconds(resource.RUSAGE_CHILDREN):.1f} in processes; {digest.hexdigest()[:12]}; "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    feed_name, column_map, wanted = sys.argv[1], "".join(sys.argv[2:3]), sys.argv[3:]
    if len(wanted) == 1:
        measure(wanted[0], feed_name, column_map)
    else:
        for each in wanted or WAYS:
            subprocess.run([sys.executable, __file__, feed_name, column_map, each], check=True)
