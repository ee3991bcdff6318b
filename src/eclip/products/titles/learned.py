"""Phrases learned from a feed: what sellers put on many unrelated products.

One streaming pass counts the n-grams at the edges of titles and in brackets. One is learned if knowing it
tells nothing of the product: it stands in many categories about as often as anything does, and where several
sellers offer one product (a catalog), another seller writes it no more often than of any other product. Brands,
nouns and colours fail: offers of one product agree on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from eclip.products.titles.phrases import PhraseList
from eclip.products.titles.rules import LEARNED, RULES, Rule, choose_rules, skipped_names, with_learned

PLACES = ("start", "end", "brackets")
_MOST = 0.8  # of a part's titles: then the longer phrase explains them


@dataclass(frozen=True, kw_only=True)
class LearnedPhrase:
    """One phrase, and why it was learned."""

    text: str
    """Its words in lower case."""
    place: str
    """Where it is taken out: one of `PLACES`."""
    support: int
    """Titles that have it there."""
    sellers: int
    """Different sellers of those."""
    categories: int
    """Different categories of those."""
    agreement: float | None
    """Share of other sellers' offers of the same products that have it too; None without enough catalogs."""
    base: float
    """Share of all titles that have it."""


@dataclass(frozen=True, kw_only=True)
class LearnedTitles:
    """What a feed taught: phrases to take out, and words that it writes in capitals on purpose."""

    phrases: tuple[LearnedPhrase, ...] = ()
    capitals: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it stands in a store's manifest."""
        return {"phrases": [asdict(phrase) for phrase in self.phrases], "capitals": list(self.capitals)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> LearnedTitles:
        """From a store's manifest."""
        phrases = tuple(LearnedPhrase(**phrase) for phrase in value["phrases"])
        return cls(phrases=phrases, capitals=tuple(value["capitals"]))

    def rules(self, skip: str = "") -> tuple[Rule, ...]:
        """All title rules, this one among them, but those that `skip` names.

        Raises:
            ConfigError: `skip` names no rule.
        """
        rules = choose_rules(skip) if skip else RULES
        if LEARNED in skipped_names(skip):
            return rules
        phrases = PhraseList(starts=self._at("start"), ends=self._at("end"), marked=self._at("brackets"))
        return with_learned(rules, phrases, frozenset(self.capitals)) if self.phrases or self.capitals else rules

    def _at(self, place: str) -> tuple[str, ...]:
        return tuple(phrase.text for phrase in self.phrases if phrase.place == place)


def without_parts(phrases: Iterable[LearnedPhrase]) -> tuple[LearnedPhrase, ...]:
    """Of phrases that contain each other at one place, the one that explains the titles.

    A part of a longer phrase goes where the longer one has most of its titles ("free" of "free samples"); else the
    longer goes, as it is the part and a chance neighbour.
    """
    kept: list[LearnedPhrase] = []
    for phrase in sorted(phrases, key=lambda each: (-len(each.text.split()), each.text)):
        longer = [each for each in kept if each.place == phrase.place and f" {phrase.text} " in f" {each.text} "]
        if any(each.support >= _MOST * phrase.support for each in longer):
            continue
        kept = [each for each in kept if each not in longer]
        kept.append(phrase)
    return tuple(sorted(kept, key=lambda each: (-each.support, each.text, each.place)))
