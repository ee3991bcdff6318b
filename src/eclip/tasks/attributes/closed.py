"""The closed attributes: what pictures and titles say of each, together, how surely, and whether they contradict.

Each attribute has, for each view (picture, title, both), a pool of experts and a threshold. `ClosedAttributes` is
made by `eclip.tasks.attributes.fit` and keeps no more than numbers: the heads lie beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eclip.tasks.attributes.experts import (
    STATED,
    VIEWS,
    WORDS,
    Pool,
    absent_chance,
    head_logs,
    present_experts,
    sigmoid,
    softmax,
    values_of,
)
from eclip.tasks.attributes.multilabel import mark_logits
from eclip.tasks.attributes.spans.words import Words, split_words
from eclip.tasks.attributes.stated import StatedValues
from eclip.tasks.attributes.thresholds import Threshold
from eclip.tasks.features import features, present_rows
from eclip.tasks.heads.modal import Inputs, ModalHeads

ABSENT_FROM = 0.9  # chance of "no such attribute" from which a listing has none; below, a gap is worth filling


@dataclass(frozen=True, kw_only=True)
class ViewDecision:
    """How one attribute is answered in one view.

    Attributes:
        pool: Weighs the experts.
        threshold: From which confidence an answer is sure.
        prior_power: How much of the values' frequencies is taken off before the best is chosen: 0 finds the most
            probable value, 1 the one that is most typical; chosen for macro-F1.
        value_threshold: For several values: the probability from which a value is answered.
    """

    pool: Pool
    threshold: Threshold
    prior_power: float = 0.0
    value_threshold: float = 0.5

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> ViewDecision:
        """Read what `dataclasses.asdict` wrote."""
        pool = content["pool"]
        return cls(
            pool=Pool(experts=tuple(pool["experts"]), weights=tuple(pool["weights"]), bias=pool["bias"]),
            threshold=Threshold(**content["threshold"]),
            prior_power=content["prior_power"],
            value_threshold=content["value_threshold"],
        )


@dataclass(frozen=True, kw_only=True)
class ClosedAttribute:
    """One attribute of a closed set of values."""

    values: tuple[str, ...]  # C of them
    several: bool  # whether a listing may have several
    log_prior: tuple[float, ...]  # [C] of the values among train rows
    decisions: dict[str, ViewDecision]  # by view

    def as_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> ClosedAttribute:
        """Read what `as_json` gave."""
        return cls(
            values=tuple(content["values"]),
            several=content["several"],
            log_prior=tuple(content["log_prior"]),
            decisions={view: ViewDecision.from_json(each) for view, each in content["decisions"].items()},
        )


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one view says of n listings.

    Attributes:
        chosen: [n, C] bool, the values answered: one a row, or any number for an attribute of several.
        confidences: [n, C] probability of each value.
    """

    chosen: np.ndarray
    confidences: np.ndarray

    @property
    def least(self) -> np.ndarray:
        """Confidence [n] of the least sure value that is answered; NaN where none is."""
        least = np.where(self.chosen, self.confidences, np.inf).min(axis=1, initial=np.inf)
        return np.where(np.isfinite(least), least, np.nan)


@dataclass(frozen=True, kw_only=True)
class AttributeInputs:
    """What the experts see of N listings."""

    heads: Inputs  # vectors and terms
    words: list[Words]  # of each title; none where it is missing


@dataclass(frozen=True)
class AttributeHeads:
    """The heads of all closed attributes: `single` answer with one value, `several` with yes or no a value."""

    single: ModalHeads
    several: ModalHeads | None

    def inputs(
        self, image_vectors: np.ndarray, text_vectors: np.ndarray, titles: Sequence[str | None]
    ) -> AttributeInputs:
        """Listings as the experts see them.

        Args:
            image_vectors: [N, D], NaN rows where missing.
            text_vectors: [N, D], NaN rows where missing.
            titles: [N], None where missing.
        """
        return AttributeInputs(
            heads=self.single.inputs(image_vectors, text_vectors, titles),
            words=[split_words(title or "") for title in titles],
        )

    def logs(
        self, name: str, inputs: AttributeInputs, rows: np.ndarray, view: str, *, several: bool
    ) -> dict[str, np.ndarray]:
        """What each expert of a view says of rows that have it: [n, C] log-probabilities, or logits of yes and no."""
        heads = self.several if several else self.single
        assert heads is not None
        experts = present_experts(heads, name, view)
        logs = (self._mark_logs if several else head_logs)(heads, name, inputs.heads, rows, experts)
        if STATED in experts:
            stated = StatedValues(self.values(name, several=several))
            words = [inputs.words[row] for row in rows]
            logs[STATED] = stated.marks(words).astype(np.float64) if several else stated.logs(words)
        return logs

    @staticmethod
    def _mark_logs(
        heads: ModalHeads, name: str, inputs: Inputs, rows: np.ndarray, experts: Sequence[str]
    ) -> dict[str, np.ndarray]:
        logs = {}
        for expert in experts:
            if expert == WORDS:
                assert heads.lexical is not None
                assert inputs.terms is not None
                logs[expert] = mark_logits(heads.lexical.linear.heads[name], inputs.terms[rows])
            elif expert != STATED:
                matrix, _ = features(inputs.image_vectors[rows], inputs.text_vectors[rows], expert)
                logs[expert] = mark_logits(heads.by_modality[expert].heads[name], matrix)
        return logs

    def values(self, name: str, *, several: bool) -> tuple[str, ...]:
        """The values of an attribute, in the order of columns."""
        heads = self.several if several else self.single
        assert heads is not None
        return values_of(heads, name)

    def without_words(self) -> AttributeHeads:
        """The heads over vectors alone."""
        return AttributeHeads(self.single.without_words(), self.several.without_words() if self.several else None)


def decide(attribute: ClosedAttribute, view: str, logs: dict[str, np.ndarray]) -> Said:
    """The values that a view answers with, from what its experts say."""
    decision = attribute.decisions[view]
    scores = decision.pool.scores(logs)
    if attribute.several:
        confidences = sigmoid(scores)
        return Said(chosen=confidences >= decision.value_threshold, confidences=confidences)
    best = (scores - decision.prior_power * np.array(attribute.log_prior)).argmax(axis=1)
    chosen = np.zeros(scores.shape, dtype=bool)
    chosen[np.arange(len(best)), best] = True
    return Said(chosen=chosen, confidences=softmax(scores))


def rows_by_view(attribute: ClosedAttribute, inputs: AttributeInputs) -> Iterator[tuple[str, np.ndarray]]:
    """Each row under the richest view that it has and that the attribute is decided in."""
    has_image, has_text = present_rows(inputs.heads.image_vectors), present_rows(inputs.heads.text_vectors)
    left = has_image | has_text
    for view, mask in (("both", has_image & has_text), ("text", has_text), ("image", has_image)):
        if view in attribute.decisions:
            yield view, np.flatnonzero(mask & left)
            left = left & ~mask


def has_attribute(heads: AttributeHeads, name: str, inputs: AttributeInputs, rows: np.ndarray) -> np.ndarray:
    """Mask [n] of rows, with vectors, on which a missing value would be a gap rather than the rule."""
    return absent_chance(heads.single, name, inputs.heads, rows) < ABSENT_FROM


def views_of(view: str) -> tuple[str, ...]:
    """The views that are a part of one, itself included: both = picture, title and both."""
    return tuple(VIEWS) if view == "both" else (view,)
