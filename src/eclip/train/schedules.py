"""Learning rate over the progress of a run, and what progress is."""

from __future__ import annotations

import math


def warmup_cosine(progress: float, *, warmup_share: float) -> float:
    """Factor of the peak learning rate: rises to 1 in the warm-up, then falls along a cosine to 0.

    Args:
        progress: 0 at the start, 1 at the end of the run.
        warmup_share: Share of the run that is warm-up.
    """
    progress = min(max(progress, 0.0), 1.0)
    if progress < warmup_share:
        return progress / warmup_share
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup_share) / (1 - warmup_share)))


def run_progress(pairs: int, *, total_pairs: int, elapsed_seconds: float, budget_seconds: float | None) -> float:
    """How much of a run is done, by pairs seen or by time, whichever is further.

    With a time budget the schedule follows the clock, so that the learning rate has fallen to 0 when the time
    is up, however fast the machine turned out to be.
    """
    by_pairs = pairs / total_pairs
    by_time = elapsed_seconds / budget_seconds if budget_seconds else 0.0
    return max(by_pairs, by_time)
