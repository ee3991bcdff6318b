"""Category classification: which leaf of the shop's category tree a listing belongs to.

A class is a whole path from root to leaf, so that two leaves of one name under different parents differ,
and every level follows from the leaf: levels never contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.metrics import accuracy, level_accuracy, macro_f1, top_k_accuracy
from eclip.schema import SPLITS
from eclip.tasks.base import Catalogue
from eclip.tasks.heads import Target
from eclip.tasks.modal import ModalHeads
from eclip.tasks.results import Result, Skipped

NAME = "category"
SEPARATOR = " > "  # between the names of a path in a label; feeds split their categories there, too
TOP_K = 5


def path_label(path: Sequence[str]) -> str:
    """Label of a path: "Apparel > Topwear > Shirts"."""
    return SEPARATOR.join(path)


def label_path(label: str) -> tuple[str, ...]:
    """Path of a label."""
    return tuple(label.split(SEPARATOR))


def category_target(catalogue: Catalogue) -> Target | Skipped:
    """One class a leaf that occurs in the train split; other leaves have no code (-1)."""
    names = [path_label(path) if path else None for path in catalogue.categories]
    labels = tuple(sorted({n for n in (names[row] for row in catalogue.rows_of(SPLITS[0])) if n is not None}))
    if len(labels) < 2:
        return Skipped(task=NAME, reason=f"the train split has {len(labels)} categories, at least 2 are needed")
    index = {label: code for code, label in enumerate(labels)}
    codes = np.array([-1 if name is None else index.get(name, -1) for name in names], dtype=np.int64)
    return Target(name=NAME, labels=labels, codes=codes)


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


def predict_category(
    heads: ModalHeads, image_vectors: np.ndarray, text_vectors: np.ndarray, titles: Sequence[str | None]
) -> tuple[list[tuple[str, ...] | None], np.ndarray]:
    """Category of each row by the richest modality it has.

    Args:
        heads: That `fit` wrote for this task.
        image_vectors: [N, D], NaN rows where missing.
        text_vectors: [N, D], NaN rows where missing.
        titles: [N], None where missing.

    Returns:
        Paths root to leaf (None where nothing is known of the row), and confidences [N] (NaN there).
    """
    labels, confidences = heads.predict(NAME, heads.inputs(image_vectors, text_vectors, titles))
    return [None if label is None else label_path(label) for label in labels], confidences


def _names(labels: Sequence[str], codes: np.ndarray) -> np.ndarray:
    return np.array([labels[code] for code in codes])
