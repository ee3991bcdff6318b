"""Figures of attribute extraction over test rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.metrics import accuracy, macro_f1
from eclip.tasks.attributes.targets import ABSENT, NAME
from eclip.tasks.results import Result

CONFIDENCE = 0.8  # from which an answer is given, for the precision of abstaining


def attribute_results(
    name: str, values: Sequence[str], labels: Sequence[str], scores: np.ndarray, *, modality: str, method: str
) -> list[Result]:
    """Figures of one attribute over test rows that have it.

    "absent" is an answer like any other and a miss here. Precision at a confidence is over the rows that
    are answered with a value at that confidence; coverage is their share.

    Args:
        name: Of the attribute.
        values: True value of each row [n].
        labels: Classes [C].
        scores: Probabilities [n, C].
        modality: Of the features.
        method: Of the table.
    """
    truth = np.array(values, dtype=object)
    best = scores.argmax(axis=1)
    predicted = np.array([labels[code] for code in best], dtype=object)
    answered = (scores.max(axis=1) >= CONFIDENCE) & (predicted != ABSENT)
    figures = {
        "accuracy": (accuracy(truth, predicted), len(truth)),
        "macro-F1": (macro_f1(truth.astype(str), predicted.astype(str)), len(truth)),
        f"precision at confidence {CONFIDENCE}": (
            accuracy(truth[answered], predicted[answered]),
            int(answered.sum()),
        ),
        f"coverage at confidence {CONFIDENCE}": (float(answered.mean()), len(truth)),
    }
    return [
        Result(
            task=NAME,
            target=name,
            metric=metric,
            modality=modality,
            method=method,
            value=value,
            support=support,
        )
        for metric, (value, support) in figures.items()
        if support
    ]
