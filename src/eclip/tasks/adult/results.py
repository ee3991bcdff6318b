"""Figures of adult product recognition over test rows."""

from __future__ import annotations

import numpy as np

from eclip.metrics import average_precision, recall_at_precision
from eclip.tasks.adult.targets import ADULT, NAME
from eclip.tasks.curves import precision_recall_line
from eclip.tasks.results import Curve, Result

PRECISIONS = (0.9, 0.95)


def adult_results(
    truth: np.ndarray, probabilities: np.ndarray, *, modality: str, method: str
) -> tuple[list[Result], list[Curve]]:
    """Average precision, recall at fixed precisions and the curve, over rows [n].

    Args:
        truth: [n] bool; at least one is True.
        probabilities: [n] of being for adults.
        modality: Of the features.
        method: Of the table.
    """
    figures = {"average precision": average_precision(truth, probabilities)}
    figures |= {f"recall at precision {p}": recall_at_precision(truth, probabilities, p) for p in PRECISIONS}
    results = [
        Result(
            task=NAME,
            target=ADULT,
            metric=metric,
            modality=modality,
            method=method,
            value=value,
            support=int(truth.sum()),
        )
        for metric, value in figures.items()
    ]
    return results, [precision_recall_line(NAME, ADULT, truth, probabilities, modality=modality, method=method)]
