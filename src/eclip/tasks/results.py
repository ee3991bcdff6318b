"""What an evaluation finds: plain records that the tasks fill and the report renders.

Values are shares in 0..1 unless the metric's name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OUR_METHOD = "eclip"  # every other method of a `Result` is a baseline
MODALITIES = ("image", "text", "both")


@dataclass(frozen=True, kw_only=True)
class Result:
    """One measured number: one metric of one target by one method with one modality."""

    task: str
    target: str
    metric: str
    modality: str
    """One of `MODALITIES`."""
    method: str
    """"eclip", or a baseline: "tf-idf", "pretrained", "clip", ..."""
    value: float
    support: int
    """How many items were judged."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a plot; curves of the same task and name share a plot."""

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
    """One product in a contact sheet."""

    product_id: str
    title: str
    image: bytes | None
    note: str


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """One contact sheet: the answers to a search, the members of a cluster, a kind of mistake."""

    kind: str
    """"search", "cluster" or "mistake"."""
    title: str
    cards: list[Card]


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A task that could not be measured, and why."""

    task: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that one evaluation found; within a task the first result is its headline."""

    results: list[Result]
    curves: list[Curve] = field(default_factory=list)
    galleries: list[Gallery] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    """Store rows, model, seed, command, seconds, versions: shown in this order."""
