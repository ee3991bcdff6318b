"""One product of a photo, as instance search answers it."""

from __future__ import annotations

from dataclasses import dataclass

from eclip.search.results import Hit


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One product of a photo."""

    box: tuple[int, int, int, int]
    """Left, top, right, bottom in pixels of the upright photo; right and bottom are the first beyond."""
    hits: list[Hit]
    """What it may be, best first."""
    confidence: float
    """Cosine of its region with the picture of the best hit, 0 to 1: it ranks, and is no probability."""
