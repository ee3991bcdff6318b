"""Find and read neighbourhoods on every rank, and compare them with those of one process: run by the tests on each."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image

from eclip.model.presets import tiny
from eclip.products.store import Store
from eclip.train.neighbours import Neighbourhoods, encode_pairs, model_neighbours
from eclip.train.pairs import Pairs
from eclip.train.ranks import Ranks, joined_ranks
from eclip.train.sampler import BlockConfig

NUM_PAIRS = 37  # uneven over two ranks


class Pictures:
    """As much of a store as is asked for."""

    def images(self, rows: Sequence[int]) -> list[bytes]:
        encoded = []
        for row in rows:
            buffer = io.BytesIO()
            Image.fromarray(np.random.default_rng(row).integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(
                buffer, "PNG"
            )
            encoded.append(buffer.getvalue())
        return encoded


def main(run: Path) -> None:
    """All ranks know what one process would have found; a second look reads the file."""
    torch.manual_seed(0)
    pairs = Pairs(
        rows=np.arange(NUM_PAIRS),
        titles=[f"title {row} of {row % 5}" for row in range(NUM_PAIRS)],
        groups=np.arange(NUM_PAIRS) // 2,
        weights=np.ones(NUM_PAIRS),
        categories=[()] * NUM_PAIRS,
        has_picture=np.ones(NUM_PAIRS, dtype=bool),
        extra_texts=[()] * NUM_PAIRS,
    )
    encoder, store, config = (
        tiny(pairs.titles, image_size=16),
        cast("Store", Pictures()),
        BlockConfig(share=1.0, size=3),
    )
    with joined_ranks() as ranks:
        for with_pictures in (True, False):
            alone = encode_pairs(encoder, store, pairs, Ranks(), with_pictures=with_pictures)
            together = encode_pairs(encoder, store, pairs, ranks, with_pictures=with_pictures)
            np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)

        def made(found_by: Ranks) -> Neighbourhoods:
            find = model_neighbours(encoder, store, pairs, config, seed=0, ranks=found_by)
            return Neighbourhoods(every=1, num_pairs=NUM_PAIRS, run=run, identity="a", find=find, ranks=found_by)

        first, again = made(ranks), made(ranks)
        first.learn(1, NUM_PAIRS)
        again.learn(1, NUM_PAIRS + 5)
        np.testing.assert_array_equal(first.of_epoch(1), again.of_epoch(1))
        np.testing.assert_array_equal(first.of_epoch(1), made(Ranks()).find(1))
        assert len(np.unique(first.of_epoch(1))) > 2


if __name__ == "__main__":
    main(Path(sys.argv[1]))
