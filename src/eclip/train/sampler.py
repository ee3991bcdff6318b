"""Which pairs are contrasted together: each once an epoch, in an order that the seed decides.

An epoch is one permutation of all pairs; a batch is its next slice, of whatever size. So the number of pairs taken is
the whole state: a resumed run sees the very next batch, on any number of ranks and readers. Pairs of one category
stand together in blocks of the permutation (category-based negatives, our reading of e-CLIP, Shin et al., CIKM 2022):
they are each other's hard negatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np

from eclip.train.checks import require_choice, require_share, require_whole

CategoryLevel: TypeAlias = Literal["leaf", "parent"]
NO_CATEGORY = -1


@dataclass(frozen=True, kw_only=True)
class BlockConfig:
    """Category-based negatives: pairs of one category that stand together in a batch."""

    share: float = 0.0
    """Share of all pairs that come in such blocks in the first epoch."""
    last_share: float | None = None
    """The same in the last epoch, with a line between; None = as in the first."""
    size: int = 16
    """Pairs in a block."""
    group_cap: int = 2
    """Most pairs of one loss group in a block."""
    level: CategoryLevel = "leaf"
    """What a block has in common: leaf or parent category."""

    def __post_init__(self) -> None:
        require_share("blocks.share", self.share)
        if self.last_share is not None:
            require_share("blocks.last_share", self.last_share)
        require_whole("blocks.size", self.size, least=1)
        require_whole("blocks.group_cap", self.group_cap, least=1)
        require_choice("blocks.level", self.level, get_args(CategoryLevel))

    @property
    def are_used(self) -> bool:
        """Whether any epoch has blocks."""
        return max(self.share, self.last_share or 0) > 0

    def share_at(self, epoch: int, epochs: float) -> float:
        """Share of pairs in blocks in an epoch, counted from 0, of a run of so many."""
        last = self.share if self.last_share is None else self.last_share
        return self.share + (last - self.share) * min(1.0, epoch / max(epochs - 1, 1))


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """The pairs of a training run in their order, epoch after epoch.

    Attributes:
        categories: [P] number of each pair's category; `NO_CATEGORY` = never in a block.
        groups: [P] loss groups.
        seed: Decides the order.
        block_size: Pairs of one category that stand together; batches of a multiple of it cut no block.
        group_cap: Most pairs of one loss group in a block: they are no negatives of each other.
        block_share: Epoch, counted from 0 -> share of its pairs that come in blocks, 0 to 1.
    """

    categories: np.ndarray
    groups: np.ndarray
    seed: int
    block_size: int
    group_cap: int
    block_share: Callable[[int], float]
    _orders: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    def pairs(self, position: int, count: int) -> np.ndarray:
        """The `count` pairs after the first `position` of all epochs, [count].

        The last pairs of an epoch and the first of the next may share a batch, so that each pair comes exactly once
        an epoch whatever the size of a batch.
        """
        taken = []
        while count:
            epoch, place = divmod(position, len(self.groups))
            some = self._order(epoch)[place : place + count]
            taken.append(some)
            position, count = position + len(some), count - len(some)
        return np.concatenate(taken)

    def _order(self, epoch: int) -> np.ndarray:
        """The permutation of an epoch; the last two are kept."""
        if epoch not in self._orders:
            self._orders[epoch] = self._draw_order(epoch)
            while len(self._orders) > 2:
                del self._orders[next(iter(self._orders))]
        return self._orders[epoch]

    def _draw_order(self, epoch: int) -> np.ndarray:
        """Units of one size in a random order, each a block of a category or a draw from everything else."""
        draw = np.random.default_rng([self.seed, epoch])
        shuffled = draw.permutation(len(self.groups))
        wanted = int(self.block_share(epoch) * len(shuffled)) // self.block_size
        if not wanted:
            return shuffled
        blocks = category_blocks(
            self.categories[shuffled], self.groups[shuffled], size=self.block_size, group_cap=self.group_cap
        )
        together = blocks[draw.permutation(len(blocks))[:wanted]]
        alone = np.delete(shuffled, together.ravel())
        whole = len(alone) // self.block_size * self.block_size
        units = np.concatenate([shuffled[together], alone[:whole].reshape(-1, self.block_size)])
        return np.concatenate([units[draw.permutation(len(units))].ravel(), alone[whole:]])


def category_blocks(categories: np.ndarray, groups: np.ndarray, *, size: int, group_cap: int) -> np.ndarray:
    """Cut pairs into blocks of one category each: [P] and [P] -> positions [number of blocks, size].

    Args:
        categories: Of the pairs, in a random order; those of `NO_CATEGORY` come into no block.
        groups: Loss groups of the same pairs; a block holds at most `group_cap` of one.
        size: Pairs in a block; pairs that fill no block are left out.
        group_cap: At least 1.
    """
    first = np.unique(groups, return_index=True, return_inverse=True)
    appearance = first[1][first[2]]  # groups in the random order of their first pairs
    places = np.lexsort((appearance, categories))  # by category, a group's pairs side by side
    places = places[categories[places] != NO_CATEGORY]
    while True:
        of_category = _runs(categories[places])
        num_blocks = np.bincount(of_category)[of_category] // size
        within_group = _place_in_run(of_category * len(groups) + appearance[places])
        fits = within_group < group_cap * num_blocks
        if fits.all():
            break
        places = places[fits]
    # Dealt out like cards, pairs of one group come into different blocks as long as there are any.
    within = _place_in_run(of_category)
    dealt = within < num_blocks * size
    order = np.lexsort((within[dealt] % num_blocks[dealt], of_category[dealt]))
    return places[dealt][order].reshape(-1, size)


def _runs(values: np.ndarray) -> np.ndarray:
    """Number of the run of equal values that each belongs to: [P] -> [P]."""
    return np.cumsum(np.r_[False, values[1:] != values[:-1]]) if len(values) else np.zeros(0, dtype=np.int64)


def _place_in_run(values: np.ndarray) -> np.ndarray:
    """How many values of the same run stand before each: [P] -> [P]."""
    runs = _runs(values)
    lengths = np.bincount(runs)
    return np.arange(len(values)) - (np.cumsum(lengths) - lengths)[runs]
