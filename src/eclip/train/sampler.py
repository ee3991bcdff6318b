"""Which pairs are contrasted together: each once an epoch, in an order that the seed decides.

An epoch is one permutation of all pairs; a batch is its next slice, of whatever size. So the number of pairs taken is
the whole state: a resumed run sees the very next batch, on any number of ranks and readers. Pairs of one category
stand together in blocks of the permutation (category-based negatives, our reading of e-CLIP, Shin et al., CIKM 2022):
they are each other's hard negatives. Neighbours that the model itself has found may take the place of categories.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, get_args

import numpy as np

from eclip.errors import ConfigError
from eclip.train.checks import require_choice, require_share, require_whole

CategoryLevel: TypeAlias = Literal["leaf", "parent"]
NeighboursOf: TypeAlias = Literal["product", "text"]
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
    neighbours_every: int | None = None
    """Epochs after which blocks are made of the model's own nearest neighbours, found anew each so many; None = off."""
    neighbours_of: NeighboursOf = "product"
    """What is compared: product (picture and title) or text, which needs no picture encoded."""

    def __post_init__(self) -> None:
        require_share("blocks.share", self.share)
        if self.last_share is not None:
            require_share("blocks.last_share", self.last_share)
        require_whole("blocks.size", self.size, least=1)
        require_whole("blocks.group_cap", self.group_cap, least=1)
        require_choice("blocks.level", self.level, get_args(CategoryLevel))
        require_choice("blocks.neighbours_of", self.neighbours_of, get_args(NeighboursOf))
        if self.neighbours_every is not None:
            require_whole("blocks.neighbours_every", self.neighbours_every, least=1)
            if not self.are_used:
                raise ConfigError("blocks.neighbours_every needs blocks.share above 0: no pair comes in a block else")

    @property
    def are_used(self) -> bool:
        """Whether any epoch has blocks."""
        return max(self.share, self.last_share or 0) > 0

    def share_at(self, epoch: int, epochs: float) -> float:
        """Share of pairs in blocks in an epoch, counted from 0, of a run of so many."""
        last = self.share if self.last_share is None else self.last_share
        return self.share + (last - self.share) * min(1.0, epoch / max(epochs - 1, 1))


class BlocksByEpoch(Protocol):
    """What pairs have in common in some epochs, in place of their category."""

    def are_known(self, epoch: int) -> bool:
        """Whether `of_epoch` can be asked."""

    def learn(self, epoch: int, position: int) -> None:
        """Find out, after the model has seen so many pairs."""

    def of_epoch(self, epoch: int) -> np.ndarray | None:
        """Number for each pair [P], `NO_CATEGORY` = never in a block; None = the category decides."""


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
        neighbours: In place of categories; None = never.
    """

    categories: np.ndarray
    groups: np.ndarray
    seed: int
    block_size: int
    group_cap: int
    block_share: Callable[[int], float]
    neighbours: BlocksByEpoch | None = None
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

    def knows(self, position: int, count: int) -> bool:
        """Whether the order of these pairs is settled: that of neighbours waits for the model to come so far."""
        return self.neighbours is None or all(map(self.neighbours.are_known, self._epochs(position, count)))

    def prepare(self, position: int, count: int) -> None:
        """Settle the order of these pairs; the model has seen all before them."""
        if self.neighbours is not None:
            for epoch in self._epochs(position, count):
                self.neighbours.learn(epoch, position)

    def _epochs(self, position: int, count: int) -> range:
        return range(position // len(self.groups), (position + count - 1) // len(self.groups) + 1)

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
        alike = None if self.neighbours is None else self.neighbours.of_epoch(epoch)
        blocks = category_blocks(
            (self.categories if alike is None else alike)[shuffled],
            self.groups[shuffled],
            size=self.block_size,
            group_cap=self.group_cap,
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
