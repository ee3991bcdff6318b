"""Who wins: eclip's best value against the best baseline's, and whether that may be chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from eclip.tasks.evaluation.report_metrics import explain_metric
from eclip.tasks.intervals import MIN_GROUPS, paired_p_value
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
SIGNIFICANT = 0.05
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
    p_value: float | None
    """Of the difference, from resampled products; None where they are unknown."""
    words: str
    """The verdict as a person would say it."""
    short_in: list[str]
    """The modalities in which eclip is behind, in words, but for what `words` says already."""


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
    for modality in ordered({result.modality for result in finite}, MODALITIES):
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
        may_be_chance=bool(ours and baseline and may_be_chance(ours, baseline)),
        p_value=p_value(ours, baseline),
        words=words,
        short_in=short_in,
    )


def compare_all(results: Iterable[Result]) -> list[Comparison]:
    """One comparison for each task, target and metric, in the order of the results."""
    return [compare(group) for group in grouped(results, row_key).values()]


def headlines(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """The first comparison of each task: what its card in the summary shows."""
    return [group[0] for group in grouped(comparisons, lambda comparison: comparison.task).values()]


def p_value(first: Result | None, second: Result | None) -> float | None:
    """Two-sided p value of the difference of two figures, from the same resampled products; None where unknown."""
    if first is None or second is None or first.draws is None or second.draws is None:
        return None
    return paired_p_value(first.draws, second.draws)


def may_be_chance(first: Result, second: Result) -> bool:
    """Whether a difference is not significant at 5 %.

    By the paired bootstrap over products; of figures without draws, shares are taken for independent samples of the
    smaller support (two standard errors), and nothing is said of others but that a handful of items proves nothing.
    """
    found = p_value(first, second)
    if found is not None:
        return found >= SIGNIFICANT
    support = min(first.support, second.support)
    if support < MIN_GROUPS:
        return True
    if not _is_share(first):
        return False
    variance = sum(min(max(r.value, 0.0), 1.0) * (1 - min(max(r.value, 0.0), 1.0)) for r in (first, second))
    return abs(first.value - second.value) < 2 * math.sqrt(variance / support)


def written_p_value(found: float) -> str:
    """A p value as people write it."""
    return "p < .01" if found < 0.01 else f"p = {found:.2f}".replace("0.", ".")


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
    chance = ", which may be chance" if may_be_chance(ours, baseline) else ""
    found = p_value(ours, baseline)
    chance += f" ({written_p_value(found)})" if found is not None else ""
    if difference > 0:
        return "ahead", f"eclip wins by {size} over {rival}{chance}"
    return "behind", f"eclip loses by {size} to {rival}{chance}"


def _is_share(result: Result) -> bool:
    return explain_metric(result.metric).is_share


def row_key(result: Result) -> tuple[str, str, str]:
    """What makes a row of a table: its task, target and metric."""
    return result.task, result.target, result.metric


def ordered(names: set[str], order: Sequence[str]) -> list[str]:
    """Names in a given order, unknown ones last."""
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


def grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Items by key, both in order of appearance."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
