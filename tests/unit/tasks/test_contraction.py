"""Clusters of a sparse graph: equal to average linkage where all pairs are known, and never against a rule."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from eclip.tasks.clustering.contraction import contract_edges


def groups(clusters):
    return sorted(np.flatnonzero(clusters == number).tolist() for number in np.unique(clusters))


def slow_contraction(num_rows, left, right, weights, missing, owners, facts):
    """The obvious way: look at all pairs of clusters, merge the best, begin again."""
    weight = {frozenset(pair): w for *pair, w in zip(left.tolist(), right.tolist(), weights.tolist(), strict=True)}
    clusters = [[row] for row in range(num_rows)]
    while True:
        best = None
        for a in range(len(clusters)):
            for b in range(a + 1, len(clusters)):
                pairs = [frozenset((i, j)) for i in clusters[a] for j in clusters[b]]
                both = clusters[a] + clusters[b]
                known = [owners[row] for row in both if owners[row] >= 0]
                told = [{fact[row] for row in both if fact[row] >= 0} for fact in facts]
                mean = np.mean([weight.get(pair, missing) for pair in pairs])
                allowed = len(known) == len(set(known)) and all(len(values) < 2 for values in told)
                if any(pair in weight for pair in pairs) and allowed and mean > 0 and (not best or mean > best[0]):
                    best = mean, a, b
        if not best:
            return sorted(sorted(cluster) for cluster in clusters)
        clusters[best[1]] += clusters.pop(best[2])


@pytest.mark.parametrize("seed", range(20))
def test_equals_the_slow_way_on_random_graphs_with_rules(seed):
    rng = np.random.default_rng(seed)
    num_rows = 14
    left, right = np.triu_indices(num_rows, k=1)
    kept = rng.random(len(left)) < 0.4
    left, right = left[kept], right[kept]
    weights = rng.normal(0.5, 1.5, len(left))
    owners = rng.integers(-1, 6, num_rows)
    facts = rng.integers(-1, 2, (1, num_rows))
    facts[:, rng.random(num_rows) < 0.6] = -1
    found = contract_edges(num_rows, left, right, weights, missing=-0.3, owners=owners, facts=facts)
    assert groups(found) == slow_contraction(num_rows, left, right, weights, -0.3, owners, facts)


@pytest.mark.parametrize("seed", range(10))
def test_is_average_linkage_where_all_pairs_are_edges(seed):
    rng = np.random.default_rng(seed)
    num_rows = 30
    left, right = np.triu_indices(num_rows, k=1)
    points = rng.normal(size=(num_rows, 2))
    distances = np.linalg.norm(points[left] - points[right], axis=1)
    found = contract_edges(num_rows, left, right, 1.0 - distances, missing=-9.0)
    expected = fcluster(linkage(distances, method="average"), 1.0, criterion="distance")
    assert groups(found) == groups(expected)
    shuffled = rng.permutation(len(left))
    turned = contract_edges(num_rows, right[shuffled], left[shuffled], 1.0 - distances[shuffled], missing=-9.0)
    assert groups(turned) == groups(found)


def test_one_wrong_edge_does_not_join_two_catalogs():
    left, right = np.triu_indices(5, k=1)
    left, right = np.concatenate([left, left + 5, [0]]), np.concatenate([right, right + 5, [5]])
    weights = np.concatenate([np.full(20, 3.0), [9.0]])
    # The wrong edge is the strongest of all and taken first; it costs one listing, not a catalog.
    assert max(map(len, groups(contract_edges(10, left, right, weights, missing=-4.0)))) < 10
    weights[-1] = 2.0
    assert groups(contract_edges(10, left, right, weights, missing=-4.0)) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_rules_hold_by_way_of_a_third_listing():
    left, right = np.array([0, 1]), np.array([1, 2])
    weights = np.array([5.0, 4.0])
    assert groups(contract_edges(3, left, right, weights, missing=0.0)) == [[0, 1, 2]]
    sellers = np.array([7, -1, 7])
    assert groups(contract_edges(3, left, right, weights, missing=0.0, owners=sellers)) == [[0, 1], [2]]
    barcodes = np.array([[3, -1, 4]])
    assert groups(contract_edges(3, left, right, weights, missing=0.0, facts=barcodes)) == [[0, 1], [2]]


def test_numbers_follow_first_appearance_and_nothing_is_no_trouble():
    assert contract_edges(4, np.array([2]), np.array([0]), np.array([1.0]), missing=0.0).tolist() == [0, 1, 0, 2]
    none = np.zeros(0, dtype=np.int64)
    assert contract_edges(3, none, none, np.zeros(0), missing=-1.0).tolist() == [0, 1, 2]
    assert contract_edges(0, none, none, np.zeros(0), missing=-1.0).tolist() == []
