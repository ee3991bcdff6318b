"""Towers fed 32 rows at a time against a whole batch at once: one training step's features, forward and backward.

    python benchmarks/towers.py [--batch 256] [--repeats 3]

The same towers, pictures and titles, both ways, in one run; prints the largest difference of the features too.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch.nn import functional as F

from eclip.model.encoder import Encoder
from eclip.model.presets import small
from eclip.train.statistics import freeze_batch_statistics

VOCABULARY = (
    "red",
    "blue",
    "men",
    "dress",
    "shirt",
    "watch",
    "leather",
    "cotton",
    "running",
    "shoe",
    "bottle",
    "500ml",
)


def whole(encoder: Encoder, pixels: torch.Tensor, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of a batch in one piece, titles padded to the longest of all."""
    image = F.normalize(encoder.module.visual(pixels), dim=-1)
    return image, F.normalize(encoder.module.text(encoder.trim(tokens)), dim=-1)


def in_pieces(encoder: Encoder, pixels: torch.Tensor, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Features as training computes them."""
    return encoder.image_features(pixels), encoder.text_features(tokens)


def main() -> None:
    """Time both ways in turn and print the median ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    encoder = small(["a red dress"])
    encoder.module.to(memory_format=torch.channels_last).train()
    freeze_batch_statistics(encoder.module)
    encoder.module.text.transformer.eval()  # no dropout, so that both ways compute the same function
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(options.batch, 3, 96, 96, generator=generator).contiguous(memory_format=torch.channels_last)
    picks = torch.randint(0, len(VOCABULARY), (options.batch, 14), generator=generator)
    lengths = torch.randint(2, 15, (options.batch,), generator=generator)
    titles = [" ".join(VOCABULARY[i] for i in row[:n]) for row, n in zip(picks, lengths, strict=True)]
    tokens = encoder.tokenize(titles)

    times: dict[str, list[float]] = {"whole": [], "in pieces": []}
    features = {}
    for repeat in range(options.repeats + 1):
        for name, way in (("whole", whole), ("in pieces", in_pieces)):
            encoder.module.zero_grad(set_to_none=True)
            started = time.perf_counter()
            image, text = way(encoder, pixels, tokens)
            (image * text).sum().backward()
            if repeat:  # the first round warms up
                times[name].append(time.perf_counter() - started)
            features[name] = torch.cat([image, text]).detach()
    medians = {name: sorted(seconds)[len(seconds) // 2] for name, seconds in times.items()}
    for name, seconds in medians.items():
        print(f"{name:10} {seconds:7.2f} s a step of {options.batch}")
    print(f"in pieces takes {medians['in pieces'] / medians['whole']:.2f} of the time")
    print(f"largest difference of a feature: {(features['whole'] - features['in pieces']).abs().max():.1e}")


if __name__ == "__main__":
    main()
