"""Which answers a person should look at: the least certain of each kind, in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from eclip.products.corrections import ATTRIBUTE_PREFIX
from eclip.schema import POLICIES

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
        margin: By how much it is more probable than the next one.
        rival: The next one; empty = not known, or none.
    """

    product_id: str
    field: str
    value: str
    confidence: float
    reason: str
    margin: float
    rival: str = ""


def least_certain(rows: Iterable[Mapping[str, Any]], *, top: int) -> list[Doubt]:
    """The `top` answers that a person's word on is worth most: the first of each field, then the second of each, ...

    Of one field those come first whose best two answers are nearest, but each pair of answers once before any
    twice: a hundred near copies of one doubt teach little more than one of them (docs/tasks/enrich.md, measured).

    Args:
        rows: Answers of `eclip enrich` (`eclip.tasks.enrich.output.plain_rows`).
        top: How many.
    """
    by_field: dict[str, list[Doubt]] = {}
    for row in rows:
        for doubt in _doubts(row):
            by_field.setdefault(doubt.field, []).append(doubt)
    ranked = [_spread(by_field[name]) for name in sorted(by_field, key=_order)]
    return [doubt for rank in zip_longest(*ranked) for doubt in rank if doubt is not None][:top]


def _spread(doubts: Sequence[Doubt]) -> list[Doubt]:
    """Doubts of one field by margin, each pair of answers once, then each a second time, and so on."""
    turns: Counter[frozenset[str]] = Counter()
    placed = []
    for doubt in sorted(doubts, key=lambda doubt: doubt.margin):
        pair = frozenset((doubt.value, doubt.rival))
        placed.append((turns[pair], doubt))
        turns[pair] += 1
    return [doubt for _, doubt in sorted(placed, key=lambda each: each[0])]


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
    if row["category_leaves"]:
        leaves = [*row["category_leaves"].items(), ("", 0.0)]
        (leaf, chance), (rival, next_chance) = leaves[:2]
        told = "like no known category" if row["category_unknown"] else f"or {rival} ({next_chance:.2f})"
        yield _doubt(product_id, "category", leaf, chance, chance - next_chance, rival, told if rival else "")
    if row["adult_probability"] is not None:
        chance = row["adult_probability"]
        # A level that was answered is what is accepted: "none" in its place would take it from the listing.
        value = row["policy"] or (ADULT if chance >= 0.5 else "")
        rival, confidence = ("", chance) if value == ADULT else (ADULT, 1 - chance)
        yield _doubt(product_id, "policy", value, confidence, 2 * confidence - 1, rival, row["policy_reason"] or "")
    chances, conflicts = row["attribute_confidences"] or {}, row["attribute_conflicts"] or {}
    for name, value in (row["attributes"] or {}).items():
        if name in chances:
            margin = -1.0 if name in conflicts else chances[name]  # picture and title say different things
            told = conflicts.get(name, "")
            yield _doubt(product_id, ATTRIBUTE_PREFIX + name, value, chances[name], margin, told=told)


def _doubt(
    product_id: str, name: str, value: str, confidence: float, margin: float, rival: str = "", told: str = ""
) -> Doubt:
    near = "more likely wrong than right" if confidence < 0.5 else "another answer is nearly as probable"
    reason = told or (near if confidence < 0.75 else "the least certain of its kind")
    return Doubt(
        product_id=product_id, field=name, value=value, confidence=confidence, reason=reason, margin=margin, rival=rival
    )


def _order(name: str) -> tuple[int, str]:
    """Category first, then the policy, then attributes by name."""
    first: Sequence[str] = ("category", "policy")
    return (first.index(name) if name in first else len(first), name)
