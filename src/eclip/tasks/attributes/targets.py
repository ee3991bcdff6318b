"""Attribute extraction: one head per attribute, with "absent" as an answer of its own.

An attribute of several values on one listing counts with its first. Values that are too rare to learn are
left out of training and stay in the tests, where they are misses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.heads.linear import Target
from eclip.tasks.results import Skipped

NAME = "attributes"
ABSENT = ""  # the label of "this listing has no such attribute"; no real value is empty
MIN_SUPPORT = 20  # train rows with the attribute, below which it is not learned
MIN_VALUE_SUPPORT = 3  # train rows with a value, below which it is no class
MAX_VALUES = 300  # most frequent values kept as classes
MIN_COVERED = 0.5  # share of the rows whose value is a class; below, it is free text and no closed set
MIN_ABSENT_SHARE = 0.01  # of train rows without the attribute, from which "absent" is a class


def attribute_values(catalogue: Catalogue, name: str) -> list[str | None]:
    """First value of the attribute on each row; None where it is missing."""
    return [(attributes.get(name) or (None,))[0] for attributes in catalogue.attributes]


def attribute_targets(catalogue: Catalogue) -> tuple[list[Target], list[Skipped]]:
    """A target for each attribute that can be learned, by name, and the reasons why others can't."""
    names = sorted({name for attributes in catalogue.attributes for name in attributes})
    if not names:
        return [], [Skipped(task=NAME, reason="no product has an attribute")]
    targets, skipped = [], []
    train = catalogue.rows_of(SPLITS[0])
    for name in names:
        target = _target(name, attribute_values(catalogue, name), train)
        if isinstance(target, Target):
            targets.append(target)
        else:
            skipped.append(target)
    return targets, skipped


def _target(name: str, values: Sequence[str | None], train: np.ndarray) -> Target | Skipped:
    """Classes of one attribute: its frequent values in the train split, and "absent" where it often is."""
    counts = Counter(value for value in (values[row] for row in train) if value)
    support = sum(counts.values())
    kept = [value for value, count in counts.most_common(MAX_VALUES) if count >= MIN_VALUE_SUPPORT]
    covered = sum(counts[value] for value in kept)
    reason = None
    if support < MIN_SUPPORT:
        reason = f"{support} train rows have it, at least {MIN_SUPPORT} are needed"
    elif covered < MIN_COVERED * support:
        reason = f"its {len(counts):,} values are no closed set (the frequent ones cover {covered / support:.0%})"
    elif len(kept) < 2:
        reason = f"{len(kept)} value occurs at least {MIN_VALUE_SUPPORT} times, at least 2 are needed"
    if reason:
        return Skipped(task=NAME, reason=f"{name}: {reason}")
    missing = len(train) - support
    labels = tuple(sorted(kept))
    if missing >= max(MIN_ABSENT_SHARE * len(train), MIN_VALUE_SUPPORT):
        labels = (*labels, ABSENT)
    index = {label: code for code, label in enumerate(labels)}
    codes = np.array([index.get(value or ABSENT, -1) for value in values], dtype=np.int64)
    return Target(name=name, labels=labels, codes=codes)
