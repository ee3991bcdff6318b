"""The whole of prepare on drawn feeds of growing size: rows a second of each stage, memory, and how both grow.

    python benchmarks/prepare/scale.py --rows 10000 100000 1000000 --work /tmp/scale

Each size runs in a process of its own; the times are those that the store's own summary tells. Fixed costs (imports,
loading compiled loops) are paid before, on a feed of 500 rows. "x" = processor time a row, against that of the size
before: 1.00 is linear. Feeds are drawn once (about a millisecond a row) and kept in --work. With --update N, each
store is then updated with a feed of N new listings.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from drawn_feed import ROWS_OF_SHOP, draw_feed

from eclip.products.prepare import prepare_store
from eclip.products.stagetimes import StageTimes, peak_memory_bytes
from eclip.products.update import update_store

_WARM_ROWS = 500
Costs = dict[str, tuple[float, float]]  # stage -> seconds by the clock and by the processor


def drawn(work: Path, num_rows: int, *, first_shop: int = 0) -> Path:
    """A feed of so many rows, drawn if it is not there yet."""
    path = work / f"feed-{first_shop}-{num_rows}.parquet"
    if not path.exists():
        aside = path.with_suffix(".partial")
        draw_feed(aside, num_rows, first_shop=first_shop)
        aside.rename(path)
    return path


def measured(feed: Path, warm: Path, work: Path, update: Path | None) -> dict[str, Any]:
    """Prepare a feed (and update its store), warm; what the stages cost."""
    prepare_store(warm, work / "store-warm")
    before = peak_memory_bytes()
    store = work / f"store-{feed.stem}"
    shutil.rmtree(store, ignore_errors=True)
    summary = prepare_store(feed, store)
    costs = {name: (spent, summary.stage_processor_seconds[name]) for name, spent in summary.stage_seconds.items()}
    out = {"rows": summary.rows_kept, "costs": costs, "before": before, "peak": summary.peak_memory_bytes}
    if update is not None:
        times = StageTimes()
        with times.stage("update"):
            done = update_store(update, store, remove_missing=False)
        out["update"] = (done.new, times.seconds["update"], times.processor_seconds["update"])
    shutil.rmtree(store)
    return out


class TreeMemory(threading.Thread):
    """Watches how much memory a process and all that it starts hold together (resident sets), from a parent."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0

    def run(self) -> None:
        """Look twice a second."""
        page = resource.getpagesize()
        while True:
            parents, held = {}, {}
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                    held[int(folder.name)] = int((folder / "statm").read_text().split()[1]) * page
                except (OSError, IndexError):
                    continue  # it has ended
            tree, new = set(), {os.getpid()}
            while new:
                tree |= new
                new = {pid for pid, parent in parents.items() if parent in new} - tree
            self.peak = max(self.peak, sum(held.get(pid, 0) for pid in tree - {os.getpid()}))
            time.sleep(0.5)


def show(found: dict[str, Any], before: dict[str, Any] | None) -> None:
    """One table: stages, seconds, rows a second, growth."""
    rows, costs = found["rows"], found["costs"]
    total = tuple(sum(cost[kind] for cost in costs.values()) for kind in (0, 1))
    limits = max(costs, key=lambda name: costs[name][0])
    print(
        f"\n{rows:,} rows, at most {found['peak'] / 2**30:.2f} GB ({found['before'] / 2**30:.2f} GB before), with all "
        f"processes that clean {found['tree'] / 2**30:.2f} GB"
    )
    print(f"{limits} limits")
    print("| stage | seconds | processor s | rows/s | x |\n| --- | --- | --- | --- | --- |")
    for name, (clock, processor) in [*costs.items(), ("all", total)]:
        growth = ""
        if before is not None:
            others = before["costs"]
            base = sum(cost[1] for cost in others.values()) if name == "all" else others[name][1]
            growth = f"{processor / rows / max(base / before['rows'], 1e-9):.2f}"
        print(f"| {name} | {clock:,.1f} | {processor:,.1f} | {rows / max(clock, 1e-3):,.0f} | {growth} |")
    if "update" in found:
        new, clock, processor = found["update"]
        print(f"update with {new:,} new listings: {clock:,.1f} s ({processor:,.1f} of the processor)", flush=True)


def main() -> None:
    """Draw, measure each size, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--update", type=int, default=0)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    warm = drawn(args.work, _WARM_ROWS)
    other = max(args.rows) // ROWS_OF_SHOP * 2 + 1_000  # a shop that no feed has
    update = drawn(args.work, args.update, first_shop=other) if args.update else None
    before, watch = None, TreeMemory()
    watch.start()
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for num in args.rows:
            feed = drawn(args.work, num)
            watch.peak = 0
            found = pool.apply(measured, (feed, warm, args.work, update))
            show({**found, "tree": watch.peak}, before)
            before = found


if __name__ == "__main__":
    main()
