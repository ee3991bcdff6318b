"""The baseline that looks at nothing: how often each class is right in the train split, said of every product.

A metric on which this stands high says little, whatever the methods above it.
"""

from __future__ import annotations

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.heads.linear import Target


def class_shares(catalogue: Catalogue, target: Target) -> np.ndarray | None:
    """Share [C] of each class among the labelled train rows; None where there are none."""
    codes = target.codes[catalogue.within(SPLITS[0])]
    counts = np.bincount(codes[codes >= 0], minlength=len(target.labels))
    return counts / counts.sum() if counts.any() else None


def same_scores(shares: np.ndarray, num_rows: int) -> np.ndarray:
    """Probabilities [n, C] of rows that nobody has looked at."""
    return np.tile(shares.astype(np.float32), (num_rows, 1))
