"""The same evaluation over several fits: how much of a figure is the luck of one seed."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eclip.tasks.attributes.extraction import TitleSource
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.category.names import EncodeText
from eclip.tasks.evaluation.evaluate import evaluate_tasks
from eclip.tasks.evaluation.verdicts import grouped
from eclip.tasks.fit import LINEAR, fit_tasks
from eclip.tasks.heads.linear import HeadKind
from eclip.tasks.intervals import draw_interval
from eclip.tasks.results import Report, Result
from eclip.tasks.taskfiles import TASK_FILE, TASKS, read_task


def evaluate_with_seeds(
    catalogue: Catalogue,
    folder: Path,
    *,
    pretrained: Catalogue | None,
    clip: Catalogue | None,
    seed: int,
    num_seeds: int,
    titles: TitleSource | None = None,
    encode_text: EncodeText | None = None,
) -> Report:
    """`evaluate_tasks`, and with more than one seed the mean of that and of fits with the seeds after it.

    The first report's curves and galleries are kept. The encoder itself is one: its own seed is that of `eclip train`.

    Args:
        catalogue: As there.
        folder: As there; tasks that are not fitted in it are not fitted for other seeds either.
        pretrained: As there.
        clip: As there.
        seed: Of the first.
        num_seeds: How many.
        titles: What `fit_tasks` was given: the other fits must differ in their seeds alone. None = values in titles are
            neither learned nor measured.
        encode_text: Likewise; kinds of heads and given categories are read in the folder.
    """
    measured = functools.partial(evaluate_tasks, catalogue, pretrained=pretrained, clip=clip, titles=titles)
    reports = [measured(folder, seed=seed)]
    tasks = [task for task in TASKS if (folder / task / TASK_FILE).is_file()]
    settings = grouped(tasks, lambda task: _settings(read_task(folder / task, catalogue.model_digest)))
    for other in range(seed + 1, seed + num_seeds):
        with tempfile.TemporaryDirectory() as room:
            for (kinds, leaves), alike in settings.items():
                fit_tasks(
                    catalogue,
                    Path(room),
                    tasks=alike,
                    titles=titles,
                    seed=other,
                    leaves=leaves,
                    encode_text=encode_text,
                    kinds=kinds,
                )
            reports.append(measured(Path(room), seed=other))
    if num_seeds > 1:
        reports[0].facts["seeds of fitting"] = f"{seed} to {seed + num_seeds - 1}"
    return replace(reports[0], results=mean_results([report.results for report in reports]))


def _settings(content: Mapping[str, Any]) -> tuple[tuple[HeadKind, ...], tuple[tuple[str, ...], ...]]:
    """Kinds of heads and further categories that a task was fitted with."""
    return tuple(content.get("kinds", LINEAR)), tuple(tuple(path) for path in content.get("leaves", ()))


def mean_results(runs: Sequence[Sequence[Result]]) -> list[Result]:
    """One result for each figure of the first run: the mean over the runs that have it, and its spread.

    Its interval is that of the mean: each resample of products is averaged over the runs.
    """
    if len(runs) == 1:
        return list(runs[0])
    found = grouped((result for run in runs for result in run), _place)
    return [_mean_result(found[_place(result)]) for result in runs[0]]


def _place(result: Result) -> tuple[str, ...]:
    return result.task, result.target, result.metric, result.modality, result.method


def _mean_result(results: Sequence[Result]) -> Result:
    values = np.array([result.value for result in results])
    draws = [result.draws for result in results if result.draws is not None]
    mean = replace(
        results[0],
        value=float(values.mean()),
        num_seeds=len(results),
        spread=float(values.std(ddof=1)) if len(values) > 1 else None,
    )
    if len(draws) < len(results):
        return replace(mean, low=None, high=None, draws=None)
    # All right or all wrong in each run: the resamples do not differ, and the exact bounds stay.
    averaged = np.mean([each[: min(map(len, draws))] for each in draws], axis=0)
    if not np.nanstd(averaged):
        return replace(mean, draws=averaged)
    low, high = draw_interval(averaged)
    # Bounds of a share, where no run leaves them: an ARI may fall below 0, a count per 10,000 rise above 1.
    low = max(low, 0.0) if min(each.low or 0.0 for each in results) >= 0 else low
    high = min(high, 1.0) if max(each.high or 0.0 for each in results) <= 1 else high
    return replace(mean, low=min(low, mean.value), high=max(high, mean.value), draws=averaged)
