"""Batches for training: pictures read, cropped and turned into pixels ahead of the step that needs them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from PIL import Image

from eclip.model.encoder import Encoder, open_picture
from eclip.train.augment import AugmentationConfig, changed_picture, changed_title
from eclip.train.pairs import PAIRED, Pairs, TrainingSource, mate_images
from eclip.train.picturecache import PictureCache
from eclip.train.ranks import Ranks
from eclip.train.sampler import Sampler
from eclip.train.views import ViewsConfig

BATCHES_AHEAD = 3

# What is drawn for a place in the run, each from a generator of its own; 1 came first.
CROP, TITLE_MATE, PICTURE_MATE, TEXT, MATE_TEXT, MATE_CROP, WORDS, MATE_WORDS = range(1, 9)


@dataclass(frozen=True, kw_only=True)
class Stream:
    """What some of a batch's products have: inputs [n, ...] of a tower, and their places [n] in the batch."""

    inputs: torch.Tensor
    rows: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Batch:
    """b products: pixels [p, 3, H, W] (or trunk vectors [p, F]), tokens [t, context_length], groups, weights [b].

    Attributes:
        pixels: Of those that have a picture.
        tokens: Of those that have a title.
        groups: Loss groups.
        weights: Of the pairs of picture and title.
        picture_rows: Places [p] of the products with a picture; None = all.
        title_rows: Places [t] of the products with a title; None = all.
        mate_pictures: Another picture of the product or its group, where there is one; None = no view asks.
        mate_titles: Another title of its group, likewise.
        categories: Number of each product's category [b], -1 = unknown; None = no term asks.
    """

    pixels: torch.Tensor
    tokens: torch.Tensor
    groups: torch.Tensor
    weights: torch.Tensor
    picture_rows: torch.Tensor | None = None
    title_rows: torch.Tensor | None = None
    mate_pictures: Stream | None = None
    mate_titles: Stream | None = None
    categories: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.groups)

    def rows_of(self, stream: str) -> torch.Tensor | None:
        """Places [n] of the products that a stream (image, text, mate_image, mate_text) has; None = all."""
        mates = {"mate_image": self.mate_pictures, "mate_text": self.mate_titles}.get(stream)
        if mates is not None:
            return mates.rows
        return {"image": self.picture_rows, "text": self.title_rows}.get(stream)


@dataclass(frozen=True, kw_only=True)
class BatchMaker:
    """Turns chosen pairs into what the towers take; what is drawn depends on the seed and the place in the run alone.

    Attributes:
        encoder: Turns titles and pictures into what its towers take.
        pairs: What there is.
        source: Where pictures are read.
        seed: Of all draws.
        augmentation: How pairs are changed.
        views: What is needed of each.
        cache: Vectors of a frozen picture trunk, which then stand for pixels; None where it learns.
        categories: Number of each pair's category [P]; None = no term asks.
    """

    encoder: Encoder
    pairs: Pairs
    source: TrainingSource
    seed: int
    augmentation: AugmentationConfig
    views: ViewsConfig
    cache: PictureCache | None = None
    categories: np.ndarray | None = None

    def make(self, chosen: np.ndarray, first_place: int) -> Batch:
        """A batch of the pairs `chosen` [b], the first of which stands at `first_place` of the run."""
        places = np.arange(first_place, first_place + len(chosen))
        has_picture, has_title = self.pairs.has_picture[chosen], self._has_title[chosen]
        titled = np.flatnonzero(has_title)
        return Batch(
            pixels=self._own_pictures(chosen, places, has_picture),
            tokens=self._tokens(chosen[titled], places[titled], (WORDS, TEXT)),
            groups=torch.from_numpy(self.pairs.groups[chosen]),
            weights=torch.from_numpy(self.pairs.weights[chosen]),
            picture_rows=None if self.pairs.has_picture.all() else torch.from_numpy(np.flatnonzero(has_picture)),
            title_rows=None if self._has_title.all() else torch.from_numpy(titled),
            mate_pictures=self._mate_pictures(chosen, places),
            mate_titles=self._mate_titles(chosen, places),
            categories=None if self.categories is None else torch.from_numpy(self.categories[chosen]),
        )

    def _own_pictures(self, chosen: np.ndarray, places: np.ndarray, has_picture: np.ndarray) -> torch.Tensor:
        pictured = np.flatnonzero(has_picture) if self.views.need_pictures else np.zeros(0, dtype=np.int64)
        rows = self.pairs.rows[chosen[pictured]].tolist()
        if self.cache is not None:
            return self.cache.vectors(rows)
        return self._pixels(self.source.images(rows), places[pictured], CROP)

    def _mate_titles(self, chosen: np.ndarray, places: np.ndarray) -> Stream | None:
        mates = self.pairs.title_mates
        if mates is None:
            return None
        rows = np.flatnonzero(mates.num_choices[chosen])
        drawn = [mates.draw(chosen[row], self._rng(places[row], TITLE_MATE))[0] for row in rows]
        tokens = self._tokens(np.array(drawn, dtype=np.int64), places[rows], (MATE_WORDS, MATE_TEXT))
        return Stream(inputs=tokens, rows=torch.from_numpy(rows))

    def _mate_pictures(self, chosen: np.ndarray, places: np.ndarray) -> Stream | None:
        mates = self.pairs.picture_mates
        if mates is None:
            return None
        rows = np.flatnonzero(mates.num_choices[chosen])
        drawn = [mates.draw(chosen[row], self._rng(places[row], PICTURE_MATE)) for row in rows]
        images = mate_images(self.source, self.pairs.rows, drawn)
        return Stream(inputs=self._pixels(images, places[rows], MATE_CROP), rows=torch.from_numpy(rows))

    def _pixels(self, images: Sequence[bytes | None], places: np.ndarray, draw: int) -> torch.Tensor:
        """Cropped pictures as pixels [n, 3, H, W]; one that can't be read is white."""
        pixels = []
        for image, place in zip(images, places, strict=True):
            whole = open_picture(image) or Image.new("RGB", (8, 8), "white")
            pixels.append(self.encoder.transform(changed_picture(whole, self.augmentation, self._rng(place, draw))))
        if not pixels:
            return torch.zeros(0, 3, 1, 1)
        return torch.stack(pixels).contiguous(memory_format=torch.channels_last)

    def _tokens(self, rows: np.ndarray, places: np.ndarray, draws: tuple[int, int]) -> torch.Tensor:
        """Titles of the pairs `rows` [n] as tokens [n, context_length], changed and with a draw of further fields."""
        if not self.views.extra_text and not self.augmentation.changes_titles:
            return self._title_tokens[torch.from_numpy(rows)]
        words, further = draws
        texts = []
        for row, place in zip(rows, places, strict=True):
            title, fields = self.pairs.titles[row], self.pairs.extra_texts[row]
            if self.augmentation.changes_titles:
                title = changed_title(title, self.augmentation, self._rng(place, words))
            kept = self._rng(place, further).random(len(fields)) < self.views.extra_text_share
            texts.append(" ".join([title, *(text for text, stays in zip(fields, kept, strict=True) if stays)]))
        return self.encoder.tokenize(texts) if texts else torch.zeros(0, 1, dtype=torch.long)

    def _rng(self, place: int, draw: int) -> np.random.Generator:
        """The same on whichever rank, and in a resumed run."""
        return np.random.default_rng([self.seed, int(place), draw])

    @cached_property
    def _title_tokens(self) -> torch.Tensor:
        return self.encoder.tokenize(self.pairs.titles)

    @cached_property
    def _has_title(self) -> np.ndarray:
        return self.pairs.has_title


def training_batches(
    encoder: Encoder,
    pairs: Pairs,
    source: TrainingSource,
    *,
    sampler: Sampler,
    first_position: int,
    size_at: Callable[[int], int],
    ranks: Ranks,
    augmentation: AugmentationConfig,
    views: ViewsConfig = PAIRED,
    cache: PictureCache | None = None,
    categories: np.ndarray | None = None,
) -> Generator[Batch]:
    """Endless batches after the first pairs of a run; a helper thread stays a few ahead.

    Threads do, as Pillow decodes without Python's lock; what a batch holds depends on its position and size alone.

    Args:
        encoder: Turns titles and pictures into what its towers take.
        pairs: What there is.
        source: Where pictures are read.
        sampler: The order of the pairs.
        first_position: Pairs taken before.
        size_at: Position -> size of the batch that is taken there, a multiple of the ranks.
        ranks: Each takes its own rows of a batch.
        augmentation: How pairs are changed.
        views: What is needed of each.
        cache: What the picture trunk says of each picture, where it is frozen; then no picture is read.
        categories: Number of each pair's category [P]; None = no term asks.
    """
    maker = BatchMaker(
        encoder=encoder,
        pairs=pairs,
        source=source,
        seed=sampler.seed,
        augmentation=augmentation,
        views=views,
        cache=cache,
        categories=categories,
    )

    def make(position: int, size: int) -> Batch:
        own = ranks.own_rows(size // ranks.world_size)
        return maker.make(sampler.pairs(position, size)[own], position + own.start)

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
