"""Several fits of one model: mean, spread, and the interval of the mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eclip.metrics import mean
from eclip.tasks.adult.results import false_positives_per_10k
from eclip.tasks.evaluation import seeds
from eclip.tasks.evaluation.evaluate import evaluate_tasks
from eclip.tasks.evaluation.seeds import evaluate_with_seeds, mean_results
from eclip.tasks.fit import fit_tasks
from eclip.tasks.intervals import estimate
from eclip.tasks.results import Report, Result, results_of


def measured(share: float, seed: int) -> Result:
    hits = np.random.default_rng(seed).random(200) < share
    place = {"task": "adult", "target": "adult", "modality": "text", "method": "eclip"}
    return results_of({"accuracy": estimate(mean, hits, buckets=np.arange(200))}, **place)[0]


def test_mean_and_spread_by_hand():
    runs = [[measured(0.7, seed)] for seed in range(4)]
    values = [run[0].value for run in runs]
    (found,) = mean_results(runs)
    assert found.value == pytest.approx(np.mean(values))
    assert found.spread == pytest.approx(np.std(values, ddof=1))
    assert found.num_seeds == 4
    # Four independent halves of luck: the mean is twice as sure as one.
    one = runs[0][0]
    assert (found.high - found.low) / (one.high - one.low) == pytest.approx(0.5, rel=0.2)
    assert mean_results(runs[:1]) == runs[0]


def test_a_figure_that_is_no_share_keeps_its_interval():
    """False positives per 10,000 lie far above 1, and so does what they may be."""
    place = {"task": "adult", "target": "adult", "modality": "text", "method": "eclip"}
    truth = np.arange(400) < 50
    runs = []
    for seed in range(2):
        answered = np.random.default_rng(seed).random(400) < 0.1
        found = estimate(false_positives_per_10k, truth, answered, buckets=np.arange(400))
        runs.append(results_of({"false positives per 10,000": found}, **place))
    (mean_of_runs,) = mean_results(runs)
    assert 500 < mean_of_runs.low < mean_of_runs.value < mean_of_runs.high < 1500


def test_a_figure_that_one_run_lacks_is_the_mean_of_the_others():
    first, second = measured(0.7, 0), measured(0.7, 1)
    other = replace(first, metric="F1")
    found = mean_results([[first, other], [second]])
    assert [(each.metric, each.num_seeds) for each in found] == [("accuracy", 2), ("F1", 1)]
    assert found[1].spread is None
    bare = mean_results([[first], [replace(second, draws=None)]])[0]
    assert (bare.low, bare.draws) == (None, None)


@pytest.mark.slow
def test_other_fits_differ_in_their_seeds_alone(catalogue, tmp_path, monkeypatch):
    """What the user gave `eclip fit` is given again: a mean over fits of other methods would tell nothing."""
    given = {"kinds": ("mlp",), "leaves": [("wear", "sock")]}
    fit_tasks(catalogue, tmp_path, tasks=["category"], seed=0, **given)
    fit_tasks(catalogue, tmp_path, tasks=["adult"], seed=0)
    asked = []
    monkeypatch.setattr(seeds, "fit_tasks", lambda *_, **settings: asked.append(settings))
    monkeypatch.setattr(seeds, "evaluate_tasks", lambda *_, **__: Report())
    known = {"titles": object(), "encode_text": object()}
    evaluate_with_seeds(catalogue, tmp_path, pretrained=None, clip=None, seed=0, num_seeds=2, **known)
    assert asked == [
        {"tasks": ["category"], "kinds": ("mlp",), "leaves": (("wear", "sock"),), "seed": 1, **known},
        {"tasks": ["adult"], "kinds": ("linear",), "leaves": (), "seed": 1, **known},
    ]


@pytest.mark.slow
def test_evaluating_with_seeds_fits_anew(catalogue, tmp_path):
    fit_tasks(catalogue, tmp_path, tasks=["adult"], seed=0)
    one = evaluate_tasks(catalogue, tmp_path, seed=0)
    two = evaluate_with_seeds(catalogue, tmp_path, pretrained=None, clip=None, seed=0, num_seeds=2)
    assert len(two.results) == len(one.results)
    assert {r.num_seeds for r in two.results} == {2}
    assert two.facts["seeds of fitting"] == "0 to 1"
    assert {each.task for each in two.results} == {"adult", "retrieval"}
