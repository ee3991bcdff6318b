"""Figures of attribute extraction over test rows, for one value a listing and for several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from eclip.metrics import macro_f1_multilabel, mean, micro_f1
from eclip.tasks.attributes.targets import ABSENT, NAME
from eclip.tasks.intervals import Estimate, estimate
from eclip.tasks.results import Result, results_of

CONFIDENCE = 0.8  # from which an answer is given, for the precision of abstaining


def attribute_results(
    name: str,
    values: Sequence[str | Sequence[str]],
    labels: Sequence[str],
    scores: np.ndarray,
    *,
    modality: str,
    method: str,
    buckets: np.ndarray | None = None,
) -> list[Result]:
    """Figures of one attribute over test rows that have it, by a head that answers with one value.

    "absent" is no value, and a miss here. Accuracy and both F1s are those of `answer_results`, so that both stand in
    one table: one value is never all of several. Precision at a confidence is over the rows that are answered with a
    value at that confidence, right where it is one of theirs; coverage is their share.

    Args:
        name: Of the attribute.
        values: True value of each row [n], or all its values.
        labels: Classes [C].
        scores: Probabilities [n, C].
        modality: Of the features.
        method: Of the table.
        buckets: [n] bucket of each row's product, for intervals (`eclip.tasks.intervals`).
    """
    every = [(each,) if isinstance(each, str) else tuple(each) for each in values]
    predicted = np.array([labels[code] for code in scores.argmax(axis=1)], dtype=object)
    answered = (scores.max(axis=1) >= CONFIDENCE) & (predicted != ABSENT)
    of_answered = None if buckets is None else buckets[answered]
    right = np.array([value in own for value, own in zip(predicted, every, strict=True)], dtype=bool)
    given = [(value,) if value != ABSENT else () for value in predicted]
    figures = {
        **_agreement(value_marks(every, given), buckets),
        f"precision at confidence {CONFIDENCE}": estimate(mean, right[answered], buckets=of_answered),
        f"coverage at confidence {CONFIDENCE}": estimate(mean, answered, buckets=buckets),
    }
    return results_of(figures, task=NAME, target=name, modality=modality, method=method)


def answer_results(
    name: str,
    truth: Sequence[Sequence[str]],
    given: Sequence[Sequence[str]],
    sure: Sequence[Sequence[str]],
    *,
    modality: str,
    method: str,
    buckets: np.ndarray | None = None,
) -> list[Result]:
    """Figures of one attribute over test rows that have it, by whatever answers with sets of values.

    A row is right in accuracy where just its values are answered. Precision of sure answers is the share of right
    ones among the values that are given as sure; coverage is the share of the rows that got one.

    Args:
        name: Of the attribute.
        truth: All true values of each row.
        given: All values answered, sure or not.
        sure: Those answered as sure.
        modality: What the answers were made from.
        method: Of the table.
        buckets: [n] bucket of each row's product, for intervals (`eclip.tasks.intervals`).
    """
    rows = np.array([row for row, said in enumerate(sure) for _ in said], dtype=np.int64)
    right = np.array([value in truth[row] for row, said in enumerate(sure) for value in said], dtype=bool)
    figures = {
        **_agreement(value_marks(truth, given), buckets),
        "precision of sure answers": estimate(mean, right, buckets=None if buckets is None else buckets[rows]),
        "coverage of sure answers": estimate(mean, np.array([bool(said) for said in sure]), buckets=buckets),
    }
    return results_of(figures, task=NAME, target=name, modality=modality, method=method)


def _agreement(marks: Sequence[np.ndarray], buckets: np.ndarray | None) -> dict[str, Estimate]:
    """How well the second of two [n, C] of `value_marks`, what was answered, agrees with the first."""
    return {
        "accuracy": estimate(mean, (marks[0] == marks[1]).all(axis=1), buckets=buckets),
        "micro-F1": estimate(micro_f1, *marks, buckets=buckets),
        "macro-F1": estimate(macro_f1_multilabel, *marks, buckets=buckets),
    }


def value_marks(*answers: Sequence[Iterable[str]]) -> list[np.ndarray]:
    """[n, C] bool of each list of answers, over all values that occur in any of them."""
    codes = {value: code for code, value in enumerate(sorted({v for rows in answers for own in rows for v in own}))}
    found = []
    for rows in answers:
        marks = np.zeros((len(rows), len(codes)), dtype=bool)
        for row, own in enumerate(rows):
            marks[row, [codes[value] for value in own]] = True
        found.append(marks)
    return found
