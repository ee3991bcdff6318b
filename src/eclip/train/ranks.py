"""The processes that train one model together, and what they tell each other; one process alone is a group of one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import distributed


@dataclass(frozen=True)
class Ranks:
    """Place of this process among all; the collectives do nothing where it is alone.

    Attributes:
        rank: Number of this process, from 0.
        world_size: How many there are.
    """

    rank: int = 0
    world_size: int = 1

    def gather(self, local: torch.Tensor) -> torch.Tensor:
        """Rows of all ranks in their order: [b, ...] on each -> [world_size * b, ...] on all; outside the graph."""
        if self.world_size == 1:
            return local.detach()
        parts = [torch.empty_like(local) for _ in range(self.world_size)]
        distributed.all_gather(parts, local.detach().contiguous())
        return torch.cat(parts)

    def add_up(self, local: torch.Tensor) -> torch.Tensor:
        """Sum over all ranks, in place."""
        if self.world_size > 1:
            distributed.all_reduce(local)
        return local

    def own_rows(self, rows: int) -> slice:
        """Where this rank's `rows` stand among those of all."""
        return slice(self.rank * rows, (self.rank + 1) * rows)
