"""The report's content as records: tables, verdicts, headlines and glossary, made from results alone.

No HTML and no disk here: the template only lays out what these functions return.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eclip.tasks.evaluation.report_metrics import explain_metric, format_interval, format_spread, format_value
from eclip.tasks.evaluation.verdicts import (
    METHOD_NAMES,
    SIGNIFICANT,
    Comparison,
    compare,
    grouped,
    method_name,
    modality_name,
    ordered,
    p_value,
)
from eclip.tasks.results import MODALITIES, OUR_METHOD, OUR_VECTORS, Result

MAX_ROWS = 14  # of a table that is shown whole at once


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One value of a table as text; `best` marks the row's best values."""

    text: str
    best: bool
    below: str = ""
    """The interval, and the spread over fits, where they are known."""
    mark: str = ""
    """Of eclip's own values: * where the difference from the best baseline is significant at 5 %, ** at 1 %."""


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
    has_intervals: bool
    has_spreads: bool


def task_tables(results: Iterable[Result]) -> list[Table]:
    """One table a task: rows = target and metric, columns = modality and method, eclip first."""
    return [_task_table(task, group) for task, group in grouped(results, lambda r: r.task).items()]


def first_metrics(results: Sequence[Result]) -> list[Result]:
    """The results of each target's first metric: what a table shows at once when it would be too long."""
    first: dict[tuple[str, str], str] = {}
    for result in results:
        first.setdefault((result.task, result.target), result.metric)
    return [result for result in results if first[result.task, result.target] == result.metric]


def glossary(results: Iterable[Result]) -> dict[str, str]:
    """What each metric that occurs means, in the order of the results."""
    return {result.metric: explain_metric(result.metric).meaning for result in results}


def _task_table(task: str, results: Sequence[Result]) -> Table:
    columns = [
        (modality, method)
        for modality in ordered({result.modality for result in results}, MODALITIES)
        for method in ordered(
            {result.method for result in results if result.modality == modality},
            (OUR_METHOD, *METHOD_NAMES),
        )
    ]
    by_modality = grouped(columns, lambda column: column[0])
    rows = []
    for target, of_target in grouped(results, lambda r: r.target).items():
        by_metric = grouped(of_target, lambda r: r.metric)
        for position, group in enumerate(by_metric.values()):
            rows.append(_table_row(target, 0 if position else len(by_metric), group, columns))
    return Table(
        task=task,
        groups=[
            (modality_name(modality), [method_name(method) for _, method in group])
            for modality, group in by_modality.items()
        ],
        rows=rows,
        has_intervals=any(result.low is not None for result in results),
        has_spreads=any(result.spread is not None for result in results),
    )


def _table_row(target: str, num_target_rows: int, results: Sequence[Result], columns: Sequence[tuple[str, str]]) -> Row:
    metric = results[0].metric
    found = {(result.modality, result.method): result for result in results}
    finite = [result.value for result in results if math.isfinite(result.value)]
    comparison = compare(results)
    choose = max if explain_metric(metric).higher_is_better else min
    best = format_value(choose(finite), metric) if finite else None
    return Row(
        target=target,
        num_target_rows=num_target_rows,
        metric=metric,
        cells=[_cell(found.get(column), metric, best, comparison.baseline) for column in columns],
        support=_support(results),
        comparison=comparison,
    )


def _cell(result: Result | None, metric: str, best: str | None, baseline: Result | None) -> Cell:
    if result is None:
        return Cell(text=format_value(math.nan, metric), best=False)
    text = format_value(result.value, metric)
    below = [format_interval(result.low, result.high, metric), format_spread(result.spread, metric)]
    difference = p_value(result, baseline) if result.method in (OUR_METHOD, OUR_VECTORS) else None
    mark = "" if difference is None or difference >= SIGNIFICANT else "**" if difference < 0.01 else "*"
    return Cell(text=text, best=text == best, below=" ".join(filter(None, below)), mark=mark)


def _support(results: Sequence[Result]) -> str:
    """How many items were judged, from the fewest to the most; a sample says of how many."""
    supports = sorted({result.support for result in results})
    text = "\N{EN DASH}".join(f"{support:,}" for support in dict.fromkeys((supports[0], supports[-1])))
    drawn_from = max((result.drawn_from or 0 for result in results), default=0)
    return f"{text} of {drawn_from:,}" if drawn_from else text
