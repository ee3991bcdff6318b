"""Adult product recognition: is a listing for adults only?

Few products are, so classes weigh alike in training and the figures are those of a ranking.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.metrics import average_precision, precision_recall_curve, recall_at_precision
from eclip.schema import POLICIES, SPLITS
from eclip.tasks.base import Catalogue
from eclip.tasks.heads import Target
from eclip.tasks.modal import ModalHeads
from eclip.tasks.results import Curve, Result, Skipped

NAME = "adult"
ADULT = POLICIES[0]
LABELS = ("everybody", ADULT)
MIN_SUPPORT = 5  # adult products in the train split, below which nothing is learned
PRECISIONS = (0.9, 0.95)
MAX_CURVE_POINTS = 200


def adult_target(catalogue: Catalogue) -> Target | Skipped:
    """Two classes: policy "adult", and all else."""
    codes = (catalogue.policies == ADULT).astype(np.int64)
    train = codes[catalogue.rows_of(SPLITS[0])]
    if train.sum() < MIN_SUPPORT:
        return Skipped(
            task=NAME,
            reason=f"{train.sum()} train products have the policy {ADULT!r}, {MIN_SUPPORT} are needed",
        )
    if train.sum() == len(train):
        return Skipped(task=NAME, reason=f"every train product has the policy {ADULT!r}")
    return Target(name=NAME, labels=LABELS, codes=codes, balanced=True)


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


def adult_probability(
    heads: ModalHeads, image_vectors: np.ndarray, text_vectors: np.ndarray, titles: Sequence[str | None]
) -> np.ndarray:
    """Probability [N] float32 that a row is for adults only; NaN where nothing is known of it.

    Args:
        heads: That `fit` wrote for this task.
        image_vectors: [N, D], NaN rows where missing.
        text_vectors: [N, D], NaN rows where missing.
        titles: [N], None where missing.
    """
    return heads.probability(NAME, ADULT, heads.inputs(image_vectors, text_vectors, titles))
