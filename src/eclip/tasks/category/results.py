"""Figures of category classification over test rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.metrics import accuracy, macro_f1, mean, top_k_accuracy
from eclip.tasks.category.targets import NAME, label_path, path_label
from eclip.tasks.intervals import estimate
from eclip.tasks.results import Result, results_of

TOP_K = 5


def category_results(
    paths: Sequence[tuple[str, ...]],
    labels: Sequence[str],
    scores: np.ndarray,
    *,
    modality: str,
    method: str,
    buckets: np.ndarray | None = None,
) -> list[Result]:
    """Figures of one modality and method.

    Args:
        paths: True path of each test row [n], none empty. A path that the head does not know is a miss.
        labels: Classes [C] of the head.
        scores: [n, C].
        modality: Of the features.
        method: Of the table.
        buckets: [n] bucket of each row's product, for intervals (`eclip.tasks.intervals`).
    """
    index = {label: code for code, label in enumerate(labels)}
    truth = np.array([index.get(path_label(path), -1) for path in paths], dtype=np.int64)
    predicted = scores.argmax(axis=1) if len(scores) else np.zeros(0, dtype=np.int64)
    true_names = np.array([path_label(path) for path in paths])
    figures = {
        "accuracy": estimate(accuracy, truth, predicted, buckets=buckets),
        "macro-F1": estimate(macro_f1, true_names, _names(labels, predicted), buckets=buckets),
        f"top-{TOP_K} accuracy": estimate(top_k_accuracy, truth, scores, k=TOP_K, buckets=buckets),
    }
    guesses = [label_path(labels[code]) for code in predicted]
    for level in (1, 2):
        deep = [row for row, path in enumerate(paths) if len(path) >= level]
        hits = np.array([paths[row][:level] == guesses[row][:level] for row in deep])
        figures[f"accuracy at level {level}"] = estimate(mean, hits, buckets=None if buckets is None else buckets[deep])
    return results_of(figures, task=NAME, target="leaf", modality=modality, method=method)


def _names(labels: Sequence[str], codes: np.ndarray) -> np.ndarray:
    return np.array([labels[code] for code in codes])
