"""Figures of adult product recognition over test rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eclip.metrics import average_precision, recall_at_precision
from eclip.tasks.adult.targets import ADULT, NAME
from eclip.tasks.curves import precision_recall_line
from eclip.tasks.intervals import estimate
from eclip.tasks.results import Curve, Result, results_of

PRECISIONS = (0.9, 0.95)


def adult_results(
    truth: np.ndarray, probabilities: np.ndarray, *, modality: str, method: str, buckets: np.ndarray | None = None
) -> tuple[list[Result], list[Curve]]:
    """Average precision, recall at fixed precisions and the curve, over rows [n].

    Args:
        truth: [n] bool; at least one is True.
        probabilities: [n] of being for adults.
        modality: Of the features.
        method: Of the table.
        buckets: [n] bucket of each row's product, for intervals (`eclip.tasks.intervals`).
    """
    figures = {"average precision": estimate(average_precision, truth, probabilities, buckets=buckets)}
    for precision in PRECISIONS:
        found = estimate(recall_at_precision, truth, probabilities, precision=precision, buckets=buckets)
        figures[f"recall at precision {precision}"] = found
    figures = {metric: replace(found, support=int(truth.sum())) for metric, found in figures.items()}
    results = results_of(figures, task=NAME, target=ADULT, modality=modality, method=method)
    return results, [precision_recall_line(NAME, ADULT, truth, probabilities, modality=modality, method=method)]
