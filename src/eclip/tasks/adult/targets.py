"""Adult product recognition: what a listing is rated, when it is not for everybody.

Levels are `schema.POLICIES`: adult (goods for sexual use, pornography), age-restricted (alcohol, tobacco),
sensitive (sexual health, arms). Few products have one, so classes weigh alike in training and the figures are those
of a ranking.
"""

from __future__ import annotations

import numpy as np

from eclip.schema import POLICIES, SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.heads.linear import Target
from eclip.tasks.results import Skipped

NAME = "adult"
ADULT = POLICIES[0]
EVERYBODY = "everybody"
CLASSES = (EVERYBODY, *POLICIES)  # of every answer, in this order
MIN_SUPPORT = 5  # train products of a level, below which it is not learned


def adult_target(catalogue: Catalogue) -> Target | Skipped:
    """One class for everybody and one for each level that enough train products have; rows of others are left out."""
    train = catalogue.policies[catalogue.rows_of(SPLITS[0])]
    support = {level: int((train == level).sum()) for level in POLICIES}
    levels = [level for level in POLICIES if support[level] >= MIN_SUPPORT]
    if not levels:
        most = max(POLICIES, key=lambda level: support[level])
        reason = (
            f"{support[most]} train products have the policy {most!r} and no other has more, {MIN_SUPPORT} are needed: "
            "answers come from the terms of titles alone"
        )
        return Skipped(task=NAME, reason=reason)
    if sum(support.values()) == len(train):
        return Skipped(task=NAME, reason=f"every train product has a policy ({levels[0]!r}): nothing to tell it from")
    labels = (EVERYBODY, *levels)
    codes = np.full(catalogue.num_rows, -1, dtype=np.int64)
    for code, label in enumerate(labels):
        codes[catalogue.policies == (None if label == EVERYBODY else label)] = code
    return Target(name=NAME, labels=labels, codes=codes, balanced=True)


def policy_codes(policies: np.ndarray) -> np.ndarray:
    """Place [N] of each policy in `CLASSES`; 0 for none."""
    places = {label: code for code, label in enumerate(CLASSES)}
    return np.array([places.get(policy, 0) for policy in policies.tolist()], dtype=np.int64)
