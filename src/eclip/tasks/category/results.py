"""Figures of category classification over test rows, for the leaf and for every level above it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.metrics import (
    accuracy,
    coverage_at_precision,
    expected_calibration_error,
    macro_f1,
    mean,
    reliability,
    top_k_accuracy,
)
from eclip.tasks.category.decisions import WANTED_PRECISION
from eclip.tasks.category.targets import NAME, label_path, path_label
from eclip.tasks.category.tree import CategoryTree, is_at_or_above
from eclip.tasks.intervals import Estimate, estimate
from eclip.tasks.results import Curve, Result, results_of

TOP_K = 5
COVERAGE = f"coverage at {WANTED_PRECISION:.0%} precision"
ECE = "calibration error"


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
        scores: [n, C], chances that sum to 1.
        modality: Of the features.
        method: Of the table.
        buckets: [n] bucket of each row's product, for intervals (`eclip.tasks.intervals`).
    """
    index = {label: code for code, label in enumerate(labels)}
    truth = np.array([index.get(path_label(path), -1) for path in paths], dtype=np.int64)
    predicted = scores.argmax(axis=1) if len(scores) else np.zeros(0, dtype=np.int64)
    right = truth == predicted
    surest = scores.max(axis=1) if len(scores) else np.zeros(0)
    true_names = np.array([path_label(path) for path in paths])
    figures = {
        "accuracy": estimate(accuracy, truth, predicted, buckets=buckets),
        "macro-F1": estimate(macro_f1, true_names, _names(labels, predicted), buckets=buckets),
        f"top-{TOP_K} accuracy": estimate(top_k_accuracy, truth, scores, k=TOP_K, buckets=buckets),
        COVERAGE: estimate(coverage_at_precision, right, surest, precision=WANTED_PRECISION, buckets=buckets),
        ECE: estimate(expected_calibration_error, right, surest, buckets=buckets),
        f"{ECE}, bins of equally many": estimate(expected_calibration_error, right, surest, adaptive=True),
    }
    guesses = [label_path(labels[code]) for code in predicted]
    for level in range(1, max(3, *(len(label_path(label)) for label in labels))):
        deep = [row for row, path in enumerate(paths) if len(path) >= level]
        hits = np.array([paths[row][:level] == guesses[row][:level] for row in deep])
        figures[f"accuracy at level {level}"] = estimate(mean, hits, buckets=None if buckets is None else buckets[deep])
    figures |= _levels(paths, labels, scores, buckets)
    return results_of(figures, task=NAME, target="leaf", modality=modality, method=method)


def _levels(
    paths: Sequence[tuple[str, ...]], labels: Sequence[str], scores: np.ndarray, buckets: np.ndarray | None
) -> dict[str, Estimate]:
    """Figures of the levels above the deepest one, over rows whose true path is that deep.

    The answer of a level is what stands there above the most likely leaf, and its chance the sum of all leaves below.
    """
    if not len(scores):
        return {}
    tree = CategoryTree.of_labels(labels)
    chances = tree.chances(scores)
    best = scores.argmax(axis=1)
    figures: dict[str, Estimate] = {}
    for level in range(1, tree.walk.shape[1]):
        rows = np.array([row for row, path in enumerate(paths) if len(path) >= level], dtype=np.int64)
        columns = np.array([column for column, node in enumerate(tree.nodes) if len(node) == level], dtype=np.int64)
        if not len(rows):
            continue
        place = {tree.nodes[column]: number for number, column in enumerate(columns)}
        truth = np.array([place.get(paths[row][:level], -1) for row in rows], dtype=np.int64)
        of_class = np.array([place.get(path[:level], -2) for path in tree.classes], dtype=np.int64)
        guess = of_class[best[rows]]
        level_chances = chances[rows][:, columns]
        surest = np.where(guess >= 0, level_chances[np.arange(len(rows)), np.maximum(guess, 0)], 0.0)
        these = None if buckets is None else buckets[rows]
        found = {
            "macro-F1": estimate(macro_f1, truth, guess, buckets=these),
            f"top-{TOP_K} accuracy": estimate(top_k_accuracy, truth, level_chances, k=TOP_K, buckets=these),
            COVERAGE: estimate(
                coverage_at_precision, truth == guess, surest, precision=WANTED_PRECISION, buckets=these
            ),
            ECE: estimate(expected_calibration_error, truth == guess, surest, buckets=these),
        }
        figures |= {f"{name} at level {level}": each for name, each in found.items()}
    return figures


def decision_results(
    paths: Sequence[tuple[str, ...]],
    labels: Sequence[str],
    scores: np.ndarray,
    confidence: float | np.ndarray,
    *,
    modality: str,
    method: str,
    buckets: np.ndarray | None = None,
) -> list[Result]:
    """How answers fare that walk up to a parent where the leaf is not sure enough, at the thresholds of validation.

    Args:
        paths: True path of each test row [n], none empty.
        labels: Classes [C] of the head.
        scores: [n, C], chances that sum to 1.
        confidence: Least chance of what is answered, one for all or one a row [n].
        modality: Of the features.
        method: Of the table.
        buckets: [n] bucket of each row's product, for intervals.
    """
    if not len(scores):
        return []
    tree = CategoryTree.of_labels(labels)
    nodes, _, climbed = tree.climbed(scores, confidence)
    answered = np.flatnonzero(nodes >= 0).tolist()
    right = np.array([is_at_or_above(tree.nodes[nodes[row]], paths[row]) for row in answered], dtype=bool)
    figures = {
        "share answered with the leaf": estimate(mean, climbed == 0, buckets=buckets),
        "share answered with the leaf or a parent": estimate(mean, nodes >= 0, buckets=buckets),
        "precision of these answers": estimate(mean, right, buckets=None if buckets is None else buckets[answered]),
    }
    return results_of(figures, task=NAME, target="leaf", modality=modality, method=method)


def reliability_line(
    paths: Sequence[tuple[str, ...]], labels: Sequence[str], scores: np.ndarray, *, modality: str, method: str
) -> Curve:
    """How often answers are right, over how likely they say they are: on the diagonal for perfect calibration."""
    index = {label: code for code, label in enumerate(labels)}
    truth = np.array([index.get(path_label(path), -1) for path in paths], dtype=np.int64)
    means, shares, _ = reliability(truth == scores.argmax(axis=1), scores.max(axis=1))
    return Curve(
        task=NAME,
        name="right answers by confidence",
        modality=modality,
        method=method,
        x_label="confidence",
        y_label="share of right answers",
        x=means.tolist(),
        y=shares.tolist(),
    )


def _names(labels: Sequence[str], codes: np.ndarray) -> np.ndarray:
    return np.array([labels[code] for code in codes])
