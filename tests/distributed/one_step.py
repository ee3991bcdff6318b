"""Take one step on every rank and write what it left: run by the tests, once for each rank."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from eclip.model.presets import tiny
from eclip.train.accumulate import MemoryConfig
from eclip.train.batches import Batch
from eclip.train.config import TrainConfig
from eclip.train.contrast import fit_to_loss
from eclip.train.ranks import joined_ranks
from eclip.train.step import TrainStep
from eclip.train.targets import LossKind, TargetConfig

NUM_PAIRS = 12
TITLES = [f"title number {row} of {row * row} with words" for row in range(NUM_PAIRS)]


def drawn_batch(tokens: torch.Tensor) -> Batch:
    """Twelve pairs with shared groups and uneven weights."""
    draw = torch.Generator().manual_seed(5)
    return Batch(
        pixels=torch.randn(NUM_PAIRS, 3, 64, 64, generator=draw, dtype=torch.float64),
        tokens=tokens,
        groups=torch.tensor([0, 1, 2, 3, 0, 4, 5, 1, 6, 7, 1, 8]),  # mates on both ranks
        weights=torch.linspace(0.3, 1.0, NUM_PAIRS, dtype=torch.float64),
    )


def main(folder: Path, chunk_size: int, loss: LossKind) -> None:
    """Gradients and parameters after one step, and its figures."""
    with joined_ranks() as ranks:
        torch.manual_seed(ranks.rank)  # ranks begin differently, and must take the first one's weights
        encoder = fit_to_loss(tiny(TITLES), loss, batch_size=NUM_PAIRS)
        encoder.module.double()
        ranks.share_state(encoder.module)
        memory = MemoryConfig(chunk_size=chunk_size, text_chunk_size=chunk_size, kept_graph_megabytes=0)
        config = TrainConfig(memory=memory, targets=TargetConfig(loss=loss))
        step = TrainStep.of(encoder, config, ranks)
        whole = drawn_batch(encoder.tokenize(TITLES))
        own = ranks.own_rows(NUM_PAIRS // ranks.world_size)
        batch = Batch(**{field.name: getattr(whole, field.name)[own] for field in dataclasses.fields(Batch)})
        figures = step.take(batch, number=0, lr_factor=1.0)
        left = {f"gradient.{name}": p.grad for name, p in encoder.module.named_parameters() if p.grad is not None}
        left |= {f"parameter.{name}": p.detach() for name, p in encoder.module.named_parameters()}
        left |= {f"figure.{name}": torch.tensor(value, dtype=torch.float64) for name, value in figures.items()}
        left = {name: value.clone().contiguous() for name, value in left.items()}
        save_file(left, folder / f"{ranks.world_size}-{ranks.rank}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
