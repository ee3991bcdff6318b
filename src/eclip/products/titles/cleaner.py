"""A feed's title cleaner: its rules with what was learned, and the count of what each rule did."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eclip.products.titles.learned import LearnedTitles
from eclip.products.titles.rules import LEARNED, CleanedTitle, clean_title, skipped_names

EXAMPLES = 5  # kept of each rule, for the report


@dataclass
class RuleCounts:
    """How many titles each rule changed, with the first few as examples: [raw title, cleaned title]."""

    titles: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, raw: str, cleaned: CleanedTitle) -> None:
        """Count one title."""
        self.titles += 1
        for name in cleaned.applied:
            self.changed[name] = self.changed.get(name, 0) + 1
            shown = self.examples.setdefault(name, [])
            if len(shown) < EXAMPLES and len(raw) <= 200:
                shown.append((raw, cleaned.text or ""))

    def merge(self, later: RuleCounts) -> None:
        """Take in the counts of titles that follow, as if they had been counted here."""
        self.titles += later.titles
        for name, count in later.changed.items():
            self.changed[name] = self.changed.get(name, 0) + count
        for name, pairs in later.examples.items():
            shown = self.examples.setdefault(name, [])
            shown.extend(pairs[: EXAMPLES - len(shown)])

    def to_json(self, rules: Sequence[str]) -> dict[str, Any]:
        """Counts of every rule that was on, in their order, the unused ones too."""
        return {
            "titles": self.titles,
            "changed": {name: self.changed.get(name, 0) for name in rules},
            "examples": {name: [list(pair) for pair in self.examples.get(name, [])] for name in rules},
        }


class TitleCleaner:
    """Cleans the titles of a feed and counts what its rules do.

    Args:
        skip: Names of rules to leave out, parted by commas.
        learned: What a feed taught; nothing by default.

    Raises:
        ConfigError: `skip` names no rule.
    """

    def __init__(self, skip: str = "", learned: LearnedTitles | None = None) -> None:
        self.skip, self.learned = skip, learned or LearnedTitles()
        self.rules = self.learned.rules(skip)
        self.counts = RuleCounts()

    @property
    def learns(self) -> bool:
        """Whether a feed may teach it phrases: the rule "learned" is not left out."""
        return LEARNED not in skipped_names(self.skip)

    def clean(self, raw: str | None) -> str | None:
        """A title by the rules; None where there is nothing to see. Counted."""
        cleaned = clean_title(raw, self.rules)
        if raw:
            self.counts.add(raw, cleaned)
        return cleaned.text

    def counting_anew(self) -> TitleCleaner:
        """The same rules with counts of their own, from 0."""
        other = copy.copy(self)
        other.counts = RuleCounts()
        return other

    def to_json(self) -> dict[str, Any]:
        """What a store's manifest keeps, so that other feeds are cleaned alike (`from_json`), with the counts."""
        counts = self.counts.to_json([rule.name for rule in self.rules])
        return {"skip": self.skip, "learned": self.learned.to_json(), "counts": counts}

    @classmethod
    def from_json(cls, value: dict[str, Any] | None) -> TitleCleaner:
        """The cleaner of a store, by its own manifest's entry or a model's; without one it has the usual rules."""
        if not value:
            return cls()
        return cls(value["skip"], LearnedTitles.from_json(value["learned"]))
