"""The tree that category labels span, and chances that agree on every level.

The chance of a node is the sum over the classes at or below it, so that a parent is never less likely than its leaf,
and all nodes of one level under one parent are at most as likely together as the parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eclip.tasks.category.targets import label_path

ROWS_AT_ONCE = 4096  # whose chances of all nodes are in memory


@dataclass(frozen=True)
class CategoryTree:
    """Classes and all nodes above them.

    Attributes:
        classes: Path of each class [C], root to leaf; a class may stand above another one.
        nodes: All their prefixes [M], shallow first.
        above: [C, M], 1 where a node is a class or stands above it.
        walk: [C, deepest] number of the node at each depth of a class's path, from the class upwards; -1 = past the
            root.
    """

    classes: tuple[tuple[str, ...], ...]
    nodes: tuple[tuple[str, ...], ...]
    above: sparse.csr_matrix
    walk: np.ndarray

    @classmethod
    def of_labels(cls, labels: Sequence[str]) -> CategoryTree:
        """The tree of a head's labels [C], at least one."""
        classes = tuple(label_path(label) for label in labels)
        prefixes = {path[:depth] for path in classes for depth in range(1, len(path) + 1)}
        nodes = tuple(sorted(prefixes, key=lambda path: (len(path), path)))
        numbers = {path: number for number, path in enumerate(nodes)}
        walk = np.full((len(classes), max(map(len, classes))), -1, dtype=np.int64)
        for row, path in enumerate(classes):
            walk[row, : len(path)] = [numbers[path[:depth]] for depth in range(len(path), 0, -1)]
        rows, steps = np.nonzero(walk >= 0)
        above = sparse.csr_matrix(
            (np.ones(len(rows), dtype=np.float32), (rows, walk[rows, steps])), shape=(len(classes), len(nodes))
        )
        return cls(classes, nodes, above, walk)

    def chances(self, probabilities: np.ndarray) -> np.ndarray:
        """Chance [n, M] of each node, from those of the classes [n, C]."""
        return np.asarray((self.above.T @ probabilities.T).T)

    def ways_up(self, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nodes from the most likely class up to its root [n, deepest], and their chances; -1 past the root.

        Args:
            probabilities: [n, C].
        """
        path = self.walk[probabilities.argmax(axis=1)]
        chances = np.full(path.shape, -1.0, dtype=np.float32)
        for start in range(0, len(path), ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            everywhere = self.chances(probabilities[some])
            found = np.take_along_axis(everywhere, np.maximum(path[some], 0), axis=1)
            chances[some] = np.where(path[some] >= 0, found, -1.0)
        return path, chances

    def climbed(
        self, probabilities: np.ndarray, confidence: float | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Walk up from the most likely class until a node is likely enough.

        Args:
            probabilities: [n, C].
            confidence: Least chance of what is answered, one for all or one a row [n].

        Returns:
            Nodes [n] (-1 where not even the root is likely enough), their chances [n] (the root's there), and how
            many levels were climbed [n].
        """
        path, chances = self.ways_up(probabilities)
        rows = np.arange(len(path))
        enough = chances >= np.reshape(confidence, (-1, 1))
        found = enough.any(axis=1)
        roots = (path >= 0).sum(axis=1) - 1
        steps = np.where(found, enough.argmax(axis=1), roots)
        nodes = np.where(found, path[rows, steps], -1)
        return nodes, chances[rows, steps], np.where(found, steps, steps + 1)


def is_at_or_above(node: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether a listing of a category with this path lies in the node."""
    return path[: len(node)] == node
