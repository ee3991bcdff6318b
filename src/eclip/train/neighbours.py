"""Hard negatives that the model names itself: pairs that it finds alike stand together in a batch.

Every few epochs all pairs are encoded with the model as it is, and cut into neighbourhoods of equal size; these then
take the place of categories in the sampler's blocks. Nothing in them is random to a resumed run: what an epoch found is
kept beside the checkpoint, as the model that found it is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from eclip.console import say
from eclip.errors import CheckpointError
from eclip.files import replace_file_by_library
from eclip.model.encoder import Encoder, product_vectors
from eclip.train.pairs import Pairs, TrainingSource
from eclip.train.picturecache import PictureCache, cached_vectors
from eclip.train.ranks import Ranks
from eclip.train.sampler import NO_CATEGORY, BlockConfig

BLOCKS_TOGETHER = 4  # of a neighbourhood at most: its pairs meet others of it in each epoch
ROUNDS = 4  # of moving the two centres of a cut; more change little
PICTURES_READ_AT_ONCE = 1_024
_NAME = "neighbours-{epoch:04d}.safetensors"


@dataclass(kw_only=True)
class Neighbourhoods:
    """Neighbourhoods of all pairs by epoch, found when an epoch begins and read again by a resumed run.

    Attributes:
        every: Epochs between finding them; the first so many epochs have none.
        num_pairs: P.
        run: Folder of the run.
        identity: What they are of: pairs, and how blocks are made.
        find: Epoch -> number of each pair's neighbourhood [P], by the model as it is now; called on all ranks at once.
        ranks: Who trains along.
    """

    every: int
    num_pairs: int
    run: Path
    identity: str
    find: Callable[[int], np.ndarray]
    ranks: Ranks
    _known: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    def are_known(self, epoch: int) -> bool:
        """Whether an epoch's blocks can be made."""
        return epoch < self.every or self._found_at(epoch) in self._known

    def of_epoch(self, epoch: int) -> np.ndarray | None:
        """Number of each pair's neighbourhood [P], `NO_CATEGORY` for none; None where categories still decide."""
        return None if epoch < self.every else self._known[self._found_at(epoch)]

    def learn(self, epoch: int, position: int) -> None:
        """Find an epoch's neighbourhoods, or read those that were found; all ranks come here between the same steps.

        They are found wherever the model has not gone past the place: a file may be there of a run that went back.

        Args:
            epoch: From 0.
            position: Pairs that the model has seen.

        Raises:
            CheckpointError: They were found by a model that is gone, and their file is missing or damaged.
        """
        if self.are_known(epoch):
            return
        found_at = self._found_at(epoch)
        path = self.run / _NAME.format(epoch=found_at)
        is_past = position > found_at * self.num_pairs
        numbers = self._read(path) if is_past else None
        # All do what the first one can: ranks may not see a file at the same time.
        if self.ranks.told_by_first([float(numbers is None)])[0]:
            if is_past:
                raise CheckpointError(
                    f"{path} is missing, damaged or of another run, and the model that found these neighbours is gone; "
                    f"put it back, or delete {self.run} to start anew"
                )
            numbers = self.find(found_at)
            if self.ranks.is_first:
                with replace_file_by_library(path) as aside:
                    save_file({"neighbourhoods": numbers.astype(np.int32)}, aside, metadata={"of": self.identity})
        told = self.ranks.told_by_first([0.0] * self.num_pairs if numbers is None else numbers.tolist())
        for old in [each for each in self._known if each < found_at - self.every]:
            del self._known[old]
        self._known[found_at] = np.asarray(told, dtype=np.int64)

    def _found_at(self, epoch: int) -> int:
        return epoch // self.every * self.every

    def _read(self, path: Path) -> np.ndarray | None:
        """What a file holds; None where it is missing, damaged or of something else."""
        try:
            with safe_open(path, framework="np") as file:
                numbers = file.get_tensor("neighbourhoods")
                fits = (file.metadata() or {}).get("of") == self.identity and numbers.shape == (self.num_pairs,)
        except (OSError, SafetensorError):
            return None
        return numbers if fits else None


def forget_neighbours(run: Path) -> None:
    """Remove what an earlier run in this folder has found."""
    for path in run.glob(_NAME.format(epoch=0).replace("0000", "*")):
        path.unlink()


def model_neighbours(
    encoder: Encoder,
    store: TrainingSource,
    pairs: Pairs,
    config: BlockConfig,
    *,
    seed: int,
    ranks: Ranks,
    cache: Callable[[], PictureCache | None] = lambda: None,
) -> Callable[[int], np.ndarray]:
    """How a run finds neighbourhoods: all pairs through the model, a share on each rank; the first one cuts.

    `cache` gives what a frozen picture trunk says of them, once that is known.
    """

    def find(epoch: int) -> np.ndarray:
        started = time.monotonic()
        vectors = encode_pairs(
            encoder, store, pairs, ranks, with_pictures=config.neighbours_of == "product", cache=cache()
        )
        encoded = time.monotonic()
        if not ranks.is_first:
            return np.zeros(len(pairs), dtype=np.int64)
        numbers = neighbourhoods(
            vectors,
            pairs.groups,
            block_size=config.size,
            group_cap=config.group_cap,
            draw=np.random.default_rng([seed, epoch, 2]),
        )
        say(
            f"epoch {epoch}: neighbours of {len(pairs):,} pairs found, {encoded - started:.1f} s to encode them, "
            f"{time.monotonic() - encoded:.1f} s to cut"
        )
        return numbers

    return find


def encode_pairs(
    encoder: Encoder,
    store: TrainingSource,
    pairs: Pairs,
    ranks: Ranks,
    *,
    with_pictures: bool,
    cache: PictureCache | None = None,
) -> np.ndarray:
    """Vectors of all pairs [P, D], each rank its share; of products, or of titles alone, which costs far less."""
    share = -(-len(pairs) // ranks.world_size)
    own = range(len(pairs))[ranks.own_rows(share)]
    vectors = np.full((share, encoder.embed_dim), np.nan, dtype=np.float32)
    for start in range(0, len(own), PICTURES_READ_AT_ONCE):
        some = own[start : start + PICTURES_READ_AT_ONCE]
        titles = [pairs.titles[row] for row in some]
        place = slice(start, start + len(some))
        if with_pictures and cache is not None:
            images = cached_vectors(encoder, cache, pairs.rows[some])
            vectors[place] = product_vectors(images, encoder.encode_text(titles))
        elif with_pictures:
            vectors[place] = encoder.encode_products(titles, store.images(pairs.rows[some].tolist())).product
        else:
            vectors[place] = encoder.encode_text(titles)
    gathered = ranks.gather(torch.from_numpy(vectors).to(encoder.device))
    return np.asarray(gathered.cpu().numpy()[: len(pairs)])


def neighbourhoods(
    vectors: np.ndarray, groups: np.ndarray, *, block_size: int, group_cap: int, draw: np.random.Generator
) -> np.ndarray:
    """Cut pairs into neighbourhoods of a few blocks each: [P, D] and [P] -> numbers [P].

    Pairs of one loss group are each other's nearest and no negatives: at most `group_cap` of a group take part. The
    rest, and pairs without a vector, have `NO_CATEGORY`. All neighbourhoods but one are whole numbers of blocks.

    Args:
        vectors: Unit rows; NaN rows = none.
        groups: Loss groups.
        block_size: Pairs in a block.
        group_cap: Most pairs of one loss group in a block, hence in a neighbourhood.
        draw: Decides who of a large group takes part, and where cuts begin.
    """
    shuffled = draw.permutation(len(groups))
    shuffled = shuffled[~np.isnan(vectors[shuffled, 0])]
    by_group = shuffled[np.argsort(groups[shuffled], kind="stable")]
    starts = np.flatnonzero(np.r_[True, np.diff(groups[by_group]) != 0]) if len(by_group) else np.zeros(0, dtype=int)
    place = np.arange(len(by_group)) - np.repeat(starts, np.diff(np.r_[starts, len(by_group)]))
    numbers = np.full(len(groups), NO_CATEGORY, dtype=np.int64)
    waiting, count = [by_group[place < group_cap]], 0
    while waiting:
        rows = waiting.pop()
        num_blocks = len(rows) // block_size
        if num_blocks <= BLOCKS_TOGETHER:
            numbers[rows], count = count, count + 1
            continue
        order = rows[_along_a_cut(vectors[rows], num_blocks // 2 * block_size, draw)]
        waiting += [order[: num_blocks // 2 * block_size], order[num_blocks // 2 * block_size :]]
    return numbers


def _along_a_cut(vectors: np.ndarray, cut: int, draw: np.random.Generator) -> np.ndarray:
    """Order rows [n, D] so that the first `cut` and the rest are two clusters: 2-means with sizes held fixed."""
    one = vectors[draw.integers(len(vectors))]
    direction = one - vectors[np.argmin(vectors @ one)]
    for _ in range(ROUNDS):
        order = np.argsort(vectors @ direction, kind="stable")
        direction = vectors[order[cut:]].mean(axis=0) - vectors[order[:cut]].mean(axis=0)
    return np.argsort(vectors @ direction, kind="stable")
