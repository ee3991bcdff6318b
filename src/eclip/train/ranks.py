"""The processes that train one model together, and what they tell each other; one process alone is a group of one.

Gradients are added up by a plain all-reduce and not by DistributedDataParallel: a step goes through the towers chunk
by chunk, the gradients that this leaves are this rank's part of the exact whole, and one sum at the end is all that is
missing (no factor of the world size, no hooks that must see every parameter in the last chunk).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed, nn

from eclip.errors import RankLostError

TIMEOUT_SECONDS = 600.0  # the first rank may be writing a checkpoint meanwhile
_BUCKET_BYTES = 32 << 20  # gradients summed at once: few large messages are faster than many small ones


@dataclass(frozen=True)
class Ranks:
    """Place of this process among all; the collectives do nothing where it is alone.

    Attributes:
        rank: Number of this process, from 0.
        world_size: How many there are.
    """

    rank: int = 0
    world_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes what is to be written once."""
        return self.rank == 0

    def gather(self, local: torch.Tensor) -> torch.Tensor:
        """Rows of all ranks in their order: [b, ...] on each -> [world_size * b, ...] on all; outside the graph."""
        if self.world_size == 1:
            return local.detach()
        parts = [torch.empty_like(local) for _ in range(self.world_size)]
        with _naming_a_lost_rank():
            distributed.all_gather(parts, local.detach().contiguous())
        return torch.cat(parts)

    def add_up(self, local: torch.Tensor) -> torch.Tensor:
        """Sum over all ranks, in place."""
        if self.world_size > 1:
            with _naming_a_lost_rank():
                distributed.all_reduce(local)
        return local

    def add_up_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sum each parameter's gradient over all ranks; one that a rank has no gradient for counts as 0 there.

        One that no rank has a gradient for stays without: to an optimiser that decays weights, 0 is not the same.
        """
        if self.world_size == 1:
            return
        learned = [parameter for parameter in parameters if parameter.requires_grad]
        there = self.add_up(torch.tensor([float(p.grad is not None) for p in learned], device=_device())).tolist()
        learned = [parameter for parameter, count in zip(learned, there, strict=True) if count]
        for some in _buckets(learned):
            flat = torch.cat([p.new_zeros(p.numel()) if p.grad is None else p.grad.reshape(-1) for p in some])
            self.add_up(flat)
            for parameter, gradient in zip(some, flat.split([p.numel() for p in some]), strict=True):
                parameter.grad = gradient.view_as(parameter)

    def share_state(self, module: nn.Module) -> None:
        """Give all ranks the first one's parameters and buffers."""
        if self.world_size > 1:
            with _naming_a_lost_rank(), torch.no_grad():
                for value in module.state_dict().values():
                    distributed.broadcast(value, src=0)

    def told_by_first(self, values: Sequence[float]) -> list[float]:
        """The first rank's numbers, on all ranks."""
        if self.world_size == 1:
            return list(values)
        told = torch.tensor(values, dtype=torch.float64, device=_device())
        with _naming_a_lost_rank():
            distributed.broadcast(told, src=0)
        return list(told.tolist())

    def any_of(self, *, flag: bool) -> bool:
        """Whether the flag is set on any rank."""
        return bool(self.add_up(torch.tensor(float(flag), device=_device())) > 0)

    def own_rows(self, rows: int) -> slice:
        """Where this rank's `rows` stand among those of all."""
        return slice(self.rank * rows, (self.rank + 1) * rows)


@contextmanager
def joined_ranks(*, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[Ranks]:
    """This process among those that `torchrun` started; alone without it.

    Args:
        timeout_seconds: How long to wait for a process that hangs; one that ends is noticed at once (gloo) or by then.

    Raises:
        RankLostError: Another process has ended or hangs.
    """
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        yield Ranks()
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    with _naming_a_lost_rank():
        _meet(timedelta(seconds=timeout_seconds))
    try:
        yield Ranks(distributed.get_rank(), world_size)
    finally:
        distributed.destroy_process_group()


def _meet(timeout: timedelta) -> None:
    """Join the processes that torchrun started this time.

    Under --max-restarts they meet at a store that outlives them: without a prefix of their own, those that were started
    again read the addresses of those that have ended (seen with torch 2.14, in more than half of all restarts).
    """
    store, rank, world_size = next(distributed.rendezvous("env://", timeout=timeout))
    restart = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    distributed.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        store=distributed.PrefixStore(f"restart-{restart}", store),
        rank=rank,
        world_size=world_size,
        timeout=timeout,
    )


def _device() -> torch.device:
    """Where small messages lie: NCCL takes only what is on its own GPU."""
    on_gpu = distributed.is_initialized() and distributed.get_backend() == "nccl"
    return torch.device("cuda", torch.cuda.current_device()) if on_gpu else torch.device("cpu")


@contextmanager
def _naming_a_lost_rank() -> Iterator[None]:
    """Say in one line what a broken collective means."""
    try:
        yield
    except RuntimeError as fault:
        raise RankLostError(
            f"another process of this run has ended or hangs ({str(fault).splitlines()[0][:120]}); "
            "start the same command again: it goes on from the last checkpoint"
        ) from fault


def _buckets(parameters: Sequence[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Parameters of one type in lots of some megabytes, always in the same order."""
    lot: list[nn.Parameter] = []
    for parameter in parameters:
        full = sum(p.numel() * p.element_size() for p in lot) >= _BUCKET_BYTES
        if lot and (full or lot[0].dtype != parameter.dtype):
            yield lot
            lot = []
        lot.append(parameter)
    if lot:
        yield lot
