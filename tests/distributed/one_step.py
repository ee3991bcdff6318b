"""Take one step on every rank and write what it left: run by the tests, once for each rank."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from eclip.model.presets import tiny
from eclip.train.accumulate import MemoryConfig
from eclip.train.batches import Batch, Stream
from eclip.train.config import TrainConfig
from eclip.train.contrast import fit_to_loss
from eclip.train.ranks import joined_ranks
from eclip.train.step import TrainStep
from eclip.train.targets import LossKind, TargetConfig
from eclip.train.views import ViewsConfig

NUM_PAIRS = 12
TITLES = [f"title number {row} of {row * row} with words" for row in range(NUM_PAIRS)]


def drawn_batch(tokens: torch.Tensor, own: slice) -> Batch:
    """A rank's part of twelve pairs with shared groups and uneven weights."""
    draw = torch.Generator().manual_seed(5)
    pixels = torch.randn(NUM_PAIRS, 3, 64, 64, generator=draw, dtype=torch.float64)
    return Batch(
        pixels=pixels[own],
        tokens=tokens[own],
        groups=torch.tensor([0, 1, 2, 3, 0, 4, 5, 1, 6, 7, 1, 8])[own],  # mates on both ranks
        weights=torch.linspace(0.3, 1.0, NUM_PAIRS, dtype=torch.float64)[own],
    )


def with_views(batch: Batch, tokens: torch.Tensor, own: slice) -> Batch:
    """The same with mates for some products, and a picture for four of the first six and one of the others."""
    draw = torch.Generator().manual_seed(6)
    others = torch.randn(NUM_PAIRS, 3, 64, 64, generator=draw, dtype=torch.float64)
    pictured = [row - own.start for row in (0, 1, 3, 4, 7) if own.start <= row < own.stop]
    paired = [row - own.start for row in (0, 4) if own.start <= row < own.stop]  # nobody's mates on the second rank
    mates = [row - own.start for row in (0, 1, 4, 7, 10) if own.start <= row < own.stop]
    return dataclasses.replace(
        batch,
        pixels=batch.pixels[pictured],
        picture_rows=torch.tensor(pictured),
        mate_titles=Stream(inputs=tokens.flip(0)[own][mates], rows=torch.tensor(mates)),
        mate_pictures=Stream(inputs=others[own][paired], rows=torch.tensor(paired, dtype=torch.long)),
    )


def main(folder: Path, chunk_size: int, loss: LossKind, views: str) -> None:
    """Gradients and parameters after one step, and its figures."""
    with joined_ranks() as ranks:
        torch.manual_seed(ranks.rank)  # ranks begin differently, and must take the first one's weights
        encoder = fit_to_loss(tiny(TITLES), loss, batch_size=NUM_PAIRS)
        encoder.module.double()
        ranks.share_state(encoder.module)
        memory = MemoryConfig(chunk_size=chunk_size, text_chunk_size=chunk_size, kept_graph_megabytes=0)
        several = ViewsConfig(picture_title=1.0, title_title=0.7, picture_picture=0.4)
        config = TrainConfig(
            memory=memory,
            targets=TargetConfig(loss=loss),
            views=several if views == "several" else ViewsConfig(),
        )
        step = TrainStep.of(encoder, config, ranks)
        own, tokens = ranks.own_rows(NUM_PAIRS // ranks.world_size), encoder.tokenize(TITLES)
        batch = drawn_batch(tokens, own)
        figures = step.take(with_views(batch, tokens, own) if views == "several" else batch, number=0, lr_factor=1.0)
        left = {f"gradient.{name}": p.grad for name, p in encoder.module.named_parameters() if p.grad is not None}
        left |= {f"parameter.{name}": p.detach() for name, p in encoder.module.named_parameters()}
        left |= {f"figure.{name}": torch.tensor(value, dtype=torch.float64) for name, value in figures.items()}
        left = {name: value.clone().contiguous() for name, value in left.items()}
        save_file(left, folder / f"{ranks.world_size}-{ranks.rank}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
