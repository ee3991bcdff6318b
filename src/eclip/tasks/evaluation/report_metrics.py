"""How each metric is read: what it means, its unit, which way is better, how its values are written."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How a metric is read: its sentence in the glossary, its unit, and which way is better."""

    pattern: str
    meaning: str
    is_share: bool = True
    higher_is_better: bool = True


# The first pattern found in the lower-cased name of a metric explains it.
METRICS = (
    Metric(
        pattern=r"recall at .* review budget",
        meaning="Share of the sought products among that share of all products, the most suspicious first.",
    ),
    Metric(
        pattern=r"false positives per 10,000",
        meaning="Products called so that are not, of 10,000 that are not.",
        is_share=False,
        higher_is_better=False,
    ),
    Metric(
        pattern=r"share of listings shown",
        meaning="Share of all products that a person is asked to look at.",
        higher_is_better=False,
    ),
    Metric(pattern=r"top-?(\d+)", meaning="Share of products whose right answer is among the first {0}."),
    Metric(pattern=r"accuracy", meaning="Share of products with the right answer."),
    Metric(
        pattern=r"coverage at",
        meaning="Share of products that can be answered, surest first, while the named share of answers is right.",
    ),
    Metric(pattern=r"share answered", meaning="Share of products that get this answer at the thresholds chosen."),
    Metric(
        pattern=r"calibration error",
        meaning="Mean gap between how sure answers are and how often they are right.",
        higher_is_better=False,
    ),
    Metric(
        pattern=r"recall.*precision",
        meaning="Share of the sought products found while the named share of what is found is right.",
    ),
    Metric(
        pattern=r"(?:recall|r)@(\d+)",
        meaning="Share of queries with a right answer among the first {0}.",
    ),
    Metric(
        pattern=r"precision@(\d+)",
        meaning="Share of right answers among the first {0}, mean over queries.",
    ),
    Metric(
        pattern=r"recall.*budget",
        meaning="Share of the sought products that are seen when the named share of all is reviewed, likeliest first.",
    ),
    Metric(
        pattern=r"ndcg@(\d+)",
        meaning="How near the first {0} results come to the best order of the judged grades; 100% is that order.",
    ),
    Metric(
        pattern=r"\bmrr\b|reciprocal rank",
        meaning="Mean of 1 over the place of the first right answer.",
        is_share=False,
    ),
    Metric(pattern=r"\bp@(\d+)", meaning="Share of right answers among the first {0}, mean over queries."),
    Metric(
        pattern=r"micro.?f1",
        meaning="F1 (balance of precision and recall) over all answers at once: common classes count most.",
    ),
    Metric(
        pattern=r"macro.?f1",
        meaning="F1 (balance of precision and recall) of each class, then their mean: "
        "rare classes count as much as common ones.",
    ),
    Metric(
        pattern=r"b-?cubed",
        meaning="For each product, how pure its cluster is and how much of its true group it holds; "
        "mean over products.",
    ),
    Metric(
        pattern=r"pair(?:wise|s?).*f1",
        meaning="F1 over pairs of products: is a pair put together exactly when it belongs together?",
    ),
    Metric(pattern=r"f1", meaning="Balance of precision and recall: their harmonic mean."),
    Metric(
        pattern=r"\bari\b|adjusted rand",
        meaning="Adjusted Rand index: agreement of clusters with the truth; 0 is chance, 1 is perfect.",
        is_share=False,
    ),
    Metric(
        pattern=r"\bnmi\b|mutual information",
        meaning="Normalised mutual information of clusters and truth; 0 is unrelated, 1 is identical.",
        is_share=False,
    ),
    Metric(
        pattern=r"average precision|\bm?ap\b",
        meaning="Area under the curve of precision over recall: how well the sought products stand on top.",
    ),
    Metric(
        pattern=r"auc|roc",
        meaning="Chance that a sought product is ranked above another one; 50% is guessing.",
    ),
    Metric(
        pattern=r"rank\b",
        meaning="Place of the right answer in the list.",
        is_share=False,
        higher_is_better=False,
    ),
    Metric(
        pattern=r"loss|error|seconds|drift",
        meaning="Smaller is better.",
        is_share=False,
        higher_is_better=False,
    ),
    Metric(pattern=r"precision", meaning="Share of what is found that is right."),
    Metric(pattern=r"recall", meaning="Share of the sought products that are found."),
    Metric(pattern=r"coverage", meaning="Share of products that get an answer at all."),
    Metric(pattern=r"purity", meaning="Share of products that belong to the main group of their cluster."),
)
_UNKNOWN = Metric(pattern="", meaning="As its name says; larger is better.", is_share=False)


def explain_metric(name: str) -> Metric:
    """Unit, direction and meaning of a metric by its name; an unknown one is a plain number."""
    for metric in METRICS:
        found = re.search(metric.pattern, name.lower())
        if found:
            return replace(metric, meaning=metric.meaning.format(*found.groups()))
    return _UNKNOWN


def format_value(value: float, metric: str) -> str:
    """A value as text: shares in percent, other numbers plain, a dash where none could be had."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    if explain_metric(metric).is_share:
        return f"{100 * value:.1f}%"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"


def format_interval(low: float | None, high: float | None, metric: str) -> str:
    """An interval as text in the unit of its value; nothing where it is unknown."""
    if low is None or high is None:
        return ""
    scale, digits = (100, 1) if explain_metric(metric).is_share else (1, 3)
    return f"{scale * low:.{digits}f}\N{EN DASH}{scale * high:.{digits}f}"


def format_spread(spread: float | None, metric: str) -> str:
    """The standard deviation over fits as text; nothing where it is unknown."""
    if spread is None:
        return ""
    return (
        f"\N{PLUS-MINUS SIGN}{100 * spread:.1f}"
        if explain_metric(metric).is_share
        else f"\N{PLUS-MINUS SIGN}{spread:.3f}"
    )
