"""Exact gradients of a large batch in the memory of one chunk: multi-stream accumulation (our reading of e-CLIP).

The story of a step: all chunks go through the towers without a graph, and their features are gathered over the ranks.
The loss of the whole batch and its gradient with respect to features follow tile by tile. Then each chunk goes through
its tower again, with the random numbers that it had before, and the cached gradient of its features is sent back
through it (as GradCache: Gao et al., 2021). Chunks whose graph fits into a memory budget keep it from the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias, get_args

import torch
from torch import nn

from eclip.train.checks import require_bool, require_choice, require_whole
from eclip.train.precision import Autocast

Tower: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class MemoryConfig:
    """What a step may hold in memory at once, whatever the batch."""

    chunk_size: int = 32
    """Pictures that go through their tower at once; the memory of a step grows with it, not with the batch."""
    text_chunk_size: int = 32
    """Titles that go through their tower at once."""
    kept_graph_megabytes: int = 1024
    """Memory for graphs of chunks, which then need no second way through their tower; 0 = as little as can be."""
    autocast: Autocast = "none"
    """Half precision inside the towers: none, bf16, fp16 (which scales gradients); features and loss stay float32."""
    compile: bool = False
    """Let torch compile the towers: minutes at the start (and a C++ compiler on a CPU)."""
    gradient_checkpointing: bool = False
    """Keep only what enters each block of the towers and compute the rest again on the way back."""
    quick_layers: bool = True
    """Exact short cuts through layers, such as frozen normalisation folded away; no = as their libraries run them."""

    def __post_init__(self) -> None:
        require_whole("memory.chunk_size", self.chunk_size, least=1)
        require_whole("memory.text_chunk_size", self.text_chunk_size, least=1)
        require_whole("memory.kept_graph_megabytes", self.kept_graph_megabytes, least=0)
        require_choice("memory.autocast", self.autocast, get_args(Autocast))
        require_bool("memory.compile", self.compile)
        require_bool("memory.gradient_checkpointing", self.gradient_checkpointing)
        require_bool("memory.quick_layers", self.quick_layers)


@dataclass(frozen=True, kw_only=True)
class StreamGradients:
    """A batch's loss, the same on all ranks, and its gradient with respect to this rank's features of all streams.

    Attributes:
        loss: Scalar.
        floor: The smallest value that the loss can take.
        features: Stream -> [n, D], as many rows as it has.
        logit_scale: Scalar, of the whole loss (not of this rank's share).
        logit_bias: Likewise; 0 where the loss has none.
        above_floor: What each term adds to loss - floor, by its name.
    """

    loss: torch.Tensor
    floor: torch.Tensor
    features: Mapping[str, torch.Tensor]
    logit_scale: torch.Tensor
    logit_bias: torch.Tensor
    above_floor: Mapping[str, torch.Tensor] = field(default_factory=dict)


LossOfFeatures: TypeAlias = Callable[[dict[str, torch.Tensor]], StreamGradients]


@dataclass(frozen=True, kw_only=True)
class TowerInputs:
    """One stream of a batch: what goes through one tower, such as its pictures, its titles or the titles of mates.

    Attributes:
        tower: Inputs -> unit features [c, D].
        inputs: [n, ...].
        chunk_size: Rows that go through the tower at once.
        lengths: [n]; rows of like length share a chunk, so that little padding is computed. None = all alike.
        learns: Whether any parameter of the tower does; a frozen one keeps no graph and is gone through once.
    """

    tower: Tower
    inputs: torch.Tensor
    chunk_size: int
    lengths: torch.Tensor | None = None
    learns: bool = True

    def chunks(self) -> list[Chunk]:
        """All rows in chunks, the longest first: it tells what a graph may cost."""
        if self.lengths is None:
            order = torch.arange(len(self.inputs))
        else:
            order = self.lengths.argsort(descending=True, stable=True)
        return [
            Chunk(tower=self.tower, inputs=self.inputs[rows], rows=rows, learns=self.learns)
            for rows in order.split(self.chunk_size)
        ]


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
        rows: [c] places in the stream.
        learns: Whether the tower does.
        before: Random state to go through the tower again with.
        features: [c, D]; with their graph where it is kept.
    """

    tower: Tower
    inputs: torch.Tensor
    rows: torch.Tensor
    learns: bool = True
    before: RandomState = field(init=False)
    features: torch.Tensor = field(init=False)

    def look(self, budget: GraphBudget) -> None:
        """First time through the tower; the graph stays if the budget has room for it."""
        self.before = RandomState.now()
        if not self.learns or not budget.has_room:
            with torch.no_grad():
                self.features = self.tower(self.inputs)
            return
        with saved_storages() as saved:
            features = self.tower(self.inputs)
        self.features = features if budget.take(saved) else features.detach()

    def send_back(self, gradient: torch.Tensor) -> None:
        """Add to the parameters' gradients what a gradient [n, D] of the stream's features means here."""
        if not self.learns:
            return
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
    streams: Mapping[str, TowerInputs],
    loss_of: LossOfFeatures,
    *,
    parameters: Iterable[nn.Parameter],
    kept_bytes: int,
) -> StreamGradients:
    """Add the exact gradients of a batch's loss to the parameters of its towers, a chunk at a time.

    Args:
        streams: What goes through the towers on this rank, by name; several streams may share a tower. Each has a row.
        loss_of: Features of each stream [n, D] on this rank -> loss of the whole batch and its gradients.
        parameters: Of all towers.
        kept_bytes: What kept graphs may take; 0 = every chunk goes through its tower twice.

    Returns:
        What `loss_of` said. The gradients of the towers are those of this rank's features alone, and those of the logit
        scale and bias are not applied: adding up over ranks is the caller's.
    """
    budget = GraphBudget(kept_bytes, frozenset(p.untyped_storage().data_ptr() for p in parameters))
    chunks = {name: stream.chunks() for name, stream in streams.items()}
    for chunk in chain(*chunks.values()):
        chunk.look(budget)
    after = RandomState.now()
    found = loss_of({name: _in_order(some) for name, some in chunks.items()})
    for name, some in chunks.items():
        for chunk in some:
            chunk.send_back(found.features[name])
    after.restore()
    return found


def _in_order(chunks: Sequence[Chunk]) -> torch.Tensor:
    """Features of all chunks [n, D] in the stream's order, outside the graph."""
    rows = torch.cat([chunk.rows for chunk in chunks])
    return torch.cat([chunk.features.detach() for chunk in chunks])[rows.argsort()]
