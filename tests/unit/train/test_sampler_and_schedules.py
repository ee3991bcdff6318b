"""Orders of pairs, sizes of batches and learning rates."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from eclip.train.batchsizes import BatchSizes, Growth, coupled_rate, pairs_of_steps
from eclip.train.sampler import NO_CATEGORY, Sampler, category_blocks
from eclip.train.schedules import run_progress, warmup_cosine

NUM_PAIRS = 500


def sampler(share: float, *, seed: int = 1, group_cap: int = 2) -> Sampler:
    """500 pairs, one in ten without a category, many of one loss group."""
    draw = np.random.default_rng(0)
    categories = np.where(draw.random(NUM_PAIRS) < 0.1, NO_CATEGORY, draw.integers(0, 6, NUM_PAIRS))
    return Sampler(
        categories=categories,
        groups=np.where(draw.random(NUM_PAIRS) < 0.3, 7, np.arange(1_000, 1_000 + NUM_PAIRS)),
        seed=seed,
        block_size=8,
        group_cap=group_cap,
        block_share=lambda _: share,
    )


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_every_epoch_shows_each_pair_once(share: float) -> None:
    drawn = sampler(share)
    first, second = drawn.pairs(0, NUM_PAIRS), drawn.pairs(NUM_PAIRS, NUM_PAIRS)
    assert sorted(first) == sorted(second) == list(range(NUM_PAIRS))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_position_alone_decides_what_comes_next(share: float) -> None:
    whole = sampler(share).pairs(0, 3 * NUM_PAIRS)
    resumed, position = sampler(share), 0
    for count in (16, 480, 8, 300, 696):  # across the ends of epochs, in batches of any size
        assert np.array_equal(resumed.pairs(position, count), whole[position : position + count])
        position += count
    assert not np.array_equal(sampler(share, seed=2).pairs(0, NUM_PAIRS), whole[:NUM_PAIRS])


def test_about_the_wanted_share_of_a_batch_comes_in_blocks_of_one_category() -> None:
    drawn = sampler(0.5)
    units = drawn.pairs(0, 496).reshape(-1, 8)
    alike = [len(set(drawn.categories[unit])) == 1 for unit in units]
    assert sum(alike) == 31  # half of 500 pairs in whole blocks of 8
    assert 3 < sum(alike[:16]) < 13  # spread over the epoch, not all at its start


def test_a_block_has_no_more_of_a_loss_group_than_allowed() -> None:
    for cap in (1, 2, 3):
        drawn = sampler(1.0, group_cap=cap)
        blocks = category_blocks(drawn.categories, drawn.groups, size=8, group_cap=cap)
        counts = [Counter(drawn.groups[block].tolist())[7] for block in blocks]
        assert max(counts) == cap
        assert all(len(set(drawn.categories[block])) == 1 for block in blocks)
        assert (drawn.categories[blocks] != NO_CATEGORY).all()
        assert len(np.unique(blocks)) == blocks.size


def test_one_group_alone_makes_no_block_and_a_few_are_spread_over_all() -> None:
    same = np.zeros(64, dtype=np.int64)
    assert len(category_blocks(same, same, size=8, group_cap=2)) == 0
    groups = np.r_[np.zeros(8, dtype=np.int64), np.arange(1, 57)]
    blocks = category_blocks(same, groups, size=8, group_cap=1)
    assert sorted(blocks.ravel()) == list(range(64))
    assert all((groups[block] == 0).sum() == 1 for block in blocks)


def test_the_share_may_grow_from_epoch_to_epoch() -> None:
    drawn = Sampler(
        categories=np.arange(64) % 2,
        groups=np.arange(64),
        seed=0,
        block_size=8,
        group_cap=1,
        block_share=lambda epoch: min(1.0, epoch / 2),
    )
    pure = [sum(len(set(unit % 2)) == 1 for unit in drawn.pairs(64 * epoch, 64).reshape(-1, 8)) for epoch in range(3)]
    assert pure[0] < pure[1] < pure[2] == 8


def test_batches_grow_by_steps_along_a_line_and_never_past_the_data() -> None:
    def sizes(growth: str, most: int = 10_000) -> list[int]:
        made = BatchSizes(points=[(0, 256), (0.5, 1024), (0.75, 4096)], growth=growth, multiple_of=64, most=most)
        return [made.at(progress) for progress in (0, 0.25, 0.49, 0.5, 0.75, 1.0)]

    assert sizes("steps") == [256, 256, 256, 1024, 4096, 4096]
    assert sizes("linear") == [256, 640, 960, 1024, 4096, 4096]
    assert sizes("steps", most=1000) == [256, 256, 256, 960, 960, 960]
    assert sizes("steps", most=50) == [50] * 6  # fewer pairs than a block


@pytest.mark.parametrize("growth", ["steps", "linear"])
@pytest.mark.parametrize("steps", [1, 2, 7, 40])
def test_so_many_steps_are_taken_however_batches_grow(steps: int, growth: Growth) -> None:
    sizes = BatchSizes(points=((0.0, 8), (0.3, 16), (0.5, 64)), growth=growth, multiple_of=4, most=48)
    total, taken = pairs_of_steps(sizes, steps), []
    while sum(taken) < total:
        taken.append(sizes.at(sum(taken) / total))
    assert len(taken) == steps


def test_steps_of_one_size_see_so_many_pairs() -> None:
    sizes = BatchSizes(points=((0.0, 10),), growth="steps", multiple_of=1, most=100)
    assert (pairs_of_steps(sizes, 7) - 1) // 10 == 6


def test_the_learning_rate_may_follow_the_batch() -> None:
    assert [coupled_rate(kind, 1024, base=256) for kind in ("none", "sqrt", "linear")] == [1, 2, 4]


def test_warmup_then_cosine() -> None:
    factors = [warmup_cosine(p, warmup_share=0.2) for p in (0, 0.1, 0.2, 0.6, 1.0, 1.3)]
    assert factors == pytest.approx([0, 0.5, 1, 0.5, 0, 0])


def test_progress_is_by_pairs_or_by_time_whichever_is_further() -> None:
    def progress(pairs: int, elapsed: float, budget: float | None) -> float:
        return run_progress(pairs, total_pairs=10, elapsed_seconds=elapsed, budget_seconds=budget)

    assert progress(5, 100, None) == 0.5
    assert progress(5, 90, 100) == 0.9
    assert progress(5, 10, 100) == 0.5
