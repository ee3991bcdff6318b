"""Adult product recognition: is a listing for adults only?

Few products are, so classes weigh alike in training and the figures are those of a ranking.
"""

from __future__ import annotations

import numpy as np

from eclip.schema import POLICIES, SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.heads.linear import Target
from eclip.tasks.results import Skipped

NAME = "adult"
ADULT = POLICIES[0]
LABELS = ("everybody", ADULT)
MIN_SUPPORT = 5  # adult products in the train split, below which nothing is learned


def adult_target(catalogue: Catalogue) -> Target | Skipped:
    """Two classes: policy "adult", and all else."""
    codes = (catalogue.policies == ADULT).astype(np.int64)
    train = codes[catalogue.rows_of(SPLITS[0])]
    if train.sum() < MIN_SUPPORT:
        return Skipped(
            task=NAME,
            reason=f"{train.sum()} train products have the policy {ADULT!r}, {MIN_SUPPORT} are needed",
        )
    if train.sum() == len(train):
        return Skipped(task=NAME, reason=f"every train product has the policy {ADULT!r}")
    return Target(name=NAME, labels=LABELS, codes=codes, balanced=True)
