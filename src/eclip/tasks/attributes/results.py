"""Figures of attribute extraction over test rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.metrics import accuracy, macro_f1, mean
from eclip.tasks.attributes.targets import ABSENT, NAME
from eclip.tasks.intervals import estimate
from eclip.tasks.results import Result, results_of

CONFIDENCE = 0.8  # from which an answer is given, for the precision of abstaining


def attribute_results(
    name: str,
    values: Sequence[str],
    labels: Sequence[str],
    scores: np.ndarray,
    *,
    modality: str,
    method: str,
    buckets: np.ndarray | None = None,
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
        buckets: [n] bucket of each row's product, for intervals (`eclip.tasks.intervals`).
    """
    truth = np.array(values, dtype=object)
    best = scores.argmax(axis=1)
    predicted = np.array([labels[code] for code in best], dtype=object)
    answered = (scores.max(axis=1) >= CONFIDENCE) & (predicted != ABSENT)
    of_answered = None if buckets is None else buckets[answered]
    figures = {
        "accuracy": estimate(accuracy, truth, predicted, buckets=buckets),
        "macro-F1": estimate(macro_f1, truth.astype(str), predicted.astype(str), buckets=buckets),
        f"precision at confidence {CONFIDENCE}": estimate(
            accuracy, truth[answered], predicted[answered], buckets=of_answered
        ),
        f"coverage at confidence {CONFIDENCE}": estimate(mean, answered, buckets=buckets),
    }
    return results_of(figures, task=NAME, target=name, modality=modality, method=method)
