"""`eclip train --self-check`: are the gradients of a step in chunks those of its whole batch, on this very model?

Two comparisons, on the first pairs of the run itself. One batch goes through both towers at once, autograd goes back
through the loss over the matrix of all pairs, and the step in chunks must leave the same gradients: a layer that
looks across pairs shows here. Random layers are off, as chunks draw other numbers than the whole. Then they are on, and
the step that goes through its towers twice must equal the one that keeps its graphs: what is drawn must be replayed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from eclip.errors import ModelError
from eclip.model.encoder import Encoder, default_device
from eclip.model.trunks import lock_trunk
from eclip.train.accumulate import MemoryConfig, saved_storages
from eclip.train.batches import Batch, Stream, training_batches
from eclip.train.config import TrainConfig
from eclip.train.loop import make_batch_sizes, make_sampler
from eclip.train.pairs import Pairs, TrainingSource, read_training_pairs
from eclip.train.ranks import Ranks
from eclip.train.statistics import freeze_batch_statistics
from eclip.train.step import TrainStep
from eclip.train.targets import Targets
from eclip.train.trainer import start_encoder
from eclip.train.wholestep import Gradients, gradients_of, gradients_of_whole, streams_of

MOST_PAIRS = 256  # several chunks tell as much as a batch of thousands
FEWEST_PAIRS = 16  # where fewer fit in float64, float32 must do
SHARE_OF_MEMORY = 0.4  # of what is free, for the whole batch's graph
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-2}
KEPT_ALL_MEGABYTES = 1 << 30
_CONTAINER = Path("/sys/fs/cgroup")
TOWERS = {"visual.": "image tower", "text.": "text tower", "logit_scale": "logit scale", "logit_bias": "logit bias"}


@dataclass(frozen=True, kw_only=True)
class SelfCheck:
    """What the comparison came to; differences are relative, the largest of any parameter.

    Attributes:
        pairs: In the batch that was compared.
        batch: Which pairs these were.
        chunks: Pairs that went through a tower at once.
        precision: Of weights, features and gradients.
        tolerance: Largest difference that passes.
        random_layers: How they were kept from the first comparison.
        chunks_against_whole: Part of the model -> difference.
        replayed_against_kept: Part of the model -> difference, with random layers on.
        seconds: For all of it.
        peak_memory_bytes: Of the process, or of its GPU.
    """

    pairs: int
    batch: str
    chunks: str
    precision: str
    tolerance: str
    random_layers: str
    chunks_against_whole: dict[str, str]
    replayed_against_kept: dict[str, str]
    seconds: float
    peak_memory_bytes: int


def check_step(store: TrainingSource, config: TrainConfig, *, init: Path | None = None) -> SelfCheck:
    """Compare a step in chunks with the whole one, on a store's pairs and a recipe's towers; writes nothing.

    Raises:
        StoreError: The store has too few pairs.
        ModelError: The gradients differ by more than rounding.
    """
    started = time.monotonic()
    torch.manual_seed(config.seed)
    pairs = read_training_pairs(store, config.views)
    encoder = start_encoder(config, pairs.titles, init=init)
    module = encoder.module.to(device=default_device(), dtype=torch.float64)
    if config.locked.pictures:
        lock_trunk(module.visual)
    full_size = make_batch_sizes(config, num_pairs=len(pairs), world_size=1).at(0)
    batch = _first_batch(encoder, store, pairs, config, min(full_size, MOST_PAIRS))
    dtype, num_pairs = _what_fits(encoder, batch)
    module.to(dtype)
    batch = _first(batch, num_pairs, dtype)
    memory = dataclasses.replace(
        config.memory,
        chunk_size=_several(config.memory.chunk_size, num_pairs),
        text_chunk_size=_several(config.memory.text_chunk_size, num_pairs),
        kept_graph_megabytes=0,
        autocast="none",  # the comparison is of arithmetic that rounds as little as can be
    )
    step = TrainStep.of(encoder, dataclasses.replace(config, memory=memory), Ranks())
    replayed = _of_chunks(step, batch, kept_megabytes=0)
    kept = _of_chunks(step, batch, kept_megabytes=KEPT_ALL_MEGABYTES)
    random_layers = silence(encoder, batch)
    in_chunks = _of_chunks(step, batch, kept_megabytes=0, as_it_is=True)
    whole = gradients_of_whole(step, batch)
    tolerance = TOLERANCES[dtype]
    return SelfCheck(
        pairs=num_pairs,
        batch=f"the first pairs of the run, of a batch of {full_size:,}",
        chunks=f"{memory.chunk_size} pictures, {memory.text_chunk_size} titles",
        precision=str(dtype).removeprefix("torch."),
        tolerance=f"{tolerance:.0e}",
        random_layers=random_layers,
        chunks_against_whole=compared(in_chunks, whole, tolerance, "a step in chunks is not that of its whole batch"),
        replayed_against_kept=compared(replayed, kept, tolerance, "random numbers are not replayed"),
        seconds=round(time.monotonic() - started, 1),
        peak_memory_bytes=_peak_memory(encoder.device),
    )


def compared(found: Gradients, wanted: Gradients, tolerance: float, fault: str) -> dict[str, str]:
    """Largest relative difference of any parameter's gradient, for each part of the model.

    A parameter's difference is measured by its gradient's length, or by a thousandth of its part's where that is
    longer: of a gradient that is 0 but for rounding (the bias of attention's keys) nothing can be asked.

    Raises:
        ModelError: One is above the tolerance, or a gradient is there on one side alone.
    """
    parts = {name: next((part for start, part in TOWERS.items() if name.startswith(start)), "rest") for name in wanted}
    lengths = {
        part: torch.stack([wanted[name].norm() for name in wanted if parts[name] == part]).norm()
        for part in parts.values()
    }
    if missing := sorted(found.keys() ^ wanted.keys()):
        raise ModelError(f"self-check: {fault}: {missing[0]} has a gradient on one side alone")
    largest: dict[str, tuple[float, str]] = {}
    for name, value in wanted.items():
        least = lengths[parts[name]] * 1e-3 + torch.finfo(value.dtype).tiny
        difference = float((found[name] - value).norm() / value.norm().clamp(min=least))
        measured = (math.inf if math.isnan(difference) else difference, name)
        largest[parts[name]] = max(measured, largest.get(parts[name], measured))
    part, (difference, name) = max(largest.items(), key=lambda each: each[1])
    if difference > tolerance:
        raise ModelError(
            f"self-check: {fault}: gradients of the {part} differ by {difference:.1e} of their size ({name}), expected "
            f"at most {tolerance:.0e}; look in that tower for a layer that looks across the pairs of a batch, keeps a "
            "state from call to call, or draws random numbers of its own"
        )
    return {part: f"{difference:.1e}" for part, (difference, _) in largest.items()}


def silence(encoder: Encoder, batch: Batch) -> str:
    """Switch off what draws random numbers, in training mode if that can be; says how."""
    module = encoder.module
    module.train()
    freeze_batch_statistics(module)
    for part in module.modules():
        is_random = "drop" in type(part).__name__.lower() or type(part).__name__ == "StochasticDepth"
        if is_random:
            part.eval()
        for name, value in vars(part).items():  # attention reads the share of a dropout that it never calls
            if isinstance(value, float) and ("drop" in name.lower() or (is_random and name in ("p", "prob"))):
                setattr(part, name, 0.0)
    if all(_draws_nothing(tower, inputs) for _, tower, inputs in streams_of(encoder, batch)):
        return "off in the first comparison"
    module.eval()
    return "of an unknown kind: the first comparison was in evaluation mode"


def _draws_nothing(tower: nn.Module, inputs: torch.Tensor) -> bool:
    seen = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        with torch.no_grad():
            seen.append(tower(inputs[:4]))
    return torch.allclose(*seen, rtol=1e-6, atol=1e-6)


def _of_chunks(step: TrainStep, batch: Batch, *, kept_megabytes: int, as_it_is: bool = False) -> Gradients:
    """Gradients that a step of the run leaves, in the model's training mode or in the one that it is in."""
    module = step.encoder.module
    if not as_it_is:
        module.train()
        freeze_batch_statistics(module)
    memory: MemoryConfig = dataclasses.replace(step.config.memory, kept_graph_megabytes=kept_megabytes)
    module.zero_grad(set_to_none=True)
    torch.manual_seed(step.config.seed)
    targets = Targets.of_groups(batch.groups.to(step.encoder.device), step.config.targets)
    dataclasses.replace(step, config=dataclasses.replace(step.config, memory=memory)).fill_gradients(batch, targets)
    return gradients_of(module)


def _first_batch(encoder: Encoder, store: TrainingSource, pairs: Pairs, config: TrainConfig, size: int) -> Batch:
    batches = training_batches(
        encoder,
        pairs,
        store,
        sampler=make_sampler(pairs, config),
        first_position=0,
        size_at=lambda _: size,
        ranks=Ranks(),
        augmentation=config.augmentation,
        views=config.views,
    )
    with contextlib.closing(batches):
        return next(batches)


def _first(batch: Batch, num_products: int, dtype: torch.dtype) -> Batch:
    """The first products of a batch, its numbers in this precision."""

    def cut(inputs: torch.Tensor, rows: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
        count = num_products if rows is None else int((rows < num_products).sum())  # places are in their order
        some = inputs[:count]
        return some.to(dtype) if some.is_floating_point() else some, None if rows is None else rows[:count]

    def mates(stream: Stream | None) -> Stream | None:
        if stream is None:
            return None
        inputs, rows = cut(stream.inputs, stream.rows)
        return Stream(inputs=inputs, rows=stream.rows if rows is None else rows)

    pixels, picture_rows = cut(batch.pixels, batch.picture_rows)
    tokens, title_rows = cut(batch.tokens, batch.title_rows)
    return Batch(
        pixels=pixels,
        tokens=tokens,
        groups=batch.groups[:num_products],
        weights=batch.weights[:num_products].to(dtype),
        picture_rows=picture_rows,
        title_rows=title_rows,
        mate_pictures=mates(batch.mate_pictures),
        mate_titles=mates(batch.mate_titles),
    )


def _what_fits(encoder: Encoder, batch: Batch) -> tuple[torch.dtype, int]:
    """Precision and number of pairs whose whole graph there is memory for: float64, if for more than a few pairs."""
    some = _first(batch, 4, torch.float64)
    with saved_storages() as saved:
        for _, tower, inputs in streams_of(encoder, some):
            tower(inputs)
    weights = {p.untyped_storage().data_ptr() for p in encoder.module.parameters()}
    a_pair = sum(size for address, size in saved.items() if address not in weights) / len(some)
    room = int(SHARE_OF_MEMORY * _free_memory(encoder.device) / max(a_pair, 1))
    if room >= min(FEWEST_PAIRS, len(batch)):
        return torch.float64, min(room, len(batch))
    return torch.float32, max(2, min(2 * room, len(batch)))


def _several(chunk_size: int, num_pairs: int) -> int:
    """A chunk small enough that a batch needs three, the last one uneven where that can be."""
    return min(chunk_size, max(1, (num_pairs - 1) // 2))


def _free_memory(device: torch.device) -> int:
    """Bytes that can be had on a device; of the machine's memory also what caches would give up."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    rooms = [2 << 30]  # where the system does not say
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        rooms = [next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))]
    with contextlib.suppress(OSError, ValueError):  # no limit is the word "max"
        limit, used = (int((_CONTAINER / name).read_text()) for name in ("memory.max", "memory.current"))
        rooms.append(limit - used)
    return max(0, min(rooms))


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
