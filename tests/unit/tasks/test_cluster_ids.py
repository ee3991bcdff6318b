"""Ids of clusters that outlive an update."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from eclip.tasks.clustering.ids import MERGED, SPLIT, Change, stable_ids


def named(clusters, product_ids, previous=None):
    ids, changes = stable_ids(np.array(clusters), product_ids, previous or {})
    return dict(zip(product_ids, (ids[number] for number in clusters), strict=True)), changes


def test_the_same_clusters_keep_their_ids_in_any_order():
    first, _ = named([0, 0, 1, 2], ["a", "b", "c", "d"])
    assert len(set(first.values())) == 3
    again, changes = named([0, 1, 2, 1], ["d", "b", "c", "a"], first)
    assert again == first
    assert not changes


def test_a_split_leaves_the_id_with_the_larger_part_and_is_reported():
    old, _ = named([0, 0, 0], ["a", "b", "c"])
    new, changes = named([0, 1, 1], ["a", "b", "c"], old)
    assert new["b"] == new["c"] == old["a"]
    assert new["a"] not in old.values()  # though an id made of "a" is what the old one was
    assert changes == [Change(kind=SPLIT, cluster_id=old["a"], others=(old["a"], new["a"]))]


def test_a_merge_keeps_the_id_of_the_larger_one_and_is_reported():
    old, _ = named([0, 1, 1], ["a", "b", "c"])
    new, changes = named([0, 0, 0, 0], ["a", "b", "c", "d"], old)
    assert set(new.values()) == {old["b"]}
    assert changes == [Change(kind=MERGED, cluster_id=old["b"], others=(old["b"], old["a"]))]


def test_an_id_of_listings_that_are_gone_is_not_given_to_new_ones():
    old, _ = named([0], ["a"])
    new, _ = named([0], ["b"], old)
    assert new["b"] != old["a"]


def test_an_exchange_of_members_is_split_and_merge():
    old = {"a": "x", "b": "x", "c": "x", "d": "y", "e": "y"}
    new, changes = named([0, 0, 1, 1, 1], ["a", "b", "c", "d", "e"], old)
    assert new == {"a": "x", "b": "x", "c": "y", "d": "y", "e": "y"}
    assert [(c.kind, c.cluster_id, c.others) for c in changes] == [(SPLIT, "x", ("x", "y")), (MERGED, "y", ("y", "x"))]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.lists(st.integers(0, 5), min_size=12, max_size=12))
def test_ids_are_one_to_one_and_the_greatest_overlap_always_wins(first, second):
    names = [f"p{number}" for number in range(len(first))]
    old, _ = named(np.unique(first, return_inverse=True)[1].tolist(), names)
    clusters = np.unique(second[: len(names)], return_inverse=True)[1]
    ids, _ = stable_ids(clusters, names, old)
    assert len(set(ids)) == len(ids)
    pairs = [(clusters[row], old[name]) for row, name in enumerate(names)]
    most = max(pairs.count(pair) for pair in pairs)
    assert any(pairs.count(pair) == most and ids[pair[0]] == pair[1] for pair in pairs)
