"""The judge of edges: boosted trees over what is known of each, calibrated, with the log odds from which pairs join."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eclip.errors import ModelError
from eclip.metrics import cluster_scores
from eclip.tasks.clustering.context import context_features
from eclip.tasks.clustering.contraction import contract_edges
from eclip.tasks.matching.trees import Trees, committee, fit_trees

NUM_FOLDS = 4
NUM_TREES = 80
LEARNING_RATE = 0.1
MAX_LEAVES = 20
MIN_EDGES = 50  # of either answer
BARS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5)  # log odds tried; below the first a pair is one product in 1 of 8 cases
MISSING = (-2.0, -1.0, 0.0)  # likewise, beside the bar
TOLERANCE = 0.005  # of the figure
_AT_ONCE = 200_000  # edges judged
Columns = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class EdgeModel:
    """What makes clusters of a graph.

    Attributes:
        names: Columns in the order of the trees.
        trees: The log odds of an edge by itself.
        context_names: Columns of the second trees: the same, and what the rest of the graph says.
        context_trees: The log odds of an edge in its graph.
        slope: Of Platt's calibration of these.
        intercept: Likewise.
        bar: Calibrated log odds from which two clusters are put together.
        missing: How far below the bar a pair counts that is no edge; not above 0.
        one_a_seller: Whether a seller lists a product once.
        facts: Of which of `eclip.tasks.clustering.listings.FACTS` a product has one.
    """

    names: tuple[str, ...]
    trees: Trees
    context_names: tuple[str, ...]
    context_trees: Trees
    slope: float
    intercept: float
    bar: float
    missing: float
    one_a_seller: bool
    facts: tuple[str, ...]

    def log_odds(self, columns: Columns, left: np.ndarray, right: np.ndarray, sellers: np.ndarray) -> np.ndarray:
        """Calibrated log odds [E] that the two listings of an edge are one product.

        Args:
            columns: What is known of each edge by itself.
            left: [E] rows.
            right: [E] rows.
            sellers: [N] codes of who lists a product once; -1 = not known.
        """
        alone = _judged(self.trees, columns, self.names)
        columns = columns | context_features(alone, left, right, sellers)
        return self.slope * _judged(self.context_trees, columns, self.context_names) + self.intercept

    def as_json(self) -> dict[str, Any]:
        """For a task's JSON file."""
        own = {"names": list(self.names), "context_names": list(self.context_names)}
        numbers = {"slope": self.slope, "intercept": self.intercept, "bar": self.bar, "missing": self.missing}
        rules = {"one_a_seller": self.one_a_seller, "facts": list(self.facts)}
        trees = {"trees": self.trees.as_json(), "context_trees": self.context_trees.as_json()}
        return {**own, **numbers, **rules, **trees}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> EdgeModel:
        """Of what `as_json` gave.

        Raises:
            ModelError: It is damaged.
        """
        trees, context_trees = Trees.from_json(content["trees"]), Trees.from_json(content["context_trees"])
        names, context_names = tuple(content["names"]), tuple(content["context_names"])
        if trees.uses() > len(names) or context_trees.uses() > len(context_names):
            raise ModelError("the trees of clustering ask for columns that they have not; run `eclip fit` again")
        numbers = {name: float(content[name]) for name in ("slope", "intercept", "bar", "missing")}
        return cls(
            names=names,
            trees=trees,
            context_names=context_names,
            context_trees=context_trees,
            one_a_seller=bool(content["one_a_seller"]),
            facts=tuple(content["facts"]),
            **numbers,
        )


def fit_edges(
    columns: Columns,
    left: np.ndarray,
    right: np.ndarray,
    same: np.ndarray,
    families: np.ndarray,
    *,
    sellers: np.ndarray,
    facts: tuple[str, ...],
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[EdgeModel, np.ndarray]:
    """Fit both kinds of trees and their calibration; an edge is judged only by trees that did not see its family.

    The second trees are fitted on what the first ones said of edges that they did not see (stacking).

    Args:
        columns: Of E edges.
        left: [E] rows.
        right: [E] rows.
        same: [E] whether the two are one product.
        families: [E] edges of one family are held out together: of one product, or of one kind of product where
            other kinds are to come.
        sellers: [N] codes of who lists a product once; all -1 = nobody does.
        facts: Kept for whoever clusters.
        seed: Of folds and trees.
        advance: Told of each fold done.

    Returns:
        The model, with a bar of 0, and the held-out calibrated log odds [E].
    """
    from sklearn.linear_model import LogisticRegression

    folds = _folds(families, seed=seed)
    trees, alone = _cross_fitted(columns, same, folds, seed=seed, advance=advance)
    in_graph = columns | context_features(alone, left, right, sellers)
    context_trees, held_out = _cross_fitted(in_graph, same, folds, seed=seed, advance=advance)
    platt = LogisticRegression(C=100.0, max_iter=200).fit(held_out[:, None], same)
    slope, intercept = max(float(platt.coef_[0, 0]), 1e-3), float(platt.intercept_[0])
    model = EdgeModel(
        names=tuple(columns),
        trees=trees,
        context_names=tuple(in_graph),
        context_trees=context_trees,
        slope=slope,
        intercept=intercept,
        bar=0.0,
        missing=MISSING[0],
        one_a_seller=bool((sellers >= 0).any()),
        facts=facts,
    )
    return model, slope * held_out + intercept


def _cross_fitted(
    columns: Columns, same: np.ndarray, folds: np.ndarray, *, seed: int, advance: Callable[[int], None]
) -> tuple[Trees, np.ndarray]:
    """A committee of one ensemble a fold, and the log odds [E] of each edge by the one that did not see it."""
    matrix = _matrix(columns, tuple(columns))
    members, held_out = [], np.zeros(len(same))
    for fold in range(int(folds.max()) + 1):
        held = folds == fold
        member = fit_trees(
            matrix[~held],
            same[~held],
            seed=seed * NUM_FOLDS + fold,
            num_trees=NUM_TREES,
            learning_rate=LEARNING_RATE,
            max_leaves=MAX_LEAVES,
        )
        held_out[held] = member.log_odds(matrix[held])
        members.append(member)
        advance(1)
    return committee(members), held_out


def choose_bar(
    model: EdgeModel,
    truth: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    log_odds: np.ndarray,
    *,
    owners: np.ndarray,
    facts: np.ndarray,
    figure: Callable[[np.ndarray, np.ndarray], float] | None = None,
) -> EdgeModel:
    """The model with the bar and the log odds of missing pairs that cluster listings of known product best.

    Of bars as good as the best one but for `TOLERANCE` the lowest is taken: products that were not learned from get
    lower odds, so that a bar that is none too low here is none too high there.

    Args:
        model: Whose bar.
        truth: [N] product of each listing.
        left: [E] rows of the edges.
        right: [E] rows.
        log_odds: [E] by trees that did not see the edge.
        owners: [N] as `contract_edges` takes them.
        facts: [F, N] likewise.
        figure: What is best, of truth and clusters; None = pairwise F1.
    """
    figure = figure or (lambda true, found: cluster_scores(true, found).pairwise_f1)
    tried = [
        (
            figure(
                truth,
                contract_edges(len(truth), left, right, log_odds - bar, missing=missing, owners=owners, facts=facts),
            ),
            bar,
            missing,
        )
        for bar in BARS
        for missing in MISSING
    ]
    best = max(found for found, _, _ in tried)
    _, bar, missing = min((each for each in tried if each[0] >= best - TOLERANCE), key=lambda each: (each[1], -each[0]))
    return replace(model, bar=bar, missing=missing)


def _folds(families: np.ndarray, *, seed: int) -> np.ndarray:
    """A fold [E] for each edge, one for all of a family; families are dealt out, the largest first."""
    _, members, sizes = np.unique(families, return_inverse=True, return_counts=True)
    num_folds = min(NUM_FOLDS, len(sizes))
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    dealt = np.empty(len(sizes), dtype=np.int64)
    dealt[order] = np.arange(len(sizes)) % num_folds
    return dealt[members]


def _judged(trees: Trees, columns: Columns, names: tuple[str, ...]) -> np.ndarray:
    """Log odds [E], some edges at a time: all columns of millions side by side would be the most memory of all."""
    num_edges = len(columns[names[0]]) if names else 0
    parts = [
        trees.log_odds(_matrix({name: columns[name][at : at + _AT_ONCE] for name in names}, names))
        for at in range(0, num_edges, _AT_ONCE)
    ]
    return np.concatenate([*parts, np.zeros(0)])


def _matrix(columns: Columns, names: tuple[str, ...]) -> np.ndarray:
    return np.stack([columns[name] for name in names], axis=1).astype(np.float64)
