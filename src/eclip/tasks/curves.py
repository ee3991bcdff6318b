"""Lines that the report plots."""

from __future__ import annotations

import numpy as np

from eclip.metrics import precision_recall_curve
from eclip.tasks.results import Curve

MAX_CURVE_POINTS = 200


def precision_recall_line(
    task: str, name: str, truth: np.ndarray, scores: np.ndarray, *, modality: str, method: str
) -> Curve:
    """The precision-recall curve, thinned to what a plot can show."""
    precision, recall, _ = precision_recall_curve(truth, scores)
    shown = np.unique(np.linspace(0, len(precision) - 1, min(len(precision), MAX_CURVE_POINTS)).astype(int))
    return Curve(
        task=task,
        name=name,
        modality=modality,
        method=method,
        x_label="recall",
        y_label="precision",
        x=recall[shown].tolist(),
        y=precision[shown].tolist(),
    )
