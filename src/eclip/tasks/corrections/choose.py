"""Which answers a person should look at: the least certain of each kind, in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from eclip.schema import POLICIES
from eclip.tasks.category.targets import path_label
from eclip.tasks.corrections.fields import ATTRIBUTE_PREFIX

ADULT = POLICIES[0]


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """One answer for one listing.

    Attributes:
        product_id: Of the listing.
        field: As a correction names it.
        value: The answer; empty = none.
        confidence: Probability of the answer.
        reason: Why it is shown, in words.
    """

    product_id: str
    field: str
    value: str
    confidence: float
    reason: str


def least_certain(rows: Iterable[Mapping[str, Any]], *, top: int) -> list[Doubt]:
    """The `top` least certain answers: the worst of each field, then the second worst of each, and so on.

    So one field of many unsure answers does not fill the page; equal confidences stay in the feed's order.

    Args:
        rows: Answers of `eclip enrich` (`eclip.tasks.enrich.output.plain_rows`).
        top: How many.
    """
    by_field: dict[str, list[Doubt]] = {}
    for row in rows:
        for doubt in _doubts(row):
            by_field.setdefault(doubt.field, []).append(doubt)
    ranked = [sorted(by_field[name], key=lambda doubt: doubt.confidence) for name in sorted(by_field, key=_order)]
    return [doubt for rank in zip_longest(*ranked) for doubt in rank if doubt is not None][:top]


def known_values(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The values that answers of each field have, to choose from when one is corrected."""
    values: dict[str, set[str]] = {}
    for row in rows:
        for doubt in _doubts(row):
            values.setdefault(doubt.field, set()).add(doubt.value)
    return {name: list(POLICIES) if name == "policy" else sorted(found - {""}) for name, found in values.items()}


def _doubts(row: Mapping[str, Any]) -> Iterator[Doubt]:
    product_id = row["product_id"]
    if product_id is None:
        return
    if row["category"] is not None and row["category_confidence"] is not None:
        yield _doubt(product_id, "category", path_label(row["category"]), row["category_confidence"])
    if row["adult_probability"] is not None:
        chance = row["adult_probability"]
        value, confidence = (ADULT, chance) if chance >= 0.5 else ("", 1 - chance)
        yield _doubt(product_id, "policy", value, confidence)
    chances = row["attribute_confidences"] or {}
    for name, value in (row["attributes"] or {}).items():
        if name in chances:
            yield _doubt(product_id, ATTRIBUTE_PREFIX + name, value, chances[name])


def _doubt(product_id: str, name: str, value: str, confidence: float) -> Doubt:
    near = "more likely wrong than right" if confidence < 0.5 else "another answer is nearly as probable"
    reason = near if confidence < 0.75 else "the least certain of its kind"
    return Doubt(product_id=product_id, field=name, value=value, confidence=confidence, reason=reason)


def _order(name: str) -> tuple[int, str]:
    """Category first, then the policy, then attributes by name."""
    first: Sequence[str] = ("category", "policy")
    return (first.index(name) if name in first else len(first), name)
