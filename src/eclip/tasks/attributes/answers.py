"""The attributes of new listings: each with its confidence, where it comes from, and what contradicts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eclip.tasks.attributes.closed import (
    AttributeHeads,
    AttributeInputs,
    ClosedAttribute,
    Said,
    decide,
    has_attribute,
    rows_by_view,
    views_of,
)
from eclip.tasks.attributes.fit import load_closed
from eclip.tasks.attributes.spans.extractor import SpanAnswer, SpanExtractor
from eclip.tasks.category.answers import CategoryClassifier
from eclip.tasks.category.targets import NAME as CATEGORY
from eclip.tasks.taskfiles import is_of_one_model

if TYPE_CHECKING:
    from eclip.tasks.attributes.spans.states import TokenStates

SPANS = "spans"  # folder of the taggers, beside the heads
PICTURE, TITLE, BOTH, SPAN, ZERO_SHOT = "picture", "title", "both", "span", "zero-shot"
SOURCES = (PICTURE, TITLE, BOTH, SPAN, ZERO_SHOT)
SOURCE_OF_VIEW = {"image": PICTURE, "text": TITLE, "both": BOTH}


@dataclass(frozen=True, kw_only=True)
class AttributeAnswer:
    """What is said of one attribute of one listing.

    Attributes:
        values: At least one; several for an attribute of which a listing may have several.
        confidence: Probability that the least sure of them is right.
        source: Of `SOURCES`; "both" where picture and title agree, or only together say so.
        sure: Whether answers of this confidence reached the target precision on the validation split, and nothing
            contradicts this one. One that is not sure is for a person to look at.
        conflict: What contradicts what, in words; None = nothing does.
    """

    values: tuple[str, ...]
    confidence: float
    source: str
    sure: bool
    conflict: str | None = None


@dataclass(frozen=True, kw_only=True)
class AttributeExtractor:
    """All that was fitted for attributes: heads of closed sets, and taggers of titles where there are any.

    The category, where it was fitted too, tells which attributes a listing can't have: no title of a game controller
    names the number of its cameras.
    """

    heads: AttributeHeads
    closed: dict[str, ClosedAttribute]
    spans: SpanExtractor | None = None
    category: CategoryClassifier | None = None

    @classmethod
    def load(cls, folder: Path) -> AttributeExtractor:
        """Read what `eclip fit` wrote into MODEL/tasks/attributes.

        Raises:
            ModelError: A part is missing or damaged.
        """
        heads, closed = load_closed(folder)
        spans = SpanExtractor.load(folder / SPANS) if (folder / SPANS).is_dir() else None
        category = None
        beside = folder.with_name(CATEGORY)
        if spans is not None and spans.knows_categories and is_of_one_model(folder, beside):
            category = CategoryClassifier.load(beside)
        return cls(heads=heads, closed=closed, spans=spans, category=category)

    @property
    def reads_states(self) -> bool:
        """Whether it wants the hidden states of the text tower."""
        return self.spans is not None and self.spans.reads_states

    def without_spans(self) -> AttributeExtractor:
        """What the heads say alone."""
        return replace(self, spans=None)

    def answers(
        self,
        image_vectors: np.ndarray,
        text_vectors: np.ndarray,
        titles: Sequence[str | None],
        *,
        tower: TokenStates | None = None,
    ) -> list[dict[str, AttributeAnswer]]:
        """What is said of each listing, by attribute; attributes that it has no answer to, or not at all, are left out.

        Args:
            image_vectors: [N, D], NaN rows where missing.
            text_vectors: [N, D], NaN rows where missing.
            titles: [N], None where missing.
            tower: Of the same model, where `reads_states`; without it spans are found by the looks of words alone.
        """
        found: list[dict[str, AttributeAnswer]] = [{} for _ in titles]
        inputs = self.heads.inputs(image_vectors, text_vectors, titles)
        for name, attribute in self.closed.items():
            for row, answer in closed_answers(self.heads, name, attribute, inputs):
                found[row][name] = answer
        for name, by_row in self.title_answers(image_vectors, text_vectors, titles, tower=tower).items():
            for row, spans in enumerate(by_row):
                if spans:
                    found[row][name] = with_spans(found[row].get(name), spans)
        return found

    def title_answers(
        self,
        image_vectors: np.ndarray,
        text_vectors: np.ndarray,
        titles: Sequence[str | None],
        *,
        tower: TokenStates | None = None,
    ) -> dict[str, list[tuple[SpanAnswer, ...]]]:
        """Values that stand in the titles alone [N], by attribute; arguments as of `answers`."""
        if self.spans is None:
            return {}
        likely = None if self.category is None else self.category.answer(image_vectors, text_vectors, titles).likely
        return self.spans.answers(titles, tower, likely)


def closed_answers(
    heads: AttributeHeads, name: str, attribute: ClosedAttribute, inputs: AttributeInputs
) -> list[tuple[int, AttributeAnswer]]:
    """Answers to one closed attribute, with the rows that they are of."""
    found = []
    for view, rows in rows_by_view(attribute, inputs):
        rows = rows[has_attribute(heads, name, inputs, rows)] if len(rows) else rows
        if not len(rows):
            continue
        logs = heads.logs(name, inputs, rows, view, several=attribute.several)
        views = [each for each in views_of(view) if each in attribute.decisions]
        said = {each: decide(attribute, each, logs) for each in views}
        for place, row in enumerate(rows.tolist()):
            answer = _closed_answer(attribute, view, said, place)
            if answer:
                found.append((row, answer))
    return found


def _closed_answer(attribute: ClosedAttribute, view: str, said: dict[str, Said], place: int) -> AttributeAnswer | None:
    chosen, confidences = said[view].chosen[place], said[view].confidences[place]
    if not chosen.any():
        return None
    threshold = attribute.decisions[view].threshold
    conflict = _conflict(attribute, said, place) if view == "both" else None
    agreeing = [each for each in said if each != "both" and (said[each].chosen[place] & chosen).any()]
    source = SOURCE_OF_VIEW[agreeing[0]] if len(agreeing) == 1 else SOURCE_OF_VIEW[view]
    return AttributeAnswer(
        values=tuple(attribute.values[code] for code in np.flatnonzero(chosen)),
        confidence=float(confidences[chosen].min()),
        source=source,
        sure=bool(threshold.sure(confidences[chosen]).all()) and conflict is None,
        conflict=conflict,
    )


def _conflict(attribute: ClosedAttribute, said: dict[str, Said], place: int) -> str | None:
    """What picture and title contradict each other in, where each is sure by itself."""
    told = []
    for view in ("image", "text"):
        if view not in said:
            return None
        chosen, confidences = said[view].chosen[place], said[view].confidences[place]
        told.append(chosen & attribute.decisions[view].threshold.sure(confidences))
    picture, title = told
    if not picture.any() or not title.any() or (picture & title).any():
        return None
    by_picture, by_title = (
        _spoken(attribute, mask, said[view].confidences[place]) for mask, view in ((picture, "image"), (title, "text"))
    )
    return f"the picture says {by_picture}, the title says {by_title}"


def _spoken(attribute: ClosedAttribute, mask: np.ndarray, confidences: np.ndarray) -> str:
    return " and ".join(f"{attribute.values[code]} ({confidences[code]:.2f})" for code in np.flatnonzero(mask))


def with_spans(closed: AttributeAnswer | None, spans: Sequence[SpanAnswer]) -> AttributeAnswer:
    """One answer out of that of the heads and the values that stand in the title.

    A sure answer of the heads stays, and a sure span that says another value is told as a conflict; where the
    heads are not sure or silent, the spans answer if they are, or if the heads say nothing.
    """
    sure = [span for span in spans if span.sure]
    kept = sure or list(spans)
    by_span = AttributeAnswer(
        values=tuple(span.value for span in kept),
        confidence=min(span.confidence for span in kept),
        source=SPAN,
        sure=bool(sure),
    )
    if closed is None:
        return by_span
    agree = any(span.value.casefold() == value.casefold() for span in kept for value in closed.values)
    if not closed.sure:
        return by_span if sure and closed.conflict is None else closed
    if agree or not sure:
        return closed
    title = " and ".join(f"{span.value} ({span.confidence:.2f})" for span in sure)
    heads = f"{' and '.join(closed.values)} ({closed.confidence:.2f})"
    return replace(closed, sure=False, conflict=f"the heads say {heads}, in the title stands {title}")
