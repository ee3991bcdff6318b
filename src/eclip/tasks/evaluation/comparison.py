"""Two reports side by side: what the second is worse at, what better, and what of it may be chance.

Figures are compared on the same resampled products where both reports keep their draws, and by their intervals, as of
independent samples, where one of them does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from eclip.tasks.evaluation.report_metrics import explain_metric
from eclip.tasks.evaluation.verdicts import SIGNIFICANT
from eclip.tasks.intervals import draw_interval, paired_p_value
from eclip.tasks.matching.groups import NAME as MATCHING
from eclip.tasks.results import OUR_METHOD, OUR_VECTORS, PAIRS_FACT, Report, Result

COMPARED_METHODS = (OUR_METHOD, OUR_VECTORS)  # baselines tell nothing of the models
_STATUSES = ("worse", "perhaps worse", "even", "perhaps better", "better")
_EVEN = 5e-4  # as the report's tables write it, the same


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One figure in two reports."""

    first: Result
    second: Result
    difference: float
    """Second minus first."""
    low: float | None
    """Of its 95 % interval; None where it is unknown."""
    high: float | None
    p_value: float | None
    status: str
    """The second is "worse", "perhaps worse" (it may be chance), "even", "perhaps better" or "better"."""


@dataclass(frozen=True, kw_only=True)
class ReportComparison:
    """Every figure that two reports have in common, losses of the second first, and how many each has alone."""

    differences: list[Difference]
    num_only_first: int
    num_only_second: int
    remarks: list[str]

    def count(self, status: str) -> int:
        """How many differences have a status."""
        return sum(each.status == status for each in self.differences)


def compare_reports(first: Report, second: Report) -> ReportComparison:
    """Compare eclip's figures of two reports, with and without words of titles."""
    ours, theirs = _by_place(first.results), _by_place(second.results)
    differences = [_difference(ours[place], theirs[place]) for place in ours if place in theirs]
    differences.sort(key=lambda each: (_STATUSES.index(each.status), -_size(each)))
    remarks = []
    stores = {report.facts.get("store") for report in (first, second)}
    if len(stores) == 2:
        remarks.append("The reports are of different stores, so other products are judged in each.")
    pairs = [report.facts.get(PAIRS_FACT) for report in (first, second)]
    if len(stores) == 1 and pairs[0] != pairs[1] and any(each.first.task == MATCHING for each in differences):
        remarks.append(
            "Other pairs were matched in each, hard ones for its own model: compare the models with --store instead."
        )
    if any(each.p_value is not None and _unpaired(each) for each in differences):
        remarks.append(
            "At least one report came without its draws: p values take the two for independent, which is careful."
        )
    for name, report in (("A", first), ("B", second)):
        left_out = dict.fromkeys(each.task for each in report.skipped)
        if left_out:
            remarks.append(f"Left out in {name}, wholly or in part: {', '.join(left_out)}; its report says why.")
    return ReportComparison(
        differences=differences,
        num_only_first=len(ours.keys() - theirs.keys()),
        num_only_second=len(theirs.keys() - ours.keys()),
        remarks=remarks,
    )


def _by_place(results: Sequence[Result]) -> dict[tuple[str, ...], Result]:
    return {
        (result.task, result.target, result.metric, result.modality, result.method): result
        for result in results
        if result.method in COMPARED_METHODS and math.isfinite(result.value)
    }


def _difference(first: Result, second: Result) -> Difference:
    difference = second.value - first.value
    low, high, p_value = _spread(first, second, difference)
    gain = difference if explain_metric(first.metric).higher_is_better else -difference
    if abs(difference) < _EVEN:
        status = "even"
    elif p_value is not None and p_value < SIGNIFICANT:
        status = "better" if gain > 0 else "worse"
    else:
        status = "perhaps better" if gain > 0 else "perhaps worse"
    return Difference(
        first=first, second=second, difference=difference, low=low, high=high, p_value=p_value, status=status
    )


def _spread(first: Result, second: Result, difference: float) -> tuple[float | None, float | None, float | None]:
    """Interval of the difference and its p value; None where one of the figures has no interval."""
    if first.draws is not None and second.draws is not None:
        num = min(len(first.draws), len(second.draws))
        low, high = draw_interval(second.draws[:num] - first.draws[:num])
        return low, high, paired_p_value(second.draws, first.draws)
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return None, None, None
    normal = NormalDist()
    width = math.hypot(first.high - first.low, second.high - second.low) / 2
    if not width:
        return difference, difference, None
    error = width / normal.inv_cdf(0.975)
    return difference - width, difference + width, 2 * (1 - normal.cdf(abs(difference) / error))


def _unpaired(each: Difference) -> bool:
    return each.first.draws is None or each.second.draws is None


def _size(each: Difference) -> float:
    """Size of a difference for the order of the table; metrics that are no share come last."""
    return abs(each.difference) if explain_metric(each.first.metric).is_share else 0.0
