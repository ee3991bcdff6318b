from __future__ import annotations

import numpy as np
import pytest

from eclip.train.sampler import UniformSampler
from eclip.train.schedules import run_progress, warmup_cosine


def test_an_epoch_shows_each_pair_once():
    sampler = UniformSampler(num_pairs=12, batch_size=4, seed=3)
    epoch = np.concatenate([sampler.batch(step) for step in range(3)])
    assert sorted(epoch) == list(range(12))
    assert not np.array_equal(epoch, np.concatenate([sampler.batch(step) for step in range(3, 6)]))


def test_a_step_alone_decides_its_batch():
    first = UniformSampler(num_pairs=50, batch_size=8, seed=1)
    second = UniformSampler(num_pairs=50, batch_size=8, seed=1)
    assert np.array_equal(first.batch(17), second.batch(17))
    assert not np.array_equal(first.batch(17), UniformSampler(num_pairs=50, batch_size=8, seed=2).batch(17))


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match="batch_size = 9"):
        UniformSampler(num_pairs=8, batch_size=9, seed=0)


def test_warmup_then_cosine():
    factors = [warmup_cosine(p, warmup_share=0.2) for p in (0, 0.1, 0.2, 0.6, 1.0, 1.3)]
    assert factors == pytest.approx([0, 0.5, 1, 0.5, 0, 0])


def test_progress_is_by_steps_or_by_time_whichever_is_further():
    def progress(step: int, elapsed: float, budget: float | None) -> float:
        return run_progress(step, total_steps=10, elapsed_seconds=elapsed, budget_seconds=budget)

    assert progress(5, 100, None) == 0.5
    assert progress(5, 90, 100) == 0.9
    assert progress(5, 10, 100) == 0.5
