"""The attributes of new listings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.tasks.heads.modal import ModalHeads


def predict_attributes(
    heads: ModalHeads, image_vectors: np.ndarray, text_vectors: np.ndarray, titles: Sequence[str | None]
) -> tuple[list[dict[str, str]], list[dict[str, float]]]:
    """Attributes of each row, by the richest modality it has, "absent" left out.

    Args:
        heads: That `fit` wrote for this task.
        image_vectors: [N, D], NaN rows where missing.
        text_vectors: [N, D], NaN rows where missing.
        titles: [N], None where missing.

    Returns:
        Values by attribute, and the confidence of each, one dictionary a row.
    """
    values: list[dict[str, str]] = [{} for _ in image_vectors]
    confidences: list[dict[str, float]] = [{} for _ in image_vectors]
    inputs = heads.inputs(image_vectors, text_vectors, titles)
    for name in heads.names:
        labels, chances = heads.predict(name, inputs)
        for row, (label, chance) in enumerate(zip(labels, chances.tolist(), strict=True)):
            if label:
                values[row][name], confidences[row][name] = label, chance
    return values, confidences
