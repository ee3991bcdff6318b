"""Values that titles name: found by taggers, given the feed's own spelling, with a confidence that was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from eclip.tasks.attributes.experts import sigmoid
from eclip.tasks.attributes.spans.states import TokenStates
from eclip.tasks.attributes.spans.tagger import Span, Tagger, WordInputs, read_words
from eclip.tasks.attributes.spans.words import Words, split_words
from eclip.tasks.attributes.thresholds import Threshold
from eclip.tasks.heads.linear import LinearHeads
from eclip.tasks.taskfiles import read_versioned, readable, write_versioned

SPANS_FILE = "spans.json"
SPANS_VERSION = 2  # 2: attributes know their categories
LOOKS, STATES = "looks", "states"  # folders of the taggers
CLOSEST = 1e-6  # how near to 0 and 1 a score may come before its logit is taken


@dataclass(frozen=True, kw_only=True)
class SpanAttribute:
    """How the spans of one attribute become answers."""

    names: dict[str, str]  # the feed's value by the words of a name; a name that is not here stands for itself
    several: bool  # whether a listing may have several values
    slope: float  # of the confidence: sigmoid(slope * logit(score) + intercept), after Platt (1999)
    intercept: float
    threshold: Threshold
    foreign: frozenset[str] = frozenset()  # labels of categories whose listings have no such attribute

    def fits(self, categories: Sequence[str]) -> bool:
        """Whether a listing of one of these categories may have the attribute; of none: it may."""
        return not categories or any(category not in self.foreign for category in categories)

    def confidences(self, scores: np.ndarray) -> np.ndarray:
        """How probably answers of these scores [n] are right."""
        return sigmoid(self.slope * score_logits(scores) + self.intercept)

    def value(self, words: Words, title: str, span: Span) -> str:
        """What a span of a title says: the feed's value of that name, or the title's own text."""
        return self.names.get(span_key(words, span), span_text(words, title, span))


@dataclass(frozen=True, kw_only=True)
class SpanAnswer:
    """A value that stands in a title."""

    value: str
    text: str  # as the title has it
    confidence: float
    sure: bool  # at or above the threshold


@dataclass(frozen=True, kw_only=True)
class SpanExtractor:
    """Taggers of the titles of one shop, with what their spans mean there."""

    tagger: Tagger
    attributes: dict[str, SpanAttribute]

    @property
    def reads_states(self) -> bool:
        """Whether it wants the hidden states of a text tower."""
        return self.tagger.states is not None

    @property
    def knows_categories(self) -> bool:
        """Whether any attribute is foreign to some category."""
        return any(each.foreign for each in self.attributes.values())

    def answers(
        self,
        titles: Sequence[str | None],
        tower: TokenStates | None,
        categories: Sequence[Sequence[str]] | None = None,
    ) -> dict[str, list[tuple[SpanAnswer, ...]]]:
        """What each title says, by attribute; () where it names no value.

        Args:
            titles: [N], None where missing.
            tower: Of the model that it was fitted with; without it words are judged by their looks alone.
            categories: [N] labels of the categories that each listing may be of; empty, or None = any.
        """
        rows = [row for row, title in enumerate(titles) if title]
        texts = [titles[row] or "" for row in rows]
        inputs = read_words(texts, [split_words(text) for text in texts], tower if self.reads_states else None)
        found: dict[str, list[tuple[SpanAnswer, ...]]] = {name: [()] * len(titles) for name in self.attributes}
        for name in self.attributes:
            for row, title, answer in zip(rows, texts, self._of_attribute(name, texts, inputs), strict=True):
                if title and (categories is None or self.attributes[name].fits(categories[row])):
                    found[name][row] = answer
        return found

    def _of_attribute(self, name: str, titles: Sequence[str], inputs: WordInputs) -> list[tuple[SpanAnswer, ...]]:
        attribute = self.attributes[name]
        found = []
        for title, words, spans in zip(titles, inputs.titles, self.tagger.spans(name, inputs), strict=True):
            kept = spans if attribute.several else spans[:1]
            confidences = attribute.confidences(np.array([span.score for span in kept]))
            sure = attribute.threshold.sure(confidences)
            answers: dict[str, SpanAnswer] = {}
            for span, confidence, is_sure in zip(kept, confidences.tolist(), sure.tolist(), strict=True):
                text, value = span_text(words, title, span), attribute.value(words, title, span)
                if text:
                    answers.setdefault(value, SpanAnswer(value=value, text=text, confidence=confidence, sure=is_sure))
            found.append(tuple(answers.values()))
        return found

    def save(self, folder: Path) -> None:
        """Write taggers and names into `folder`, which exists, as safetensors and JSON."""
        self.tagger.looks.save(folder / LOOKS)
        if self.tagger.states:
            self.tagger.states.save(folder / STATES)
        attributes = {name: {**asdict(each), "foreign": sorted(each.foreign)} for name, each in self.attributes.items()}
        content = {"shares": self.tagger.shares, "attributes": attributes}
        write_versioned(folder / SPANS_FILE, SPANS_VERSION, content)

    @classmethod
    def load(cls, folder: Path) -> SpanExtractor:
        """Read what `save` wrote.

        Raises:
            ModelError: It is missing, damaged or of another version.
        """
        with readable(folder, "taggers"):
            content = read_versioned(folder / SPANS_FILE, SPANS_VERSION)
            attributes = {
                name: SpanAttribute(
                    **{**each, "threshold": Threshold(**each["threshold"]), "foreign": frozenset(each["foreign"])}
                )
                for name, each in content["attributes"].items()
            }
            shares = content["shares"]
        states = LinearHeads.load(folder / STATES) if (folder / STATES).is_dir() else None
        tagger = Tagger(looks=LinearHeads.load(folder / LOOKS), states=states, shares=shares)
        return cls(tagger=tagger, attributes=attributes)


def span_key(words: Words, span: Span) -> str:
    """The words of a span as names are compared, signs left out."""
    return " ".join(key for key in words.keys[span.first : span.end] if key)


def span_text(words: Words, title: str, span: Span) -> str:
    """The title's own text of a span, without signs at its ends; empty where there is nothing else."""
    spoken = [place for place in range(span.first, span.end) if words.keys[place]]
    return title[words.starts[spoken[0]] : words.ends[spoken[-1]]] if spoken else ""


def score_logits(scores: np.ndarray) -> np.ndarray:
    """Logits of scores in 0..1, which may touch either end."""
    inner = np.clip(scores, CLOSEST, 1 - CLOSEST)
    return np.asarray(np.log(inner / (1 - inner)))
