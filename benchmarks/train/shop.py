"""Pairs that the benchmarks of training are run on: of a store, or of a sample shop drawn for the purpose."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from eclip.model.encoder import Encoder
from eclip.products.store import Store
from eclip.train.batches import Batch, training_batches
from eclip.train.config import TrainConfig
from eclip.train.loop import make_sampler
from eclip.train.pairs import Pairs, read_training_pairs
from eclip.train.ranks import Ranks

MOST_PAIRS = 4_096


def open_shop(place: Path | None, scratch: Path, *, products: int = 2_000) -> tuple[Store, Pairs]:
    """The store there, or one of a sample shop; and some of its training pairs."""
    if place is None:
        place = scratch / "store"
        for arguments in (
            ["sample", str(scratch / "shop"), "--products", str(products)],
            ["prepare", str(scratch / "shop" / "feed.csv"), "--store", str(place)],
        ):
            subprocess.run([sys.executable, "-m", "eclip", *arguments], check=True, stderr=subprocess.DEVNULL)
    store = Store.open(place)
    pairs = read_training_pairs(store)
    some = np.sort(np.random.default_rng(0).permutation(len(pairs))[:MOST_PAIRS])
    fields = {name: values[some] for name, values in vars(pairs).items() if isinstance(values, np.ndarray)}
    lists = {name: [values[i] for i in some] for name, values in vars(pairs).items() if isinstance(values, list)}
    return store, Pairs(**fields, **lists)


def first_batch(encoder: Encoder, store: Store, pairs: Pairs, config: TrainConfig, size: int) -> Batch:
    """The first batch of a run, read, cropped and tokenized as a run does it."""
    batches = training_batches(
        encoder,
        pairs,
        store,
        sampler=make_sampler(pairs, config),
        first_position=0,
        size_at=lambda _: size,
        ranks=Ranks(),
        augmentation=config.augmentation,
    )
    with closing(batches):
        return next(batches)


def save_batch(batch: Batch, path: Path) -> None:
    """Keep a batch for another process."""
    save_file({name: value.contiguous() for name, value in vars(batch).items() if value is not None}, path)


def load_batch(path: Path) -> Batch:
    """The batch kept there."""
    tensors = load_file(path)
    return Batch(**{**tensors, "pixels": tensors["pixels"].contiguous(memory_format=torch.channels_last)})
