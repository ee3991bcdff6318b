"""How our category answers fare at the thresholds that validation chose, how sure they may be, and where they err."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eclip.tasks.catalogue import Catalogue
from eclip.tasks.category.decisions import read_decisions
from eclip.tasks.category.results import decision_results, reliability_line
from eclip.tasks.category.targets import label_path, path_label
from eclip.tasks.results import OUR_METHOD, Card, Curve, Gallery, Result

NUM_MISTAKES = 12


def leaf_decisions(
    catalogue: Catalogue,
    folder: Path,
    rows: np.ndarray,
    labels: Sequence[str],
    scores: np.ndarray,
    *,
    modality: str,
    buckets: np.ndarray,
) -> tuple[list[Result], Curve]:
    """Figures of answers that walk up to a parent, and the line of right answers by confidence.

    Args:
        catalogue: Products with their true categories.
        folder: MODEL/tasks/category.
        rows: Test rows [n], each with a category.
        labels: Classes [C] of the head.
        scores: [n, C], chances that sum to 1.
        modality: Of the features.
        buckets: [n] bucket of each row's product, for intervals.
    """
    paths = [catalogue.categories[row] for row in rows]
    confidence = _confidences(catalogue, folder, rows, modality)
    results = decision_results(paths, labels, scores, confidence, modality=modality, method=OUR_METHOD, buckets=buckets)
    return results, reliability_line(paths, labels, scores, modality=modality, method=OUR_METHOD)


def _confidences(catalogue: Catalogue, folder: Path, rows: np.ndarray, modality: str) -> np.ndarray:
    """Least chance [n] of what is answered; rows of "both" that lack a half are answered, and decided, by the other."""
    decisions = read_decisions(folder)
    found = np.full(len(rows), decisions[modality].confidence)
    if modality == "both":
        lacking = ~catalogue.complete(modality)
        for half in ("text", "image"):
            if half in decisions:
                found[(lacking & catalogue.complete(half))[rows]] = decisions[half].confidence
    return found


def leaf_mistakes(
    catalogue: Catalogue, labels: Sequence[str], rows: np.ndarray, scores: np.ndarray, modality: str
) -> Gallery:
    """The most confident wrong categories: often the feed's own mistakes.

    Args:
        catalogue: The products.
        labels: Classes [C].
        rows: [n] of the catalogue.
        scores: [n, C].
        modality: Of the features.
    """
    best = scores.argmax(axis=1)
    confidences = scores.max(axis=1)
    wrong = [
        place
        for place in np.argsort(-confidences, kind="stable")
        if label_path(labels[best[place]]) != catalogue.categories[rows[place]]
    ]
    cards = []
    for place in wrong[:NUM_MISTAKES]:
        row = rows[place]
        said, true = labels[best[place]], path_label(catalogue.categories[row])
        note = f"said {said} ({confidences[place]:.2f}), is {true}"
        cards.append(Card(product_id=str(catalogue.product_ids[row]), title=catalogue.titles[row], note=note))
    return Gallery(kind="mistake", title=f"Most confident wrong categories ({modality})", cards=cards)
