"""The report's content as records: tables, verdicts, headlines and glossary, made from results alone.

No HTML and no disk here: the template only lays out what these functions return.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from eclip.tasks.evaluation.report_metrics import explain_metric, format_value
from eclip.tasks.results import MODALITIES, OUR_METHOD, OUR_VECTORS, Result

MODALITY_NAMES = {"image": "Picture", "text": "Title", "both": "Picture and title"}
METHOD_NAMES = {
    OUR_VECTORS: "eclip, vectors alone",
    "tf-idf": "TF-IDF",
    "pretrained": "Pretrained",
    "pretrained + words": "Pretrained + words",
    "clip": "Plain CLIP",
    "clip + words": "Plain CLIP + words",
    "majority": "Majority",
}
T = TypeVar("T")
K = TypeVar("K")
_EVEN = 5e-4  # values that look the same in the table are called even


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """eclip's best value of one target and metric against the best baseline's, over all modalities."""

    task: str
    target: str
    metric: str
    ours: Result | None
    baseline: Result | None
    status: str
    """"ahead", "behind", "even", or "alone" when there is nothing to compare."""
    may_be_chance: bool
    """Whether a difference is too small for the number of items judged."""
    words: str
    """The verdict as a person would say it."""
    short_in: list[str]
    """The modalities in which eclip is behind, in words, but for what `words` says already."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One value of a table as text; `best` marks the row's best values."""

    text: str
    best: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """One target and metric: the cells stand in the order of the table's columns."""

    target: str
    num_target_rows: int
    """Rows that the target's heading spans; 0 when it started further up."""
    metric: str
    cells: list[Cell]
    support: str
    comparison: Comparison


@dataclass(frozen=True, kw_only=True)
class Table:
    """One task: `groups` are the columns, methods under modalities."""

    task: str
    groups: list[tuple[str, list[str]]]
    rows: list[Row]


def method_name(method: str) -> str:
    """A method as the report writes it."""
    return METHOD_NAMES.get(method, method)


def modality_name(modality: str) -> str:
    """A modality as the report writes it."""
    return MODALITY_NAMES.get(modality, modality)


def compare(results: Sequence[Result]) -> Comparison:
    """Judge eclip against the baselines on the results of ONE target and metric.

    Best stands against best, whatever the modalities; where eclip is behind within one modality although
    not overall, that is said too.
    """
    first = results[0]
    finite = [result for result in results if math.isfinite(result.value)]
    ours, baseline = _best_pair(finite, first.metric)
    status, words = _verdict(ours, baseline)
    short_in = []
    for modality in _ordered({result.modality for result in finite}, MODALITIES):
        pair = _best_pair([result for result in finite if result.modality == modality], first.metric)
        if pair == (ours, baseline):
            continue  # the words say it already
        if pair[1] is not None and _verdict(*pair)[0] == "behind":
            short_in.append(f"behind {method_name(pair[1].method)} with {modality_name(modality).lower()}")
    return Comparison(
        task=first.task,
        target=first.target,
        metric=first.metric,
        ours=ours,
        baseline=baseline,
        status=status,
        may_be_chance=bool(ours and baseline and _is_share(ours) and may_be_chance(ours, baseline)),
        words=words,
        short_in=short_in,
    )


def compare_all(results: Iterable[Result]) -> list[Comparison]:
    """One comparison for each task, target and metric, in the order of the results."""
    return [compare(group) for group in _grouped(results, _row_key).values()]


def headlines(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """The first comparison of each task: what its card in the summary shows."""
    return [group[0] for group in _grouped(comparisons, lambda comparison: comparison.task).values()]


def task_tables(results: Iterable[Result]) -> list[Table]:
    """One table a task: rows = target and metric, columns = modality and method, eclip first."""
    return [_task_table(task, group) for task, group in _grouped(results, lambda r: r.task).items()]


def glossary(results: Iterable[Result]) -> dict[str, str]:
    """What each metric that occurs means, in the order of the results."""
    return {result.metric: explain_metric(result.metric).meaning for result in results}


def may_be_chance(first: Result, second: Result) -> bool:
    """Whether two shares lie closer than twice the standard error of their difference.

    Counted as independent samples of the smaller support, which errs on the careful side: both methods
    judged the same products. Meant for shares of items; for other metrics it is a rule of thumb.
    """
    support = max(1, min(first.support, second.support))
    variance = sum(min(max(r.value, 0.0), 1.0) * (1 - min(max(r.value, 0.0), 1.0)) for r in (first, second))
    return abs(first.value - second.value) < 2 * math.sqrt(variance / support)


def _task_table(task: str, results: Sequence[Result]) -> Table:
    columns = [
        (modality, method)
        for modality in _ordered({result.modality for result in results}, MODALITIES)
        for method in _ordered(
            {result.method for result in results if result.modality == modality},
            (OUR_METHOD, *METHOD_NAMES),
        )
    ]
    by_modality = _grouped(columns, lambda column: column[0])
    rows = []
    for target, of_target in _grouped(results, lambda r: r.target).items():
        by_metric = _grouped(of_target, lambda r: r.metric)
        for position, group in enumerate(by_metric.values()):
            rows.append(_table_row(target, 0 if position else len(by_metric), group, columns))
    return Table(
        task=task,
        groups=[
            (modality_name(modality), [method_name(method) for _, method in group])
            for modality, group in by_modality.items()
        ],
        rows=rows,
    )


def _table_row(target: str, num_target_rows: int, results: Sequence[Result], columns: Sequence[tuple[str, str]]) -> Row:
    metric = results[0].metric
    values = {(result.modality, result.method): result.value for result in results}
    finite = [value for value in values.values() if math.isfinite(value)]
    choose = max if explain_metric(metric).higher_is_better else min
    best = format_value(choose(finite), metric) if finite else None
    texts = [format_value(values.get(column, math.nan), metric) for column in columns]
    supports = sorted({result.support for result in results})
    return Row(
        target=target,
        num_target_rows=num_target_rows,
        metric=metric,
        cells=[Cell(text=text, best=text == best) for text in texts],
        support="\N{EN DASH}".join(f"{support:,}" for support in dict.fromkeys((supports[0], supports[-1]))),
        comparison=compare(results),
    )


def _best_pair(results: Sequence[Result], metric: str) -> tuple[Result | None, Result | None]:
    sign = 1 if explain_metric(metric).higher_is_better else -1

    def best(found: list[Result]) -> Result | None:
        return max(found, key=lambda result: sign * result.value, default=None)

    return (
        best([result for result in results if result.method == OUR_METHOD]),
        best([result for result in results if result.method not in (OUR_METHOD, OUR_VECTORS)]),
    )


def _verdict(ours: Result | None, baseline: Result | None) -> tuple[str, str]:
    if ours is None:
        return "alone", "eclip has no value here"
    if baseline is None:
        return "alone", "no baseline to compare with"
    explained = explain_metric(ours.metric)
    difference = (ours.value - baseline.value) * (1 if explained.higher_is_better else -1)
    rival = method_name(baseline.method)
    if abs(difference) < _EVEN:
        return "even", f"eclip and {rival} are even"
    size = f"{100 * abs(difference):.1f} points" if explained.is_share else f"{abs(difference):.3f}"
    chance = ", which may be chance" if _is_share(ours) and may_be_chance(ours, baseline) else ""
    if difference > 0:
        return "ahead", f"eclip wins by {size} over {rival}{chance}"
    return "behind", f"eclip loses by {size} to {rival}{chance}"


def _is_share(result: Result) -> bool:
    return explain_metric(result.metric).is_share


def _row_key(result: Result) -> tuple[str, str, str]:
    return result.task, result.target, result.metric


def _ordered(names: set[str], order: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


def _grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
