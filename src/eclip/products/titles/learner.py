"""The streaming count behind learned phrases: bounded memory, one pass, evidence from whole catalogs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from eclip.products.titles.guards import is_product_word
from eclip.products.titles.learned import LearnedPhrase, LearnedTitles, without_parts
from eclip.products.titles.rules import RULES

MIN_SUPPORT = 15  # titles; below, chance looks like a habit
MIN_SHARE = 0.0005  # of all titles
MIN_CATEGORIES = 4
MAX_CONTINGENCY = 0.6  # mean squared contingency with the category: 0 = says nothing of it; half of all = 1
MIN_PAIRS = 20  # offers by other sellers of the same products, to judge agreement by
MAX_LIFT = 2.0  # of agreement over the base rate; offers of one product agree on brands and nouns many times more
MAX_EXTRA_AGREEMENT = 0.01
TELLING_PAIRS = 0.5  # over the base rate: so many pairs that tenfold agreement would have shown about five times
SELLER_HABIT = 0.2  # share of a seller's titles that makes a phrase its habit, where no catalogs can tell
HABITUAL_SELLERS = 3
HABIT_BRANDS = 5
_SKETCHED_FROM = 5  # occurrences, before details are kept
_MAX_KEYS = 200_000
_MAX_DETAILS = 200  # sellers, categories or brands kept for one phrase
_MAX_SAMPLE = 40_000  # offers whose catalogs are compared
_MAX_WORDS = 200_000
_LONGEST = 3  # words of a phrase
_MIN_CAPITALS = 3
_CAPITALS_SHARE = 0.8

_PART = re.compile(r"[^\W_]+(?:['&-][^\W_]+)*")
_GROUP = re.compile(r"[\[({【]\s*([^\[\](){}【】]{2,40}?)\s*[\])}】]")
_CAPITALS = re.compile(r"(?<![\w-])[A-Z]{4,8}(?![\w-])")
_LEVEL = re.compile(r"[>/|]")
# Everything that comes before the learned phrases, once: what is known already need not be learned.
_FIRST_RULES = tuple(rule.apply for rule in RULES[: [rule.name for rule in RULES].index("emoji")])

Key = tuple[str, str]  # place, phrase


@dataclass
class _Details:
    """What is known of the titles with one phrase at one place."""

    sellers: Counter[str | None] = field(default_factory=Counter)
    categories: Counter[str | None] = field(default_factory=Counter)
    brands: Counter[str | None] = field(default_factory=Counter)

    def add(self, seller: str | None, category: str | None, brand: str | None) -> None:
        for counts, value in ((self.sellers, seller), (self.categories, category), (self.brands, brand)):
            if value is not None and (value in counts or len(counts) < _MAX_DETAILS):
                counts[value] += 1


@dataclass(frozen=True)
class _Offer:
    seller: str
    padded: str  # " words of the title in lower case "


class PhraseLearner:
    """Counts titles as they stream by; `learned` says at any time what they teach.

    Memory is bounded: rare n-grams are pruned (a count may then be too low by the pruning level, never too high),
    details are kept for the frequent ones only, and catalogs are compared on a sample of whole catalogs, chosen by
    hash, so that neither order nor batch size matters for it.
    """

    def __init__(self) -> None:
        self._titles = 0
        self._counts: Counter[Key] = Counter()
        self._details: dict[Key, _Details] = {}
        self._sellers: Counter[str | None] = Counter()
        self._categories: Counter[str | None] = Counter()
        self._named: set[str] = set()  # words of brands and categories
        self._sample: dict[int, list[_Offer]] = {}
        self._sampled, self._hashes_below = 0, 1 << 32
        self._capitals: Counter[str] = Counter()
        self._spelled: Counter[str] = Counter()
        self._pruned_to = 0

    def add(
        self,
        titles: Sequence[str | None],
        *,
        sellers: Sequence[str | None],
        categories: Sequence[str | None],
        catalogs: Sequence[str | None],
        brands: Sequence[str | None],
    ) -> None:
        """Count one batch; values are the cells as texts, None where the feed has none."""
        for row, raw in enumerate(titles):
            if raw:
                self._add(raw, sellers[row], categories[row], catalogs[row], brands[row])

    def _add(self, raw: str, seller: str | None, category: str | None, catalog: str | None, brand: str | None) -> None:
        title = raw[:400]
        for rule in _FIRST_RULES:
            title = rule(title)
        words = _PART.findall(title.casefold())
        self._titles += 1
        self._note_capitals(title)
        parts = [part.strip() for part in _LEVEL.split(category)] if category else []
        level = " > ".join(parts[:2]) or None
        if len(self._named) < _MAX_WORDS:
            for text in (brand, *parts):
                self._named.update(_PART.findall(text.casefold()) if text else ())
        self._sellers[seller] += 1
        if level in self._categories or len(self._categories) < _MAX_WORDS:
            self._categories[level] += 1
        for key in _candidates(title, words):
            self._counts[key] += 1
            if self._counts[key] >= _SKETCHED_FROM:
                self._details.setdefault(key, _Details()).add(seller, level, brand)
        if len(self._counts) > _MAX_KEYS:
            self._prune()
        if catalog and seller:
            self._keep_offer(crc32(catalog.encode()), _Offer(seller, f" {' '.join(words)} "))

    def _prune(self) -> None:
        """Forget the rarest n-grams until half of the room is free."""
        while len(self._counts) > _MAX_KEYS // 2:
            self._pruned_to += 1
            self._counts = Counter({key: n for key, n in self._counts.items() if n > self._pruned_to})
        self._details = {key: details for key, details in self._details.items() if key in self._counts}

    def _keep_offer(self, code: int, offer: _Offer) -> None:
        """Keep offers of the catalogs with the lowest hashes, as many as there is room for."""
        if code >= self._hashes_below:
            return
        self._sample.setdefault(code, []).append(offer)
        self._sampled += 1
        while self._sampled > _MAX_SAMPLE:
            self._hashes_below //= 2
            self._sample = {code: offers for code, offers in self._sample.items() if code < self._hashes_below}
            self._sampled = sum(map(len, self._sample.values()))

    def _note_capitals(self, title: str) -> None:
        if title.isupper():
            return
        capitals = _CAPITALS.findall(title)
        for word in capitals:
            if word in self._capitals or len(self._capitals) < _MAX_WORDS:
                self._capitals[word] += 1
        self._spelled.update(word for word in map(str.upper, title.split()) if word in self._capitals)

    def learned(self) -> LearnedTitles:
        """The phrases that tell nothing of the product, and the words in capitals in most mixed-case titles."""
        least = max(MIN_SUPPORT, int(MIN_SHARE * self._titles))
        phrases = [
            phrase
            for key, support in self._counts.items()
            if support >= least and not self._is_protected(key[1]) and (phrase := self._judge(key, support))
        ]
        capitals = [
            word
            for word, count in self._capitals.items()
            if count >= _MIN_CAPITALS and count >= _CAPITALS_SHARE * self._spelled[word]
        ]
        return LearnedTitles(phrases=without_parts(phrases), capitals=tuple(sorted(capitals)))

    def _is_protected(self, phrase: str) -> bool:
        """Any word of a brand or category, a number, or a word that may describe a product."""
        words = phrase.split()
        return any(is_product_word(word) or word in self._named for word in words) or (
            len(words) == 1 and len(words[0]) < 2
        )

    def _judge(self, key: Key, support: int) -> LearnedPhrase | None:
        """The phrase if it is promotion; None if not, or if nothing can tell."""
        details = self._details.get(key)
        if details is None or len(details.categories) < MIN_CATEGORIES:
            return None
        if self._contingency(details) > MAX_CONTINGENCY:
            return None
        agreement, base = self._agreement(key[1])
        if agreement is not None:
            fine = agreement <= max(MAX_LIFT * base, base + MAX_EXTRA_AGREEMENT)
        else:
            fine = self._is_habit(details)
        if not fine:
            return None
        return LearnedPhrase(
            text=key[1],
            place=key[0],
            support=support,
            sellers=len(details.sellers),
            categories=len(details.categories),
            agreement=None if agreement is None else round(agreement, 4),
            base=round(base, 4),
        )

    def _contingency(self, details: _Details) -> float:
        """Mean squared contingency (Pearson's phi squared) of phrase and category, less what chance gives."""
        total, support = sum(self._categories.values()), sum(details.categories.values())
        expected = {name: support * count / total for name, count in self._categories.items() if name is not None}
        chi_squared = sum((details.categories[name] - mean) ** 2 / mean for name, mean in expected.items())
        return (chi_squared - (len(expected) - 1)) / support

    def _agreement(self, phrase: str) -> tuple[float | None, float]:
        """How often other sellers' offers of the same products have it, and how often any offer has it."""
        padded, pairs, agreeing, having = f" {phrase} ", 0, 0, 0
        for offers in self._sample.values():
            has = [padded in offer.padded for offer in offers]
            having += sum(has)
            for index, offer in enumerate(offers):
                if not has[index]:
                    continue
                others = [has[row] for row, other in enumerate(offers) if other.seller != offer.seller]
                pairs += len(others)
                agreeing += sum(others)
        base = having / max(self._sampled, 1)
        enough = base > 0 and pairs >= max(MIN_PAIRS, TELLING_PAIRS / base)
        return (agreeing / pairs if enough else None), base

    def _is_habit(self, details: _Details) -> bool:
        """Whether it is sellers' habit, not a product's word: of several sellers, or of one over many brands."""
        habitual = [s for s, n in details.sellers.items() if s is not None and n >= SELLER_HABIT * self._sellers[s]]
        return len(habitual) >= HABITUAL_SELLERS or (bool(habitual) and len(details.brands) >= HABIT_BRANDS)


def _candidates(title: str, words: Sequence[str]) -> Iterator[Key]:
    """N-grams at both edges, leaving at least a word of the title, and what stands in brackets."""
    for size in range(1, min(_LONGEST, len(words) - 1) + 1):
        yield "start", " ".join(words[:size])
        yield "end", " ".join(words[-size:])
    for group in _GROUP.findall(title):
        inside = _PART.findall(group.casefold())
        if 0 < len(inside) <= _LONGEST:
            yield "brackets", " ".join(inside)
