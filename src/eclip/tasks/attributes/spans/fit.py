"""Fit taggers on the feed's own values, and measure on the validation split how sure their answers are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.attributes.spans.aliases import find_aliases, known_names
from eclip.tasks.attributes.spans.extractor import SpanAttribute, SpanExtractor, score_logits, span_key
from eclip.tasks.attributes.spans.labels import UNKNOWN, tag_values
from eclip.tasks.attributes.spans.states import TokenStates
from eclip.tasks.attributes.spans.tagger import Tagger, WordInputs, fit_tagger, read_words
from eclip.tasks.attributes.spans.words import Words, split_words, value_keys
from eclip.tasks.attributes.targets import MIN_SEVERAL_SHARE
from eclip.tasks.attributes.thresholds import TARGET_PRECISION, Threshold, choose_threshold
from eclip.tasks.results import Skipped

MIN_STATED = 50  # train titles in which a value of the attribute stands
MIN_STATED_SHARE = 0.1  # of those that have a value
MAX_TITLES = 4_000  # to learn from; a few words each
MAX_VALIDATION = 1_500
MIN_EXPECTED = 5  # listings of a category that would bear a value, were it like others
FOREIGN_SHARE = 0.05  # of these, below which the attribute is foreign there, and the few values are slips
MIN_JUDGED = 30  # validation answers, below which confidences are bare scores

Values = Mapping[str, Sequence[Sequence[str]]]  # by attribute, the values of each title; empty where unknown


@dataclass(frozen=True)
class _Learnable:
    """An attribute whose values stand in titles often enough."""

    tags: list[np.ndarray]  # of each title
    names: dict[str, str]
    several: bool


def fit_spans(
    titles: Sequence[str | None],
    values: Values,
    split: np.ndarray,
    *,
    categories: Sequence[str | None],
    tower: TokenStates | None,
    target_precision: float = TARGET_PRECISION,
    seed: int,
) -> tuple[SpanExtractor | None, list[Skipped]]:
    """Taggers of every attribute whose values stand in titles, and why others have none.

    Args:
        titles: [N], None where missing.
        values: Of each attribute.
        split: [N], of SPLITS; anything else is left out.
        categories: [N], None where unknown; names of values in another script are told from product words by them.
        tower: Gives hidden states; None = words are judged by their looks alone.
        target_precision: That sure answers shall have.
        seed: Of sampled titles and the order of rows.
    """
    words = [split_words(title or "") for title in titles]
    train, validation = (np.flatnonzero((split == each) & np.array(list(map(len, words)), bool)) for each in SPLITS[:2])
    learnable: dict[str, _Learnable] = {}
    skipped = []
    for name in sorted(values):
        found = _learnable(words, values[name], categories, train)
        if isinstance(found, str):
            skipped.append(Skipped(task="attributes", reason=f"{name} in titles: {found}"))
        else:
            learnable[name] = found
    if not learnable:
        return None, skipped
    shuffled = np.random.default_rng(seed)
    says = np.any([[(tags != UNKNOWN).any() for tags in each.tags] for each in learnable.values()], axis=0)
    learned = np.sort(shuffled.permutation(train[says[train]])[:MAX_TITLES])
    judged = np.sort(shuffled.permutation(validation)[:MAX_VALIDATION])
    rows = np.concatenate([learned, judged])
    inputs = read_words([titles[row] or "" for row in rows], [words[row] for row in rows], tower)
    tags = {name: np.concatenate([each.tags[row] for row in rows]) for name, each in learnable.items()}
    starts = inputs.starts
    places = np.arange(starts[-1])
    tagger = fit_tagger(
        inputs, tags, train=places[: starts[len(learned)]], validation=places[starts[len(learned)] :], seed=seed
    )
    held = _part(inputs, len(learned))
    known = train.tolist()
    attributes = {
        name: replace(
            _measured(tagger, name, each, held, [values[name][row] for row in judged], target_precision),
            foreign=foreign_categories([values[name][row] for row in known], [categories[row] for row in known]),
        )
        for name, each in learnable.items()
    }
    return SpanExtractor(tagger=tagger, attributes=attributes), skipped


def _learnable(
    words: Sequence[Words], values: Sequence[Sequence[str]], categories: Sequence[str | None], train: np.ndarray
) -> _Learnable | str:
    """Tags and names of one attribute, or why it can't be learned from titles."""
    with_value = [row for row in train.tolist() if values[row]]
    aliases = find_aliases(
        [words[row] for row in with_value], [values[row] for row in with_value], [categories[row] for row in with_value]
    )
    spoken: dict[str, list[str]] = {}
    for key, value in aliases.items():
        spoken.setdefault(value, []).append(key)
    tags = [
        tag_values(each, [name for value in own for name in (value, *spoken.get(value, ()))])
        for each, own in zip(words, values, strict=True)
    ]
    stated = sum((tags[row] != UNKNOWN).any() for row in with_value)
    if stated < max(MIN_STATED, MIN_STATED_SHARE * len(with_value)):
        return (
            f"its value stands in {stated:,} of {len(with_value):,} train titles, at least {MIN_STATED} and "
            f"{MIN_STATED_SHARE:.0%} are needed to learn from"
        )
    several = sum(len(values[row]) > 1 for row in with_value) >= MIN_SEVERAL_SHARE * len(with_value)
    names = known_names((value for row in with_value for value in values[row]), aliases)
    return _Learnable(tags=tags, names=names, several=several)


def foreign_categories(values: Sequence[Sequence[str]], categories: Sequence[str | None]) -> frozenset[str]:
    """Labels of categories whose listings have no such attribute: far fewer bear a value than elsewhere.

    A category is judged only where `MIN_EXPECTED` of its listings would bear one, if it were like those that have the
    attribute: a feed that seldom gives a value tells little by not giving it.

    Args:
        values: Of the attribute, of train listings [n]; empty where not given.
        categories: Of the same listings, None where unknown.
    """
    listings = Counter(category for category in categories if category)
    bearing = Counter(category for category, own in zip(categories, values, strict=True) if category and own)
    share = sum(bearing.values()) / max(sum(listings[category] for category in bearing), 1)
    return frozenset(
        category
        for category, count in listings.items()
        if count * share >= MIN_EXPECTED and bearing[category] < FOREIGN_SHARE * count * share
    )


def _part(inputs: WordInputs, first: int) -> WordInputs:
    """The titles from `first` on."""
    start = inputs.starts[first]
    states = None if inputs.states is None else inputs.states[start:]
    return WordInputs(titles=inputs.titles[first:], looks=inputs.looks[start:], states=states)


def _measured(
    tagger: Tagger, name: str, found: _Learnable, held: WordInputs, truth: Sequence[Sequence[str]], target: float
) -> SpanAttribute:
    """How sure the spans of an attribute are, by validation titles of which the feed gives a value."""
    scores, right = judge_spans(tagger, name, found.names, held, truth)
    slope, intercept = _platt(scores, right)
    attribute = SpanAttribute(
        names=found.names, several=found.several, slope=slope, intercept=intercept, threshold=Threshold(at=None)
    )
    threshold = choose_threshold(
        right, attribute.confidences(scores), target=target, num_rows=sum(bool(own) for own in truth)
    )
    return SpanAttribute(
        names=found.names, several=found.several, slope=slope, intercept=intercept, threshold=threshold
    )


def judge_spans(
    tagger: Tagger, name: str, names: Mapping[str, str], held: WordInputs, truth: Sequence[Sequence[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Scores [n] of the best spans that can be judged, and whether each says a true value.

    A span can be judged where the feed gives a value, unless that value does not stand in the title and what was
    found is no name that the feed knows: it may well be the same thing in other words.
    """
    scores, right = [], []
    for words, spans, own in zip(held.titles, tagger.spans(name, held), truth, strict=True):
        if not spans or not own:
            continue
        true = {" ".join(value_keys(value)) for value in own}
        key = span_key(words, spans[0])
        hit = key in true or " ".join(value_keys(names.get(key, ""))) in true
        stands = (tag_values(words, own) != UNKNOWN).any()
        if hit or stands or key in names:
            scores.append(spans[0].score)
            right.append(hit)
    return np.array(scores, dtype=np.float64), np.array(right, dtype=bool)


def _platt(scores: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of "right" on the scores' logits (Platt, 1999).

    With his targets, (hits + 1) / (hits + 2) and 1 / (misses + 2), so that a clean sweep is no certainty.
    """
    from scipy.optimize import minimize

    if len(right) < MIN_JUDGED:
        return 1.0, 0.0
    hits = int(right.sum())
    wanted = np.where(right, (hits + 1) / (hits + 2), 1 / (len(right) - hits + 2))
    logits = score_logits(scores)

    def loss(free: np.ndarray) -> float:
        answers = free[0] * logits + free[1]
        return float((np.logaddexp(0, answers) - wanted * answers).mean())

    found = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.0, None), (None, None)])
    return float(found.x[0]), float(found.x[1])
