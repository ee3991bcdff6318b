"""The category of new listings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.tasks.category.targets import NAME, label_path
from eclip.tasks.heads.modal import ModalHeads


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
