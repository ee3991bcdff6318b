"""Taggers of words: two linear experts over each word, its looks and its hidden states, weighed on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eclip.tasks.attributes.spans.features import word_features
from eclip.tasks.attributes.spans.labels import BEGIN, INSIDE, OUTSIDE, TAGS, best_tags, spans_of
from eclip.tasks.attributes.spans.states import TokenStates
from eclip.tasks.attributes.spans.words import Words
from eclip.tasks.heads.lexical import FLOOR, choose_share, combine
from eclip.tasks.heads.lexical_training import fit_lexical
from eclip.tasks.heads.linear import LinearHeads, Target
from eclip.tasks.heads.training import fit_heads

MIN_GAIN = 0.05  # of validation loss, by which hidden states must help: they cost a second pass of the text tower


@dataclass(frozen=True, kw_only=True)
class WordInputs:
    """The words of titles as taggers see them."""

    titles: list[Words]
    looks: sparse.csr_matrix  # [W, V], all words one after the other
    states: np.ndarray | None  # [W, S]; None without a tower

    @property
    def starts(self) -> np.ndarray:
        """Position [n + 1] of each title's first word among all words."""
        return np.concatenate([[0], np.cumsum([len(words) for words in self.titles])]).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A value found in a title."""

    first: int  # word
    end: int  # word behind the last
    score: float  # probability of its tags, with the end where it is


@dataclass(frozen=True, kw_only=True)
class Tagger:
    """BIO taggers of several attributes, by name: over looks of words and, beside them, over hidden states."""

    looks: LinearHeads
    states: LinearHeads | None
    shares: dict[str, float]  # of the looks in the answer, 0..1

    def chances(self, name: str, inputs: WordInputs) -> np.ndarray:
        """Probabilities [W, 3] of O, B, I for each word."""
        by_looks = self.looks.heads[name].probabilities(inputs.looks)
        if self.states is None or inputs.states is None or name not in self.states.heads:
            return by_looks
        return combine(self.states.heads[name].probabilities(inputs.states), by_looks, self.shares[name])

    def spans(self, name: str, inputs: WordInputs) -> list[list[Span]]:
        """The spans of an attribute in each title, the most probable first."""
        chances, starts = self.chances(name, inputs), inputs.starts
        lengths = np.diff(starts)
        padded = np.ones((len(lengths), max(int(lengths.max(initial=0)), 1), len(TAGS)))
        for row, length in enumerate(lengths.tolist()):
            padded[row, :length] = chances[starts[row] : starts[row + 1]]
        tags = best_tags(np.log(np.maximum(padded, FLOOR)), lengths)
        found = []
        for row, length in enumerate(lengths.tolist()):
            own = padded[row, :length]
            spans = [_scored(own, first, end) for first, end in spans_of(tags[row, :length])]
            found.append(sorted(spans, key=lambda span: -span.score))
        return found


def read_words(titles: Sequence[str], words: Sequence[Words], tower: TokenStates | None) -> WordInputs:
    """Titles as taggers see them; `words` are those of the titles."""
    states = tower.of_words(titles, words) if tower else None
    return WordInputs(titles=list(words), looks=word_features(words), states=states)


def fit_tagger(
    inputs: WordInputs, tags: dict[str, np.ndarray], *, train: np.ndarray, validation: np.ndarray, seed: int
) -> Tagger:
    """Fit the taggers of all attributes, in one run over looks and one over states.

    Args:
        inputs: Of all titles.
        tags: By attribute, the tag [W] int64 of each word; -1 = the title says nothing, left out.
        train: Positions [w] of the words to learn from.
        validation: Positions of the words that choose epochs and shares.
        seed: Of the order of rows.
    """
    targets = [Target(name=name, labels=TAGS, codes=codes) for name, codes in tags.items()]
    told = f"Fitting {len(targets)} taggers of words"
    looks = fit_lexical(
        inputs.looks, targets, train_rows=train, validation_rows=validation, seed=seed, name=f"{told} on their looks"
    )
    if inputs.states is None:
        return Tagger(looks=looks, states=None, shares={})
    states = fit_heads(
        inputs.states, targets, train_rows=train, validation_rows=validation, seed=seed, name=f"{told} on hidden states"
    )
    shares, before, after = {}, 0.0, 0.0
    for target in targets:
        codes = target.codes[validation]
        by_states = states.heads[target.name].probabilities(inputs.states[validation])
        by_looks = looks.heads[target.name].probabilities(inputs.looks[validation])
        shares[target.name] = choose_share(by_states, by_looks, codes)
        before += _loss(by_looks, codes)
        after += _loss(combine(by_states, by_looks, shares[target.name]), codes)
    if after < (1 - MIN_GAIN) * before:
        return Tagger(looks=looks, states=states, shares=shares)
    return Tagger(looks=looks, states=None, shares={})


def _loss(chances: np.ndarray, codes: np.ndarray) -> float:
    """Mean log loss of the words [n] whose tag is known; 0 without one."""
    known = np.flatnonzero(codes >= 0)
    return float(-np.log(np.maximum(chances[known, codes[known]], FLOOR)).mean()) if len(known) else 0.0


def _scored(chances: np.ndarray, first: int, end: int) -> Span:
    """A span with the product of its tags' probabilities and of the next word's not going on."""
    score = chances[first, BEGIN] * np.prod(chances[first + 1 : end, INSIDE])
    if end < len(chances):
        score *= chances[end, OUTSIDE] + chances[end, BEGIN]
    return Span(first=first, end=end, score=float(score))
