"""How probably new listings are for adults only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.tasks.adult.targets import ADULT, NAME
from eclip.tasks.heads.modal import ModalHeads


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
