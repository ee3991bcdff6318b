"""The rules of clean titles: named, in a fixed order, each a pure function that can be switched off.

A title is the fixed point of all rules: they are applied in order until none changes anything, so a cleaned
title is its own cleaned title. No rule may take a title's last word: where one would, its input stays.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from eclip.errors import ConfigError
from eclip.products.titles.english import ENGLISH
from eclip.products.titles.indonesian import INDONESIAN
from eclip.products.titles.korean import KOREAN
from eclip.products.titles.letters import (
    decode_escapes,
    drop_invisible,
    fold_spaces,
    normalize_unicode,
    remove_emoji,
    remove_trademarks,
    resolve_html,
)
from eclip.products.titles.phrases import PhraseList, PhraseMatcher, joined
from eclip.products.titles.wording import drop_repeated_words, fold_capitals, tidy_punctuation

MAX_TITLE_CHARS = 1000
_MAX_RAW_CHARS = 20_000  # looked at, no more: a text of this length is no title
_MAX_PASSES = 100  # never seen above 5; a bound in place of a proof
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Rule:
    """One named step of cleaning a title.

    Attributes:
        name: As `--skip-title-rules` and the report call it.
        reason: Why it is done, in one line.
        apply: The step; pure.
        spares_words: Whether it is left out where it would leave no letter and no digit of the title.
    """

    name: str
    reason: str
    apply: Callable[[str], str]
    spares_words: bool = True


@dataclass(frozen=True)
class CleanedTitle:
    """A cleaned title, None where there was nothing to see, and the names of the rules that changed it."""

    text: str | None
    applied: tuple[str, ...]


def cut_long(text: str) -> str:
    """At most `MAX_TITLE_CHARS` characters."""
    return text if len(text) <= MAX_TITLE_CHARS else text[:MAX_TITLE_CHARS].rstrip()


RULES: tuple[Rule, ...] = (
    Rule("escapes", "a broken export writes letters as bytes (\\xc3\\xa9)", decode_escapes),
    Rule("html", "tags and entities are the web page's, not the product's", resolve_html, spares_words=False),
    Rule("trademarks", "™ and ® say nothing, and would become letters", remove_trademarks, spares_words=False),
    Rule("unicode", "one form for what looks the same (NFKC, plain quotes)", normalize_unicode, spares_words=False),
    Rule("invisible", "control and zero-width characters part words unseen", drop_invisible, spares_words=False),
    Rule("spaces", "white space is folded", fold_spaces, spares_words=False),
    Rule("length", f"no title needs more than {MAX_TITLE_CHARS:,} characters", cut_long),
    Rule(
        "promotions",
        "promotion and delivery are the offer's, not the product's",
        PhraseMatcher(joined((ENGLISH, KOREAN, INDONESIAN))).remove,
    ),
    Rule("emoji", "emoji, stars and arrows decorate", remove_emoji),
    Rule("repeats", "a word said three times says no more", drop_repeated_words),
    Rule("punctuation", "repeated and loose marks carry nothing", tidy_punctuation),
    Rule("capitals", "a title wholly in capitals reads as any other", fold_capitals),
)
LEARNED = "learned"
RULE_NAMES = (*(rule.name for rule in RULES), LEARNED)


def with_learned(rules: Sequence[Rule], phrases: PhraseList, capitals: frozenset[str]) -> tuple[Rule, ...]:
    """The rules, with one more for phrases learned from a feed, and with its capital words kept.

    Args:
        rules: Some of `RULES`.
        phrases: What was learned; the rule stands behind "promotions", before what stars and marks would tell is gone.
        capitals: Words that "capitals" shall keep.
    """
    out: list[Rule] = []
    learned = Rule(LEARNED, "said of many unrelated products", PhraseMatcher(phrases).remove)
    for rule in rules:
        if rule.name == "emoji":
            out.append(learned)
        keeping = partial(fold_capitals, kept=capitals)
        out.append(Rule(rule.name, rule.reason, keeping) if rule.name == "capitals" else rule)
    return tuple(out) if learned in out else (learned, *out)


def skipped_names(skip: str) -> list[str]:
    """Names of rules parted by commas."""
    return [name.strip() for name in skip.split(",") if name.strip()]


def choose_rules(skip: str) -> tuple[Rule, ...]:
    """All of `RULES` but those whose names `skip` lists, parted by commas; "learned" may be among them.

    Raises:
        ConfigError: A name is no rule's.
    """
    names = skipped_names(skip)
    for name in names:
        if name not in RULE_NAMES:
            near = difflib.get_close_matches(name, RULE_NAMES, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"--skip-title-rules: no rule is called {name!r}{hint} (there are: {', '.join(RULE_NAMES)})"
            )
    return tuple(rule for rule in RULES if rule.name not in names)


def clean_title(raw: str | None, rules: Sequence[Rule] = RULES) -> CleanedTitle:
    """A title by the rules, applied in order until nothing changes.

    Args:
        raw: As the feed had it.
        rules: In their order; all of `RULES` by default.
    """
    text = (raw or "")[:_MAX_RAW_CHARS]
    applied: dict[str, None] = {}
    for _ in range(_MAX_PASSES):
        before = text
        for rule in rules:
            after = rule.apply(text)
            if after != text and not (rule.spares_words and _takes_all_words(after, text)):
                applied[rule.name] = None
                text = after
        if text == before:
            break
    return CleanedTitle(text.strip() or None, tuple(applied))


def _takes_all_words(after: str, before: str) -> bool:
    """Whether nothing readable is left; of a title without letters and digits, whether nothing at all is left."""
    return not _WORD.search(after) and (not after.strip() or _WORD.search(before) is not None)
