"""Exact gradients of a large batch in the memory of one chunk: multi-stream accumulation (our reading of e-CLIP).

The story of a step: all chunks go through the towers without a graph, and their features are gathered over the ranks.
The loss of the whole batch and its gradient with respect to features follow tile by tile. Then each chunk goes through
its tower again, with the random numbers that it had before, and the cached gradient of its features is sent back
through it (as GradCache: Gao et al., 2021). Chunks whose graph fits into a memory budget keep it from the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias

import torch
from torch import nn

from eclip.train.checks import require_whole
from eclip.train.tiles import LossAndGradients

Tower: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
LossOfFeatures: TypeAlias = Callable[[torch.Tensor, torch.Tensor], LossAndGradients]


@dataclass(frozen=True, kw_only=True)
class MemoryConfig:
    """What a step may hold in memory at once, whatever the batch."""

    chunk_size: int = 32
    """Pictures that go through their tower at once; the memory of a step grows with it, not with the batch."""
    text_chunk_size: int = 32
    """Titles that go through their tower at once."""
    kept_graph_megabytes: int = 1024
    """Memory for graphs of chunks, which then need no second way through their tower; 0 = as little as can be."""
    quick_layers: bool = True
    """Exact short cuts through layers, such as frozen normalisation folded away; no = as their libraries run them."""

    def __post_init__(self) -> None:
        require_whole("memory.chunk_size", self.chunk_size, least=1)
        require_whole("memory.text_chunk_size", self.text_chunk_size, least=1)
        require_whole("memory.kept_graph_megabytes", self.kept_graph_megabytes, least=0)


@dataclass(frozen=True, kw_only=True)
class TowerInputs:
    """One side of a batch.

    Attributes:
        tower: Inputs -> unit features [c, D].
        inputs: [b, ...].
        chunk_size: Rows that go through the tower at once.
        lengths: [b]; rows of like length share a chunk, so that little padding is computed. None = all alike.
    """

    tower: Tower
    inputs: torch.Tensor
    chunk_size: int
    lengths: torch.Tensor | None = None

    def chunks(self) -> list[Chunk]:
        """All rows in chunks, the longest first: it tells what a graph may cost."""
        if self.lengths is None:
            order = torch.arange(len(self.inputs))
        else:
            order = self.lengths.argsort(descending=True, stable=True)
        return [Chunk(tower=self.tower, inputs=self.inputs[rows], rows=rows) for rows in order.split(self.chunk_size)]


@dataclass(frozen=True)
class RandomState:
    """The state of the generators that layers draw from (dropout, drop path)."""

    cpu: torch.Tensor
    cuda: torch.Tensor | None

    @classmethod
    def now(cls) -> RandomState:
        """What the generators are about to draw from."""
        return cls(torch.get_rng_state(), torch.cuda.get_rng_state() if torch.cuda.is_available() else None)

    def restore(self) -> None:
        """Make them draw the same again."""
        torch.set_rng_state(self.cpu)
        if self.cuda is not None:
            torch.cuda.set_rng_state(self.cuda)


@dataclass(kw_only=True)
class Chunk:
    """Rows of a batch that go through a tower together.

    Attributes:
        tower: Inputs -> unit features [c, D].
        inputs: [c, ...].
        rows: [c] places in the batch.
        before: Random state to go through the tower again with.
        features: [c, D]; with their graph where it is kept.
    """

    tower: Tower
    inputs: torch.Tensor
    rows: torch.Tensor
    before: RandomState = field(init=False)
    features: torch.Tensor = field(init=False)

    def look(self, budget: GraphBudget) -> None:
        """First time through the tower; the graph stays if the budget has room for it."""
        self.before = RandomState.now()
        if not budget.has_room:
            with torch.no_grad():
                self.features = self.tower(self.inputs)
            return
        with saved_storages() as saved:
            features = self.tower(self.inputs)
        self.features = features if budget.take(saved) else features.detach()

    def send_back(self, gradient: torch.Tensor) -> None:
        """Add to the parameters' gradients what the gradient [B, D] of all features means for this chunk's tower."""
        features = self.features
        if not features.requires_grad:
            self.before.restore()
            features = self.tower(self.inputs)
        del self.features  # a kept graph is freed as it is gone through
        features.backward(gradient[self.rows])


@dataclass
class GraphBudget:
    """Bytes that the graphs kept in one step may take.

    Attributes:
        num_bytes: In all.
        parameters: Storages that lie there anyway.
    """

    num_bytes: int
    parameters: frozenset[int]
    spent: int = 0
    last_cost: int = 0

    @property
    def has_room(self) -> bool:
        """Whether another graph as large as the last one fits."""
        return self.spent + self.last_cost < self.num_bytes

    def take(self, saved: dict[int, int]) -> bool:
        """Keep a graph of these storages (address -> bytes), if it fits."""
        self.last_cost = sum(size for address, size in saved.items() if address not in self.parameters)
        fits = self.spent + self.last_cost <= self.num_bytes
        self.spent += fits * self.last_cost
        return fits


@contextmanager
def saved_storages() -> Iterator[dict[int, int]]:
    """What autograd saves for the way back meanwhile: address of each storage -> its bytes."""
    storages: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield storages


def accumulate(
    image: TowerInputs,
    text: TowerInputs,
    loss_of: LossOfFeatures,
    *,
    parameters: Iterable[nn.Parameter],
    kept_bytes: int,
) -> LossAndGradients:
    """Add the exact gradients of a batch's loss to the parameters of both towers, a chunk at a time.

    Args:
        image: Pictures of this rank.
        text: Titles of this rank, as many.
        loss_of: Features of pictures and titles [b, D] of this rank -> loss of the whole batch and its gradients.
        parameters: Of both towers.
        kept_bytes: What kept graphs may take; 0 = every chunk goes through its tower twice.

    Returns:
        What `loss_of` said. The gradients of the towers are those of this rank's features alone, and those of the logit
        scale and bias are not applied: adding up over ranks is the caller's.
    """
    budget = GraphBudget(kept_bytes, frozenset(p.untyped_storage().data_ptr() for p in parameters))
    streams = [inputs.chunks() for inputs in (image, text)]
    for chunk in chain(*reversed(streams)):  # titles first: their graphs save five times the time of as large ones
        chunk.look(budget)
    after = RandomState.now()
    found = loss_of(*(_in_order(chunks) for chunks in streams))
    for chunks, gradient in zip(streams, (found.image, found.text), strict=True):
        for chunk in chunks:
            chunk.send_back(gradient)
    after.restore()
    return found


def _in_order(chunks: Sequence[Chunk]) -> torch.Tensor:
    """Features of all chunks [b, D] in the batch's order, outside the graph."""
    rows = torch.cat([chunk.rows for chunk in chunks])
    return torch.cat([chunk.features.detach() for chunk in chunks])[rows.argsort()]
