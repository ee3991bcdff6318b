"""Category classification: which leaf of the shop's category tree a listing belongs to.

A class is a whole path from root to leaf, so that two leaves of one name under different parents differ,
and every level follows from the leaf: levels never contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.heads.linear import Target
from eclip.tasks.results import Skipped

NAME = "category"
SEPARATOR = " > "  # between the names of a path in a label; feeds split their categories there, too


def path_label(path: Sequence[str]) -> str:
    """Label of a path: "Apparel > Topwear > Shirts"."""
    return SEPARATOR.join(path)


def label_path(label: str) -> tuple[str, ...]:
    """Path of a label."""
    return tuple(label.split(SEPARATOR))


def category_target(catalogue: Catalogue, leaves: Sequence[Sequence[str]] = ()) -> Target | Skipped:
    """One class a leaf that occurs in the train split or is given; other leaves have no code (-1).

    Args:
        catalogue: Products to learn from.
        leaves: Paths of further classes, that no train row need have.
    """
    names = [path_label(path) if path else None for path in catalogue.categories]
    found = {n for n in (names[row] for row in catalogue.rows_of(SPLITS[0])) if n is not None}
    labels = tuple(sorted(found | {path_label(path) for path in leaves}))
    if len(labels) < 2:
        return Skipped(task=NAME, reason=_too_few(labels))
    index = {label: code for code, label in enumerate(labels)}
    codes = np.array([-1 if name is None else index.get(name, -1) for name in names], dtype=np.int64)
    return Target(name=NAME, labels=labels, codes=codes)


def _too_few(labels: Sequence[str]) -> str:
    found = f"one category ({labels[0]})" if labels else "no category"
    return (
        f"the train split has {found}, at least 2 are needed: give the feed's category column to `eclip prepare` "
        "(--columns category=...), or the paths to choose from to `eclip fit` (--categories FILE)"
    )
