"""Catalogs from scratch: the whole way from listings to clusters, and how it is learned from listings of known product.

listings -> title terms -> neighbour graph -> what is known of each edge -> log odds -> contraction -> certainty
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from eclip.progress import stage
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.clustering.certainty import Certainty, certainty
from eclip.tasks.clustering.contraction import contract_edges
from eclip.tasks.clustering.edgemodel import MIN_EDGES, EdgeModel, choose_bar, fit_edges
from eclip.tasks.clustering.edges import edge_features
from eclip.tasks.clustering.graph import Graph, neighbour_graph
from eclip.tasks.clustering.listings import FACTS, Listings
from eclip.tasks.clustering.terms import title_terms
from eclip.tasks.clustering.thresholds import labelled_rows
from eclip.tasks.matching.groups import Groups

UNLIKELY = -3.0  # log odds, beside the bar, of a pair that is no edge: for confidence
ENOUGH_EDGES = 200  # of one product, in a validation split that is learned from alone
RULE_BREAKS = 0.01  # share of true pairs that a rule may contradict, and still be taken for one


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """N listings in clusters.

    Attributes:
        clusters: [N] int64 numbers from 0, in order of first appearance.
        certainty: How sure each place is.
        left: [E] rows of the edges that were judged.
        right: [E] rows.
        log_odds: [E] of being one product.
    """

    clusters: np.ndarray
    certainty: Certainty
    left: np.ndarray
    right: np.ndarray
    log_odds: np.ndarray


def cluster_listings(listings: Listings, model: EdgeModel, *, seed: int = 0) -> Clustering:
    """Put the listings of one product together, without being told how many products there are.

    Args:
        listings: N listings of any sellers.
        model: That `fit_clustering` learned.
        seed: Of the approximate search among very many vectors.
    """
    sellers, facts = _forbidding(listings, one_a_seller=model.one_a_seller, facts=model.facts)
    graph, columns = _judged_graph(listings, sellers, seed=seed)
    log_odds = model.log_odds(columns, graph.left, graph.right, sellers)
    clusters = contract_edges(
        len(listings),
        graph.left,
        graph.right,
        log_odds - model.bar,
        missing=model.missing,
        owners=sellers,
        facts=facts,
    )
    # The bar is the point from which clusters join: as likely as not, for whoever reads the confidence.
    probabilities = _sigmoid(log_odds - model.bar)
    probabilities[_forbidden(facts, graph)] = 0
    sure = certainty(clusters, graph.left, graph.right, probabilities, missing=float(_sigmoid(UNLIKELY)))
    return Clustering(clusters=clusters, certainty=sure, left=graph.left, right=graph.right, log_odds=log_odds)


def fit_clustering(
    listings: Listings,
    truth: np.ndarray,
    *,
    families: np.ndarray | None = None,
    figure: Callable[[np.ndarray, np.ndarray], float] | None = None,
    min_edges: int = MIN_EDGES,
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> EdgeModel | None:
    """Learn which edges join listings of one product; None where there are too few edges of either answer.

    Which rules hold (one seller lists a product once; a product has one barcode, one model number) is taken from
    `truth` as well: one that more than `RULE_BREAKS` of the true pairs contradict is no rule there.

    Args:
        listings: N listings.
        truth: [N] int64 product of each, whole products.
        families: [N] edges of one family are held out together, by their first listing; None = families are products.
            Give kinds of products where the model is meant for other kinds.
        figure: What the bar makes best, of truth and clusters; None = pairwise F1.
        min_edges: Of either answer, below which nothing is learned.
        seed: Of folds and trees.
        advance: Told of each fold done.
    """
    one_a_seller, facts_held = rules_that_hold(listings, truth)
    sellers, facts = _forbidding(listings, one_a_seller=one_a_seller, facts=facts_held)
    graph, columns = _judged_graph(listings, sellers, seed=seed)
    same = truth[graph.left] == truth[graph.right]
    family = (truth if families is None else families)[graph.left]
    if min(same.sum(), (~same).sum()) < min_edges or len(np.unique(family)) < 2:
        return None
    model, held_out = fit_edges(
        columns, graph.left, graph.right, same, family, sellers=sellers, facts=facts_held, seed=seed, advance=advance
    )
    return choose_bar(model, truth, graph.left, graph.right, held_out, owners=sellers, facts=facts, figure=figure)


def fit_store_clustering(catalogue: Catalogue, groups: Groups, *, seed: int) -> dict[str, Any] | None:
    """What `fit_clustering` learns of a store's listings of known group, for the task's JSON file; or None.

    Learned from the validation split, where it has `ENOUGH_EDGES` of one product: the towers have been fitted to the
    train split, so that mates are closer there than they will ever be again. Otherwise from both splits.
    """
    listings, everyone = Listings.of_catalogue(catalogue), np.ones(catalogue.num_rows, dtype=bool)
    train, held = (labelled_rows(catalogue, groups, split, everyone, seed=seed) for split in SPLITS[:2])
    with stage("Learning which neighbours are one product", None, unit="folds") as advance:
        for rows, least in ((held, ENOUGH_EDGES), (np.sort(np.concatenate([train, held])), MIN_EDGES)):
            model = fit_clustering(listings.take(rows), groups.ids[rows], min_edges=least, seed=seed, advance=advance)
            if model is not None:
                return model.as_json()
    return None


def rules_that_hold(listings: Listings, truth: np.ndarray) -> tuple[bool, tuple[str, ...]]:
    """Whether a seller lists a product once, and of which facts a product has one, as far as `truth` [N] shows."""
    one_a_seller = _breaks(listings.sellers, truth, clash_if_equal=True) <= RULE_BREAKS
    facts = [
        name
        for name, codes in zip(FACTS, listings.facts, strict=True)
        if _breaks(codes, truth, clash_if_equal=False) <= RULE_BREAKS
    ]
    return bool((listings.sellers >= 0).any()) and one_a_seller, tuple(facts)


def _breaks(codes: np.ndarray, truth: np.ndarray, *, clash_if_equal: bool) -> float:
    """Share of the pairs of one product, both of known code, whose codes are equal (or are not)."""
    known = codes >= 0
    if not known.any():
        return 0.0
    _, sizes = np.unique(truth[known], return_counts=True)
    _, equal = np.unique(np.stack([truth[known], codes[known]]), axis=1, return_counts=True)
    pairs, alike = float((sizes * (sizes - 1)).sum()), float((equal * (equal - 1)).sum())
    return (alike if clash_if_equal else pairs - alike) / pairs if pairs else 0.0


def _forbidding(listings: Listings, *, one_a_seller: bool, facts: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Codes of owners [N] and of facts [F, N] that keep listings apart."""
    sellers = listings.sellers if one_a_seller else np.full(len(listings), -1, dtype=np.int64)
    return sellers, listings.facts[[FACTS.index(name) for name in facts]]


def _judged_graph(listings: Listings, sellers: np.ndarray, *, seed: int) -> tuple[Graph, dict[str, np.ndarray]]:
    terms = title_terms(listings.titles, listings.sellers)
    graph = neighbour_graph(listings, terms, sellers=sellers, seed=seed)
    return graph, edge_features(listings, terms, graph, sellers)


def _forbidden(facts: np.ndarray, graph: Graph) -> np.ndarray:
    """[E] bool: both ends know some fact, and it is not the same."""
    one, other = facts[:, graph.left], facts[:, graph.right]
    return ((one >= 0) & (other >= 0) & (one != other)).any(axis=0)


def _sigmoid(values: np.ndarray | float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -500, 500)))
