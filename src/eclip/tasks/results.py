"""What an evaluation says: figures, curves, cards to look at, and what could not be measured and why.

`eclip.tasks.evaluation` fills a `Report` and draws it. Values are shares in 0..1 unless the name of the metric says
otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from eclip.tasks.intervals import Estimate

MODALITIES = ("image", "text", "both")
OUR_METHOD = "eclip"
OUR_VECTORS = "eclip vectors"  # the model without words beside it: no baseline, but what training alone is worth
TF_IDF, PRETRAINED, PRETRAINED_WORDS = "tf-idf", "pretrained", "pretrained + words"
CLIP, CLIP_WORDS = "clip", "clip + words"  # another model, such as a plain CLIP of equal budget; heads fitted anew
MAJORITY = "majority"
# The order of tables: ours first, then the baselines. Some part what vectors do from what words of titles do.
METHODS = (OUR_METHOD, OUR_VECTORS, TF_IDF, PRETRAINED, PRETRAINED_WORDS, CLIP, CLIP_WORDS, MAJORITY)
PAIRS_FACT = "matching pairs"  # the fact that says which pairs a report's figures of matching are over


@dataclass(frozen=True, kw_only=True)
class Result:
    """One figure of one table."""

    task: str
    target: str  # what is predicted: "leaf", an attribute's name, "catalog", "title to picture"
    metric: str
    modality: str  # one of MODALITIES
    method: str  # one of METHODS, or another model's name
    value: float
    support: int  # rows, pairs or queries that the figure is over
    drawn_from: int | None = None  # how many there were, where `support` is a sample of them
    low: float | None = None  # of the 95 % interval over products; None = unknown
    high: float | None = None
    num_seeds: int = 1  # fits that the value is the mean of
    spread: float | None = None  # standard deviation of the value over these fits
    draws: np.ndarray | None = field(default=None, repr=False, compare=False)  # [B] values on resampled products


def results_of(
    figures: Mapping[str, Estimate],
    *,
    task: str,
    target: str,
    modality: str,
    method: str,
    drawn_from: int | None = None,
) -> list[Result]:
    """One result for each metric of `figures` that is over any rows.

    Args:
        figures: By metric.
        task: Of all of them.
        target: Likewise.
        modality: Likewise.
        method: Likewise.
        drawn_from: How many rows there were, where those measured are a sample.
    """
    return [
        Result(
            task=task,
            target=target,
            metric=metric,
            modality=modality,
            method=method,
            value=found.value,
            support=found.support,
            low=found.low,
            high=found.high,
            draws=found.draws,
            drawn_from=drawn_from if drawn_from and drawn_from > found.support else None,
        )
        for metric, found in figures.items()
        if found.support
    ]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line to plot: points (x, y) in order."""

    task: str
    name: str
    modality: str
    method: str
    x_label: str
    y_label: str
    x: list[float]
    y: list[float]


@dataclass(frozen=True, kw_only=True)
class Card:
    """One product to look at; whoever renders it may fill in the picture."""

    product_id: str
    title: str | None
    image: bytes | None = None  # encoded picture
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Cards that belong together: the answers to one search, one cluster, some mistakes."""

    kind: str  # "search", "cluster" or "mistake"
    title: str
    cards: list[Card]


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A task (or a part of one) that could not be done, and why."""

    task: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that one evaluation found."""

    results: list[Result] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    galleries: list[Gallery] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)  # store rows, model, seed, command, seconds, versions
