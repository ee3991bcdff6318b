"""How our category answers fare at the thresholds that validation chose, and how sure they may be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eclip.tasks.catalogue import Catalogue
from eclip.tasks.category.decisions import read_decisions
from eclip.tasks.category.results import decision_results, reliability_line
from eclip.tasks.results import OUR_METHOD, Curve, Result


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
    decision = read_decisions(folder)[modality]
    results = decision_results(paths, labels, scores, decision, modality=modality, method=OUR_METHOD, buckets=buckets)
    return results, reliability_line(paths, labels, scores, modality=modality, method=OUR_METHOD)
