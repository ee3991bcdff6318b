"""Ours and a peer in turns, so that other work on the machine meets both: seconds, ratios, the mark beside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Spent:
    """Wall and processor seconds, those of ended child processes included."""

    wall: float
    processor: float

    def scaled(self, factor: float) -> Spent:
        """So many times as much."""
        return Spent(self.wall * factor, self.processor * factor)

    def without(self, other: Spent) -> Spent:
        """What is left after a fixed cost."""
        return Spent(max(self.wall - other.wall, 1e-9), max(self.processor - other.processor, 1e-9))


def timed(work: Callable[[], Result]) -> tuple[Result, Spent]:
    """What a piece of work gives, and what it took."""
    wall, processor = time.perf_counter(), _processor_seconds()
    result = work()
    return result, Spent(time.perf_counter() - wall, _processor_seconds() - processor)


def _processor_seconds() -> float:
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


@dataclass
class Race:
    """Rounds of one comparison; in each, first ours, then the peer.

    Attributes:
        what: What was done, with its size.
        peer: Whose name stands beside ours.
        mark: How many times faster in wall time ours should be.
        note: How the peer's time came about, where it was not simply measured.
    """

    what: str
    peer: str
    mark: float
    note: str = ""
    ours: list[Spent] = field(default_factory=list)
    theirs: list[Spent] = field(default_factory=list)

    def add(self, ours: Spent, theirs: Spent) -> None:
        """One round."""
        self.ours.append(ours)
        self.theirs.append(theirs)

    def __str__(self) -> str:
        wall, processor = (
            median(
                getattr(theirs, kind) / getattr(ours, kind) for ours, theirs in zip(self.ours, self.theirs, strict=True)
            )
            for kind in ("wall", "processor")
        )
        spent = [
            f"{who} {median(s.wall for s in rounds):.2f} s (processor {median(s.processor for s in rounds):.2f} s)"
            for who, rounds in (("eclip", self.ours), (self.peer, self.theirs))
        ]
        reached = "reached" if wall >= self.mark else "MISSED"
        return (
            f"{self.what}: {', '.join(spent)}{self.note and f' [{self.note}]'}; medians of {len(self.ours)} rounds: "
            f"{wall:.1f} times faster, {processor:.1f} times less processor time; mark {self.mark:g}: {reached}"
        )
