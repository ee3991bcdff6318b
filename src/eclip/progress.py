"""One kind of progress bar for every stage: rate, share done, time left.

Bars are drawn on stderr and only on a terminal; elsewhere (logs, CI) a line is written at the start and
at the end of a stage, so that a log stays readable.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_NOTES = 60.0


class Advance(Protocol):
    """Tells a stage how far it is."""

    def __call__(self, step: int, *, total: int | None = None, note: str = "") -> None:
        """Count `step` more units; `total` corrects how many there are, where that was an estimate.

        A `note` of how things stand is shown beside the bar; off a terminal it is a line of its own, one a minute.
        """


@contextmanager
def stage(name: str, total: int | None, *, unit: str = "rows", done_before: int = 0) -> Iterator[Advance]:
    """Show a stage while it runs; the yielded function is told how many units were done since last time.

    Args:
        name: What is being done, as a person would say it: "Reading the feed".
        total: How many units there are; None when nobody knows.
        unit: What is counted, for the rate: "rows", "pictures", "pairs".
        done_before: Units that an earlier, interrupted run did: part of the total, not of the rate.
    """
    console = Console(stderr=True)
    started, done = time.monotonic(), 0  # units of this run alone

    def rate() -> str:
        return f"{done / max(time.monotonic() - started, 1e-9):,.0f} {unit}/s"

    if not console.is_terminal:
        sys.stderr.write(f"{name} ...\n")

        told = started

        def count(step: int, *, total: int | None = None, note: str = "") -> None:
            nonlocal done, told
            done += step
            if note and time.monotonic() - told >= SECONDS_BETWEEN_NOTES:
                told = time.monotonic()
                left = "" if total is None else f"{_time_left(total - done - done_before, done, told - started)} left, "
                of = "" if total is None else f" of {total:,}"
                sys.stderr.write(f"{name}: {done_before + done:,}{of} {unit}, {rate()}, {left}{note}\n")

        yield count
        seconds = time.monotonic() - started
        sys.stderr.write(f"{name}: {done:,} {unit} in {seconds:,.1f} s ({rate()})\n")
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=total, completed=done_before, rate="", note="")

        def advance(step: int, *, total: int | None = None, note: str = "") -> None:
            nonlocal done
            done += step
            if total is not None:  # by `update` it would forget how fast it went, and show no remaining time
                bar.tasks[0].total = total
            bar.update(task, advance=step, rate=rate(), note=note)

        yield advance
        bar.update(task, total=done_before + done)


def _time_left(left: int, done: int, seconds: float) -> str:
    """How long the units that are left take at the rate so far."""
    minutes, rest = divmod(round(max(left, 0) / max(done, 1) * seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
