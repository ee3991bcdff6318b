"""Batches for training: pictures read, cropped and turned into pixels ahead of the step that needs them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from eclip.model.encoder import Encoder, open_picture
from eclip.train.augment import AugmentationConfig, changed_picture, changed_title
from eclip.train.pairs import Pairs
from eclip.train.picturecache import PictureCache, ReadImages
from eclip.train.ranks import Ranks
from eclip.train.sampler import Sampler

BATCHES_AHEAD = 3
CROP, WORDS = 1, 7  # what is drawn for a place in the run, each from a generator of its own


@dataclass(frozen=True, kw_only=True)
class Batch:
    """b pairs: pixels [b, 3, H, W] (or trunk vectors [b, F]), tokens [b, context_length], groups, weights [b]."""

    pixels: torch.Tensor
    tokens: torch.Tensor
    groups: torch.Tensor
    weights: torch.Tensor

    def __len__(self) -> int:
        return len(self.groups)


def training_batches(
    encoder: Encoder,
    pairs: Pairs,
    read_images: ReadImages,
    *,
    sampler: Sampler,
    first_position: int,
    size_at: Callable[[int], int],
    ranks: Ranks,
    augmentation: AugmentationConfig,
    cache: PictureCache | None = None,
) -> Generator[Batch]:
    """Endless batches after the first pairs of a run; a helper thread stays a few ahead.

    Threads do, as Pillow decodes without Python's lock; what a batch holds depends on its position and size alone.

    Args:
        encoder: Turns titles and pictures into what its towers take.
        pairs: What there is.
        read_images: Encoded pictures by row of the store.
        sampler: The order of the pairs.
        first_position: Pairs taken before.
        size_at: Position -> size of the batch that is taken there, a multiple of the ranks.
        ranks: Each takes its own rows of a batch.
        augmentation: How pairs are changed.
        cache: What the picture trunk says of each picture, where it is frozen; then no picture is read.
    """
    tokens = None if augmentation.changes_titles else encoder.tokenize(pairs.titles)

    def draw(place: int, what: int) -> np.random.Generator:
        return np.random.default_rng([sampler.seed, place, what])  # the same on whichever rank

    def pixels_of(chosen: np.ndarray, first_place: int) -> torch.Tensor:
        pictures = [open_picture(image) for image in read_images(pairs.rows[chosen].tolist())]
        pixels = []
        for place, picture in enumerate(pictures, start=first_place):
            whole = picture or Image.new("RGB", (8, 8), "white")
            pixels.append(encoder.transform(changed_picture(whole, augmentation, draw(place, CROP))))
        return torch.stack(pixels).contiguous(memory_format=torch.channels_last)

    def changed_tokens(chosen: np.ndarray, first_place: int) -> torch.Tensor:
        titles = [pairs.titles[pair] for pair in chosen]
        return encoder.tokenize(
            [
                changed_title(title, augmentation, draw(place, WORDS))
                for place, title in enumerate(titles, start=first_place)
            ]
        )

    def make(position: int, size: int) -> Batch:
        own = ranks.own_rows(size // ranks.world_size)
        chosen = sampler.pairs(position, size)[own]
        first_place = position + own.start
        return Batch(
            pixels=pixels_of(chosen, first_place) if cache is None else cache.vectors(pairs.rows[chosen].tolist()),
            tokens=tokens[torch.from_numpy(chosen)] if tokens is not None else changed_tokens(chosen, first_place),
            groups=torch.from_numpy(pairs.groups[chosen]),
            weights=torch.from_numpy(pairs.weights[chosen]),
        )

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as pool:
        waiting: deque[Future[Batch]] = deque()
        position = first_position
        try:
            while True:
                while len(waiting) < BATCHES_AHEAD:
                    size = size_at(position)
                    if not sampler.knows(position, size):
                        if waiting:
                            break  # all pairs before must have been learned first
                        sampler.prepare(position, size)
                    waiting.append(pool.submit(make, position, size))
                    position += size
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
