"""How large the batch is as a run goes on: small ones learn fast at first, large ones tell like from like later.

The batch size scheduler of e-CLIP (our reading of Shin et al., CIKM 2022). The chunk that goes through the towers at
once stays the same, so memory does too: only the number of chunks grows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from eclip.errors import ConfigError
from eclip.train.checks import require_choice, require_share, require_whole

Growth: TypeAlias = Literal["steps", "linear"]
Coupling: TypeAlias = Literal["none", "sqrt", "linear"]


@dataclass(frozen=True, kw_only=True)
class BatchConfig:
    """How many pairs are contrasted with each other in one step, as the run goes on."""

    size: int = 256
    """Pairs of one step, on all ranks together."""
    schedule: tuple[tuple[float, int], ...] = ()
    """(progress from 0 to 1, batch size) from which on it holds; empty = `size` all along."""
    growth: Growth = "steps"
    """steps: a size holds until the next one; linear: it grows along a line to the next."""
    lr_coupling: Coupling = "none"
    """How learning rates follow a batch of another size than `size`: none, sqrt, linear."""
    most_share: float = 1.0
    """Most pairs of one step, as a share of those of an epoch: large batches would leave a small shop too few steps.
    Where it cuts `size`, rates follow from the size that is left."""

    def __post_init__(self) -> None:
        require_whole("batch.size", self.size, least=2)  # one pair contrasts with nothing
        require_choice("batch.growth", self.growth, get_args(Growth))
        require_choice("batch.lr_coupling", self.lr_coupling, get_args(Coupling))
        require_share("batch.most_share", self.most_share, least_is_open=True)
        try:
            points = tuple((float(start), size) for start, size in self.schedule)
        except (TypeError, ValueError):
            raise ConfigError(
                f"batch.schedule = {self.schedule!r}: expected pairs of progress and batch size"
            ) from None
        object.__setattr__(self, "schedule", points)  # lists of a file become tuples
        starts = [start for start, _ in points]
        if starts and (starts[0] != 0 or sorted(set(starts)) != starts or starts[-1] > 1):
            raise ConfigError(f"batch.schedule = {points!r}: expected progress that starts at 0 and rises up to 1")
        for _, size in points:
            require_whole("batch.schedule", size, least=2)


@dataclass(frozen=True, kw_only=True)
class BatchSizes:
    """Batch size over the progress of a run.

    Attributes:
        points: (progress from 0 to 1, size), progress rising; the first is at 0.
        growth: steps: a size holds until the next point; linear: it grows along a line to the next.
        multiple_of: Sizes are rounded down to multiples of it (blocks, ranks), but never below it.
        most: No batch is larger (the share of all pairs that one may hold).
    """

    points: Sequence[tuple[float, int]]
    growth: Growth
    multiple_of: int
    most: int

    def at(self, progress: float) -> int:
        """Pairs in the batch that is taken when this much of the run is done."""
        size = min(self._wanted(progress), self.most)
        return min(max(size // self.multiple_of, 1) * self.multiple_of, self.most)

    def _wanted(self, progress: float) -> int:
        before = max(index for index, (start, _) in enumerate(self.points) if start <= progress)
        start, size = self.points[before]
        if self.growth == "steps" or before + 1 == len(self.points):
            return size
        end, next_size = self.points[before + 1]
        return round(size + (next_size - size) * (progress - start) / (end - start))


def pairs_of_steps(sizes: BatchSizes, steps: int) -> int:
    """Pairs that a run of exactly so many steps sees: the fewest whose batches, as they grow, come to that number."""
    low, high = 1, steps * max(sizes.at(start) for start, _ in sizes.points)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _num_steps(sizes, middle) >= steps else (middle + 1, high)
    return low


def _num_steps(sizes: BatchSizes, total_pairs: int) -> int:
    steps = pairs = 0
    while pairs < total_pairs:
        pairs += sizes.at(pairs / total_pairs)
        steps += 1
    return steps


def coupled_rate(coupling: Coupling, batch_size: int, *, base: int) -> float:
    """Factor of the learning rate for a batch of another size than `base`, which the rate was chosen for.

    linear: Goyal et al. (2017); sqrt: keeps the noise of a step's direction (Krizhevsky, 2014), as usual with Adam.
    """
    ratio = batch_size / base
    return {"none": 1.0, "sqrt": math.sqrt(ratio), "linear": ratio}[coupling]
