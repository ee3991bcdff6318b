"""Which pairs are in which step: each once an epoch, in an order that the seed decides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class UniformSampler:
    """Batches of a shuffled epoch; the step number is its whole state, so a resumed run sees the next batch.

    The last pairs of an epoch that fill no batch are left out of it; the next epoch's order brings them back.
    """

    num_pairs: int
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
        if not 0 < self.batch_size <= self.num_pairs:
            raise ValueError(f"batch_size = {self.batch_size}: expected 1 to num_pairs = {self.num_pairs}")

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in one epoch."""
        return self.num_pairs // self.batch_size

    def batch(self, step: int) -> np.ndarray:
        """Positions [B] of the pairs of a step, counted from 0."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = _epoch_order(self.num_pairs, self.seed, epoch)
        return order[place * self.batch_size : (place + 1) * self.batch_size]


@lru_cache(maxsize=2)
def _epoch_order(num_pairs: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(num_pairs)
