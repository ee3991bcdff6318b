"""Figures of attribute extraction over test rows, for one value a listing and for several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from eclip.metrics import accuracy, macro_f1
from eclip.tasks.attributes.targets import ABSENT, NAME
from eclip.tasks.results import Result

CONFIDENCE = 0.8  # from which an answer is given, for the precision of abstaining


def attribute_results(
    name: str,
    values: Sequence[str | Sequence[str]],
    labels: Sequence[str],
    scores: np.ndarray,
    *,
    modality: str,
    method: str,
) -> list[Result]:
    """Figures of one attribute over test rows that have it, by a head that answers with one value.

    "absent" is an answer like any other and a miss here. Precision at a confidence is over the rows that
    are answered with a value at that confidence; coverage is their share. Where a row has several values, accuracy
    and macro-F1 ask for the first, micro-F1 for all of them.

    Args:
        name: Of the attribute.
        values: True value of each row [n], or all its values.
        labels: Classes [C].
        scores: Probabilities [n, C].
        modality: Of the features.
        method: Of the table.
    """
    every = [(each,) if isinstance(each, str) else tuple(each) for each in values]
    truth = np.array([own[0] for own in every], dtype=object)
    best = scores.argmax(axis=1)
    predicted = np.array([labels[code] for code in best], dtype=object)
    answered = (scores.max(axis=1) >= CONFIDENCE) & (predicted != ABSENT)
    given = [(value,) if value != ABSENT else () for value in predicted]
    figures = {
        "accuracy": (accuracy(truth, predicted), len(truth)),
        "micro-F1": (set_f1(every, given)[0], len(truth)),
        "macro-F1": (macro_f1(truth.astype(str), predicted.astype(str)), len(truth)),
        f"precision at confidence {CONFIDENCE}": (
            accuracy(truth[answered], predicted[answered]),
            int(answered.sum()),
        ),
        f"coverage at confidence {CONFIDENCE}": (float(answered.mean()), len(truth)),
    }
    return _results(name, figures, modality=modality, method=method)


def set_f1(truth: Sequence[Iterable[str]], given: Sequence[Iterable[str]]) -> tuple[float, float]:
    """Micro and macro F1 of sets of values: over all (row, value) pairs, and the mean over values.

    A value counts in the mean where it is true or given somewhere. With one value a row, micro-F1 is accuracy as long
    as every row is answered. NaN for no rows.
    """
    hits: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for own, said in zip(truth, given, strict=True):
        own, said = set(own), set(said)
        hits.update(own & said)
        sizes.update(own)
        sizes.update(said)
    if not sizes:
        return float("nan"), float("nan")
    macro = float(np.mean([2 * hits[value] / size for value, size in sizes.items()]))
    return 2 * hits.total() / sizes.total(), macro


def answer_results(
    name: str,
    truth: Sequence[Sequence[str]],
    given: Sequence[Sequence[str]],
    sure: Sequence[Sequence[str]],
    *,
    modality: str,
    method: str,
) -> list[Result]:
    """Figures of one attribute over test rows that have it, by whatever answers with sets of values.

    Precision at the chosen coverage is the share of right ones among the values that are given as sure; coverage is
    the share of the rows that got one.

    Args:
        name: Of the attribute.
        truth: All true values of each row.
        given: All values answered, sure or not.
        sure: Those answered as sure.
        modality: What the answers were made from.
        method: Of the table.
    """
    micro, macro = set_f1(truth, given)
    right = [value in set(own) for own, said in zip(truth, sure, strict=True) for value in said]
    hits = [set(own) == set(said) for own, said in zip(truth, given, strict=True)]
    figures = {
        "accuracy": (float(np.mean(hits)) if hits else float("nan"), len(truth)),
        "micro-F1": (micro, len(truth)),
        "macro-F1": (macro, len(truth)),
        "precision of sure answers": (float(np.mean(right)) if right else float("nan"), len(right)),
        "coverage of sure answers": (float(np.mean([bool(said) for said in sure])) if truth else 0.0, len(truth)),
    }
    return _results(name, figures, modality=modality, method=method)


def _results(name: str, figures: dict[str, tuple[float, int]], *, modality: str, method: str) -> list[Result]:
    return [
        Result(task=NAME, target=name, metric=metric, modality=modality, method=method, value=value, support=support)
        for metric, (value, support) in figures.items()
        if support
    ]
