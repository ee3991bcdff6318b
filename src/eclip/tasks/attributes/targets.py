"""What attribute extraction learns: one value of a closed set for most attributes, several for some.

A softmax head answers with one value, or with "absent"; an attribute of several values on one listing counts
there with its first. Where a real share of the listings has several, `several_targets` makes one yes-or-no a
value beside it. Values that are too rare to learn are left out of training and stay in the tests, where they
are misses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

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
MIN_SEVERAL_SHARE = 0.05  # of the train rows with the attribute, that have several values, from which each has its own


@dataclass(frozen=True, kw_only=True)
class SeveralTarget:
    """An attribute of which a listing may have several values."""

    name: str
    labels: tuple[str, ...]  # values, C of them
    marks: np.ndarray  # [N, C] bool, whether the listing has the value
    known: np.ndarray  # [N] bool, whether the listing has the attribute at all; others are left out


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


def several_targets(catalogue: Catalogue, targets: Sequence[Target]) -> list[SeveralTarget]:
    """Those of the learnable attributes of which a real share of the train rows has several values.

    Args:
        catalogue: The products.
        targets: Of `attribute_targets`.
    """
    train = catalogue.rows_of(SPLITS[0])
    found = []
    for target in targets:
        values = [attributes.get(target.name, ()) for attributes in catalogue.attributes]
        sizes = np.array([len(values[row]) for row in train])
        if (sizes > 1).sum() < MIN_SEVERAL_SHARE * (sizes > 0).sum():
            continue
        counts = Counter(value for row in train for value in set(values[row]))
        kept = [value for value, count in counts.most_common(MAX_VALUES) if count >= MIN_VALUE_SUPPORT]
        labels = tuple(sorted(kept))
        index = {label: code for code, label in enumerate(labels)}
        marks = np.zeros((len(values), len(labels)), dtype=bool)
        for row, each in enumerate(values):
            marks[row, [index[value] for value in each if value in index]] = True
        known = np.array([bool(each) for each in values], dtype=bool)
        found.append(SeveralTarget(name=target.name, labels=labels, marks=marks, known=known))
    return found
