"""The compiled loop of `eclip.tasks.clustering.contraction`: merge the best pair of clusters until none is left.

Edges hang in lists: half 2e of edge e in the list of the cluster at its first end, half 2e + 1 at its second.
"""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from eclip.products.duplicates.compiled import compiled

_NONE = -1


@compiled
def contract(
    ends: np.ndarray, weights: np.ndarray, values: np.ndarray, owners: np.ndarray, missing: float
) -> np.ndarray:
    """Cluster [N] of each row, named after one of its rows.

    Args:
        ends: [E, 2] int64 rows of each edge, each pair of rows once.
        weights: [E] float64 log odds of being one product.
        values: [F, N] int64 codes of facts of which a cluster has one value, -1 = not known; changed.
        owners: [N] int64 codes of who lists a product once, -1 = not known.
        missing: Log odds of a pair that is no edge.
    """
    num_rows, num_edges = len(owners), len(ends)
    parents, sizes = np.arange(num_rows), np.ones(num_rows, np.int64)
    last, following = np.arange(num_rows), np.full(num_rows, _NONE, np.int64)
    seen = np.zeros(2 + (owners.max() if num_rows else 0), np.bool_)
    sums, counts = weights.copy(), np.ones(num_edges, np.int64)
    versions, alive = np.zeros(num_edges, np.int64), np.ones(num_edges, np.bool_)
    heads, tails, links = _edge_lists(ends, num_rows)
    edge_to = np.full(num_rows, _NONE, np.int64)
    heap = [(-weights[edge], edge, np.int64(0)) for edge in range(num_edges) if weights[edge] > 0]
    heapq.heapify(heap)
    while len(heap):
        _, edge, version = heapq.heappop(heap)
        if not alive[edge] or versions[edge] != version:
            continue
        one, two = _root(parents, ends[edge, 0]), _root(parents, ends[edge, 1])
        if sizes[one] > sizes[two]:
            one, two = two, one  # the smaller goes into the larger
        alive[edge] = False  # merged, or never to be
        if _values_clash(values, one, two) or _owners_clash(owners, following, seen, one, two):
            continue
        parents[one] = two
        sizes[two] += sizes[one]
        following[last[two]], last[two] = one, last[one]
        for fact in range(values.shape[0]):
            if values[fact, two] == _NONE:
                values[fact, two] = values[fact, one]
        _join_edges(one, two, parents, ends, sums, counts, alive, heads, tails, links, edge_to)
        half = heads[two]
        while half >= 0:
            near = half >> 1
            num_pairs = float(sizes[two]) * sizes[_root(parents, ends[near, 1 - (half & 1)])]
            mean = (sums[near] + missing * (num_pairs - counts[near])) / num_pairs
            versions[near] += 1
            if mean > 0:
                heapq.heappush(heap, (-mean, near, versions[near]))
            half = links[half]
    for row in range(num_rows):
        parents[row] = _root(parents, row)
    return parents


@compiled
def _root(parents: np.ndarray, node: int) -> Any:
    """The cluster that a row is in; paths are halved on the way."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@compiled
def _edge_lists(ends: np.ndarray, num_rows: int) -> Any:
    """First and last half edge [N] of each row, and the next one [2E] of each half edge; -1 = none."""
    heads, tails = np.full(num_rows, _NONE, np.int64), np.full(num_rows, _NONE, np.int64)
    links = np.full(2 * len(ends), _NONE, np.int64)
    for half in range(2 * len(ends)):
        node = ends[half >> 1, half & 1]
        if tails[node] >= 0:
            links[tails[node]] = half
        else:
            heads[node] = half
        tails[node] = half
    return heads, tails, links


@compiled
def _values_clash(values: np.ndarray, one: int, two: int) -> Any:
    """Whether both clusters know the value of some fact, and it is not the same."""
    for fact in range(values.shape[0]):
        mine, other = values[fact, one], values[fact, two]
        if mine != _NONE and other != _NONE and mine != other:
            return True
    return False


@compiled
def _owners_clash(owners: np.ndarray, following: np.ndarray, seen: np.ndarray, one: int, two: int) -> Any:
    """Whether an owner has rows in both clusters; a cluster's rows are chained from the one it is named after."""
    row = one
    while row >= 0:
        if owners[row] != _NONE:
            seen[owners[row]] = True
        row = following[row]
    clash, row = False, two
    while row >= 0 and not clash:
        clash = owners[row] != _NONE and seen[owners[row]]
        row = following[row]
    row = one
    while row >= 0:
        if owners[row] != _NONE:
            seen[owners[row]] = False
        row = following[row]
    return clash


@compiled
def _join_edges(
    one: int,
    two: int,
    parents: np.ndarray,
    ends: np.ndarray,
    sums: np.ndarray,
    counts: np.ndarray,
    alive: np.ndarray,
    heads: np.ndarray,
    tails: np.ndarray,
    links: np.ndarray,
    edge_to: np.ndarray,
) -> None:
    """Give the edges of cluster `one` to `two`; two edges to one neighbour become one, dead ones are dropped.

    `edge_to` [N] is scratch, -1 throughout before and after.
    """
    first = final = np.int64(_NONE)
    for source in (two, one):
        half = heads[source]
        while half >= 0:
            next_half, edge = links[half], half >> 1
            other = _root(parents, ends[edge, 1 - (half & 1)])
            if alive[edge] and other == two:
                alive[edge] = False
            elif alive[edge] and edge_to[other] >= 0:
                sums[edge_to[other]] += sums[edge]
                counts[edge_to[other]] += counts[edge]
                alive[edge] = False
            elif alive[edge]:
                edge_to[other] = edge
                links[half] = _NONE
                if final >= 0:
                    links[final] = half
                else:
                    first = half
                final = half
            half = next_half
    heads[two], tails[two] = first, final
    half = first
    while half >= 0:
        edge_to[_root(parents, ends[half >> 1, 1 - (half & 1)])] = _NONE
        half = links[half]
