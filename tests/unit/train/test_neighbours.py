"""Blocks of the model's own neighbours: whole, capped, nearer than chance, and the same for a resumed run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from eclip.errors import CheckpointError, ConfigError
from eclip.products.store import Store
from eclip.schema import MODEL_WEIGHTS
from eclip.train.batchsizes import BatchConfig
from eclip.train.checkpoint import CheckpointConfig
from eclip.train.config import TrainConfig
from eclip.train.loop import TrainingLoop
from eclip.train.neighbours import BLOCKS_TOGETHER, Neighbourhoods, neighbourhoods
from eclip.train.ranks import Ranks
from eclip.train.sampler import NO_CATEGORY, BlockConfig, Sampler
from eclip.train.trainer import train_model

NUM_PAIRS, SIZE = 403, 8
CONFIG = TrainConfig(
    encoder="tiny",
    image_size=16,
    batch=BatchConfig(size=16),
    checkpoints=CheckpointConfig(every_seconds=0.0),
    blocks=BlockConfig(share=1.0, size=4, neighbours_every=1),
)


def drawn() -> tuple[np.ndarray, np.ndarray]:
    """403 pairs around 20 centres, a large group, a few pairs without a vector."""
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(20, 16))[draw.integers(20, size=NUM_PAIRS)] + 0.3 * draw.normal(size=(NUM_PAIRS, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    vectors[:3] = np.nan
    groups = np.arange(1_000, 1_000 + NUM_PAIRS)
    groups[10:60] = 7
    vectors[10:60] = vectors[10]
    return vectors, groups


def cut(*, group_cap: int = 2, seed: int = 1) -> np.ndarray:
    vectors, groups = drawn()
    return neighbourhoods(vectors, groups, block_size=SIZE, group_cap=group_cap, draw=np.random.default_rng(seed))


def test_neighbourhoods_are_whole_blocks_of_all_pairs_that_may_take_part() -> None:
    numbers = cut()
    assert (numbers[:3] == NO_CATEGORY).all()
    assert (numbers[10:60] != NO_CATEGORY).sum() == 2
    assert (np.delete(numbers, range(60))[3:] != NO_CATEGORY).all()
    sizes = sorted(Counter(numbers[numbers != NO_CATEGORY].tolist()).values())
    assert sum(size % SIZE != 0 for size in sizes) <= 1
    assert 2 * SIZE <= sizes[0] <= sizes[-1] < (BLOCKS_TOGETHER + 1) * SIZE
    assert np.array_equal(numbers, cut())
    assert not np.array_equal(numbers, cut(seed=2))


def test_members_are_nearly_as_near_as_the_very_nearest_and_far_nearer_than_strangers() -> None:
    vectors, groups = drawn()
    numbers = cut()
    inside = np.flatnonzero(numbers != NO_CATEGORY)
    cosines = vectors[inside] @ vectors[inside].T
    cosines[groups[inside][:, None] == groups[inside]] = -1  # by brute force: nearest of other groups
    same = numbers[inside][:, None] == numbers[inside]
    np.fill_diagonal(same, val=False)
    within = cosines[same].mean()
    best = np.mean([np.sort(row)[::-1][: int(mates.sum())].mean() for row, mates in zip(cosines, same, strict=True)])
    chance = cosines[cosines > -1].mean()
    assert within > chance + 0.7 * (best - chance)


@pytest.mark.parametrize("cap", [1, 2])
def test_an_epoch_of_neighbour_blocks_shows_each_pair_once_and_keeps_the_cap(cap: int, tmp_path: Path) -> None:
    _, groups = drawn()
    neighbours = Neighbourhoods(
        every=2, num_pairs=NUM_PAIRS, run=tmp_path, identity="a", find=lambda _: cut(group_cap=cap), ranks=Ranks()
    )
    sampler = Sampler(
        categories=np.full(NUM_PAIRS, NO_CATEGORY),
        groups=groups,
        seed=0,
        block_size=SIZE,
        group_cap=cap,
        block_share=lambda _: 1.0,
        neighbours=neighbours,
    )
    assert sampler.knows(0, 2 * NUM_PAIRS)
    assert not sampler.knows(2 * NUM_PAIRS - 1, 2)
    sampler.prepare(2 * NUM_PAIRS - 1, 2)
    assert sampler.knows(2 * NUM_PAIRS, 2 * NUM_PAIRS)
    assert not sampler.knows(4 * NUM_PAIRS, 1)
    for epoch in (2, 3):
        order = sampler.pairs(epoch * NUM_PAIRS, NUM_PAIRS)
        assert sorted(order) == list(range(NUM_PAIRS))
        numbers = neighbours.of_epoch(epoch)[order[: NUM_PAIRS // SIZE * SIZE].reshape(-1, SIZE)]
        blocks = order[: NUM_PAIRS // SIZE * SIZE].reshape(-1, SIZE)[
            (numbers == numbers[:, :1]).all(axis=1) & (numbers[:, 0] != NO_CATEGORY)
        ]
        assert blocks.size > 0.8 * (NUM_PAIRS - 51)
        assert all((groups[block] == 7).sum() <= cap for block in blocks)


def test_what_was_found_is_read_again_and_never_made_up(tmp_path: Path) -> None:
    found = []

    def made(identity: str) -> Neighbourhoods:
        def find(epoch: int) -> np.ndarray:
            found.append(epoch)
            return np.arange(6) + epoch

        return Neighbourhoods(every=2, num_pairs=6, run=tmp_path, identity=identity, find=find, ranks=Ranks())

    made("a").learn(2, 12)
    again = made("a")
    again.learn(3, 20)
    assert again.of_epoch(3).tolist() == [2, 3, 4, 5, 6, 7]
    assert again.of_epoch(1) is None
    assert found == [2]
    made("b").learn(2, 11)  # of another run, and this model is where it must be
    assert found == [2, 2]
    made("b").learn(2, 12)  # gone back to a checkpoint before: what a later model has found does not count
    assert found == [2, 2, 2]
    with pytest.raises(CheckpointError, match=r"neighbours-0002\.safetensors is missing, damaged or of another run"):
        made("a").learn(2, 13)
    (tmp_path / "neighbours-0002.safetensors").write_bytes(b"broken")
    with pytest.raises(CheckpointError, match="damaged"):
        made("b").learn(3, 18)


def test_neighbours_need_blocks() -> None:
    with pytest.raises(ConfigError, match=r"neighbours_every needs blocks\.share above 0"):
        BlockConfig(neighbours_every=2)
    with pytest.raises(ConfigError, match=r"blocks\.neighbours_of = 'image': expected one of product, text"):
        BlockConfig(share=0.5, neighbours_every=2, neighbours_of="image")


@pytest.mark.slow
@pytest.mark.parametrize(("neighbours_of", "stops"), [("product", (2, 5)), ("text", (6,))])
def test_a_run_with_neighbours_resumes_to_the_bit(
    plain_store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    neighbours_of: str,
    stops: tuple[int, ...],
) -> None:
    config = CONFIG.changed({"blocks.neighbours_of": neighbours_of})
    train_model(plain_store, tmp_path / "undisturbed", config, total_steps=8)
    real = TrainingLoop._step
    for stop in stops:

        def until(self, batch, share, stop=stop):
            if self.progress.step == stop:
                raise InterruptedError
            return real(self, batch, share)

        with monkeypatch.context() as patched:
            patched.setattr(TrainingLoop, "_step", until)
            with pytest.raises(InterruptedError):
                train_model(plain_store, tmp_path / "resumed", config, total_steps=8)
    train_model(plain_store, tmp_path / "resumed", config, total_steps=8)
    expected, found = (load_file(tmp_path / name / MODEL_WEIGHTS) for name in ("undisturbed", "resumed"))
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    first, second = (
        sorted(path.name for path in (tmp_path / name / "run").glob("neighbours-*"))
        for name in ("undisturbed", "resumed")
    )
    assert first == second
    assert len(first) >= 2
    train_model(plain_store, tmp_path / "resumed", config.changed({"seed": 1}), total_steps=2)
    assert not list((tmp_path / "resumed" / "run").glob("neighbours-*"))  # of another run
