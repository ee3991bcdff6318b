"""Gradient-boosted trees as plain arrays: fitted by scikit-learn, read by a loop of our own, kept as JSON.

No pickle: what is on disk are numbers, so that a model folder of a stranger can be read without running its code.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from eclip.errors import ModelError

_TYPES = {
    "starts": "<i4",
    "feature": "<i2",
    "threshold": "<f8",
    "missing_left": "|b1",
    "left": "<i2",
    "right": "<i2",
    "value": "<f8",
}
DAMAGED = "the trees of matching are damaged; run `eclip fit` again"
NUM_TREES, LEARNING_RATE, MAX_LEAVES = 100, 0.1, 15  # 200 at half the rate cost twice as much for the same F1
MAX_SCANNED_LEAVES = 64  # of a tree: `scan_trees` keeps them in the bits of a word
MIN_FINITE = 20  # rows of a column, below which it is left out


@dataclass(frozen=True, kw_only=True)
class Trees:
    """A committee of boosted ensembles; its answer is the mean of their log odds.

    Attributes:
        bias: Mean of what each ensemble starts from.
        num_members: Ensembles.
        starts: [T + 1] first node of each tree, all ensembles' one after the other.
        feature: [M] column that a node asks for; -1 in a leaf.
        threshold: [M] a row goes left up to it.
        missing_left: [M] whether NaN goes left.
        left: [M] child, counted from the tree's first node.
        right: [M] likewise.
        value: [M] log odds of a leaf.
    """

    bias: float
    num_members: int
    starts: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        """Log odds [P] of features [P, F]; NaN = not known."""
        from eclip.tasks.matching.tree_loops import scan_trees

        return self.bias + scan_trees(np.ascontiguousarray(matrix, dtype=np.float64), *self._scan) / self.num_members

    @cached_property
    def _scan(self) -> tuple[np.ndarray, ...]:
        """The trees as `scan_trees` takes them."""
        tree = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        numbers = self._leaf_numbers()
        leaves = np.flatnonzero(self.feature < 0)
        leaves = leaves[np.lexsort((numbers[leaves], tree[leaves]))]
        asking = np.flatnonzero(self.feature >= 0)
        asking = asking[np.lexsort((self.threshold[asking], self.feature[asking]))]
        base, one = self.starts[tree[asking]], np.uint64(1)
        below = [
            (one << numbers[base + side[asking]].astype(np.uint64)) - one for side in (self.left, self.right)
        ]  # leaves before the left child's first one, and before the right child's
        return (
            np.searchsorted(self.feature[asking], np.arange(self.uses() + 1)),
            self.threshold[asking],
            self.missing_left[asking],
            tree[asking],
            ~(below[0] ^ below[1]),
            np.searchsorted(tree[leaves], np.arange(len(self.starts) - 1)),
            self.value[leaves],
        )

    def _leaf_numbers(self) -> np.ndarray:
        """[M] how many leaves of its tree stand to the left of each node; of a leaf, its number."""
        numbers = np.zeros(len(self.feature), dtype=np.int64)
        feature, left, right = (each.tolist() for each in (self.feature, self.left, self.right))
        for base in self.starts[:-1].tolist():
            waiting, leaves = [base], 0
            while waiting:
                node = waiting.pop()
                numbers[node] = leaves
                if feature[node] < 0:
                    leaves += 1
                else:
                    waiting += [base + right[node], base + left[node]]
        return numbers

    def as_json(self) -> dict[str, Any]:
        """Numbers as base64 of little-endian arrays."""
        arrays = {
            name: base64.b64encode(getattr(self, name).astype(kind).tobytes()).decode("ascii")
            for name, kind in _TYPES.items()
        }
        return {"bias": self.bias, "num_members": self.num_members, **arrays}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Trees:
        """Of what `as_json` gave.

        Raises:
            ModelError: The arrays do not belong together, or a node points outside its tree.
        """
        try:
            arrays = {name: np.frombuffer(base64.b64decode(content[name]), dtype=kind) for name, kind in _TYPES.items()}
        except ValueError as error:
            raise ModelError(f"{DAMAGED} ({error})") from error
        trees = cls(bias=float(content["bias"]), num_members=int(content["num_members"]), **arrays)
        trees.check()
        return trees

    def check(self) -> None:
        """Refuse arrays that the loop would leave: it checks no bounds.

        Raises:
            ModelError: They are not trees.
        """
        sizes = {len(getattr(self, name)) for name in _TYPES if name != "starts"}
        starts = self.starts
        fine = len(sizes) == 1 and len(starts) > 0 and starts[0] == 0 and starts[-1] in sizes
        if not fine or not (np.diff(starts) > 0).all() or not self._are_trees():
            raise ModelError(DAMAGED)

    def _are_trees(self) -> bool:
        """Whether each node but a tree's first has one parent before it, and no tree has too many leaves to scan."""
        if len(self.starts) == 1:
            return True
        sizes = np.diff(self.starts)
        first, size = np.repeat(self.starts[:-1], sizes), np.repeat(sizes, sizes)
        own, inner = np.arange(self.starts[-1]) - first, self.feature >= 0
        for child in (self.left, self.right):  # further on, so that every way ends
            if not ((child > own) & (child < size))[inner].all():
                return False
        children = np.concatenate([(first + child)[inner] for child in (self.left, self.right)])
        leaves = np.add.reduceat((~inner).astype(np.int64), self.starts[:-1])
        has_one_parent = np.bincount(children, minlength=len(own)) == (own > 0)
        return bool(has_one_parent.all() and leaves.max() <= MAX_SCANNED_LEAVES)

    def uses(self) -> int:
        """One more than the last column that is asked for."""
        return int(self.feature.max(initial=-1)) + 1

    def require_columns(self, num_columns: int) -> None:
        """Refuse trees that ask for columns beyond those there are, which the loop would read all the same.

        Raises:
            ModelError: They do.
        """
        if self.uses() > num_columns:
            raise ModelError(DAMAGED)


def fit_trees(
    matrix: np.ndarray,
    same: np.ndarray,
    *,
    seed: int,
    num_trees: int = NUM_TREES,
    learning_rate: float = LEARNING_RATE,
    max_leaves: int = MAX_LEAVES,
) -> Trees:
    """One boosted ensemble on features [P, F] of pairs known to be the same product or not [P].

    Each split looks at a random share of the columns, which makes members of a committee differ.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    usable = np.isfinite(matrix).sum(axis=0) >= MIN_FINITE
    model = HistGradientBoostingClassifier(
        max_iter=num_trees,
        learning_rate=learning_rate,
        max_leaf_nodes=max_leaves,
        min_samples_leaf=10,
        l2_regularization=3.0,
        max_features=0.4,
        early_stopping=False,
        random_state=seed,
    ).fit(np.where(usable, matrix, 0.0), same)
    return _of_nodes([tree.nodes for (tree,) in model._predictors], float(model._baseline_prediction.reshape(-1)[0]))


def _of_nodes(trees: Sequence[np.ndarray], bias: float) -> Trees:
    """scikit-learn's node records of T trees, side by side."""
    nodes = np.concatenate(trees)
    leaf = nodes["is_leaf"].astype(bool)
    arrays = {
        "starts": np.cumsum([0, *map(len, trees)]),
        "feature": np.where(leaf, -1, nodes["feature_idx"]),
        "threshold": np.where(leaf, 0.0, nodes["num_threshold"]),
        "missing_left": nodes["missing_go_to_left"],
        "left": np.where(leaf, 0, nodes["left"]),
        "right": np.where(leaf, 0, nodes["right"]),
        "value": np.where(leaf, nodes["value"], 0.0),
    }
    return Trees(bias=bias, num_members=1, **{name: arrays[name].astype(kind) for name, kind in _TYPES.items()})


def committee(members: Sequence[Trees]) -> Trees:
    """Ensembles that answer together, by the mean of their log odds."""
    offsets = np.cumsum([0, *(each.starts[-1] for each in members)])
    starts = np.concatenate([[0], *(each.starts[1:] + offset for each, offset in zip(members, offsets, strict=False))])
    joined = {name: np.concatenate([getattr(each, name) for each in members]) for name in _TYPES if name != "starts"}
    return Trees(
        bias=float(np.mean([each.bias for each in members])),
        num_members=len(members),
        starts=starts.astype(_TYPES["starts"]),
        **joined,
    )
