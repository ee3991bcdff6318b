"""Figures of category classification over test rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.metrics import accuracy, level_accuracy, macro_f1, top_k_accuracy
from eclip.tasks.category.targets import NAME, label_path, path_label
from eclip.tasks.results import Result

TOP_K = 5


def category_results(
    paths: Sequence[tuple[str, ...]],
    labels: Sequence[str],
    scores: np.ndarray,
    *,
    modality: str,
    method: str,
) -> list[Result]:
    """Figures of one modality and method.

    Args:
        paths: True path of each test row [n], none empty. A path that the head does not know is a miss.
        labels: Classes [C] of the head.
        scores: [n, C].
        modality: Of the features.
        method: Of the table.
    """
    index = {label: code for code, label in enumerate(labels)}
    truth = np.array([index.get(path_label(path), -1) for path in paths], dtype=np.int64)
    predicted = scores.argmax(axis=1) if len(scores) else np.zeros(0, dtype=np.int64)
    guesses = [label_path(labels[code]) for code in predicted]
    figures = {
        "accuracy": (accuracy(truth, predicted), len(truth)),
        "macro-F1": (
            macro_f1(np.array([path_label(p) for p in paths]), _names(labels, predicted)),
            len(truth),
        ),
        f"top-{TOP_K} accuracy": (top_k_accuracy(truth, scores, TOP_K), len(truth)),
    }
    figures |= {f"accuracy at level {level}": level_accuracy(paths, guesses, level) for level in (1, 2)}
    return [
        Result(
            task=NAME,
            target="leaf",
            metric=metric,
            modality=modality,
            method=method,
            value=value,
            support=support,
        )
        for metric, (value, support) in figures.items()
        if support
    ]


def _names(labels: Sequence[str], codes: np.ndarray) -> np.ndarray:
    return np.array([labels[code] for code in codes])
