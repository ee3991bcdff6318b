"""How large the batch is as a run goes on: small ones learn fast at first, large ones tell like from like later.

The batch size scheduler of e-CLIP (our reading of Shin et al., CIKM 2022). The chunk that goes through the towers at
once stays the same, so memory does too: only the number of chunks grows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Growth: TypeAlias = Literal["steps", "linear"]
Coupling: TypeAlias = Literal["none", "sqrt", "linear"]


@dataclass(frozen=True, kw_only=True)
class BatchSizes:
    """Batch size over the progress of a run.

    Attributes:
        points: (progress from 0 to 1, size), progress rising; the first is at 0.
        growth: steps: a size holds until the next point; linear: it grows along a line to the next.
        multiple_of: Sizes are rounded down to multiples of it (blocks, ranks), but never below it.
        most: No batch is larger (pairs that there are).
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


def coupled_rate(coupling: Coupling, batch_size: int, *, base: int) -> float:
    """Factor of the learning rate for a batch of another size than `base`, which the rate was chosen for.

    linear: Goyal et al. (2017); sqrt: keeps the noise of a step's direction (Krizhevsky, 2014), as usual with Adam.
    """
    ratio = batch_size / base
    return {"none": 1.0, "sqrt": math.sqrt(ratio), "linear": ratio}[coupling]
