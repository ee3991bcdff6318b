"""Groups of sellers that show the same pictures and titles far beyond chance: communities of the seller graph.

Two sellers are joined where chance would give so much in common, between any two sellers of the shop, once in a
hundred such shops (`sharing.least_surprise`), and it is at least `MIN_LIFT` times what is expected. Edges weigh
their surprise; Louvain's method (Blondel and others: Fast unfolding of communities in large networks, 2008) parts
what hangs together by a thread. Groups are ranked by how much of what they list is each other's, at least (95 %).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eclip.sellers.intervals import wilson_interval
from eclip.sellers.sharing import SharedThings, least_surprise

MIN_LIFT = 3.0
MIN_SHARED = 3  # things
_SEED = 0  # of Louvain's order: the same store, the same groups


@dataclass(frozen=True, kw_only=True)
class Bond:
    """What two sellers have in common."""

    one: int
    two: int
    surprise: float
    """Nats against chance, over all kinds of things."""
    shared: Mapping[str, int]
    """Kind of thing -> how many both show."""
    lift: float
    """Shared over expected, of the kind that tells most."""


@dataclass(frozen=True, kw_only=True)
class Ring:
    """A group of sellers."""

    members: tuple[int, ...]
    bonds: tuple[Bond, ...]
    """Those among the members, the most surprising first."""
    listings: int
    """Of the members, those left out that repeat another of the same seller."""
    rows: np.ndarray
    """[R] int64 listings of members that show what another member shows, those of most members first."""
    shared: Mapping[str, int]
    """Kind of thing -> how many things two members or more show."""
    low: float
    """Of `len(rows) / listings`, lower end of its 95 % interval."""
    high: float


def find_bonds(shared: Mapping[str, SharedThings], num_sellers: int) -> list[Bond]:
    """Pairs of sellers with far more in common than expected in any kind of thing, the most surprising first."""
    least = least_surprise(num_sellers) + np.log(max(1, len(shared)))
    found: dict[tuple[int, int], dict[str, tuple[float, int, float]]] = {}
    sure: set[tuple[int, int]] = set()
    for kind, things in shared.items():
        lift = things.weight / np.maximum(things.expected, 1e-12)
        tells = (things.surprise >= least) & (lift >= MIN_LIFT) & (things.shared >= MIN_SHARED)
        for place in np.flatnonzero(things.surprise > 0).tolist():
            pair = int(things.one[place]), int(things.two[place])
            found.setdefault(pair, {})[kind] = (
                float(things.surprise[place]),
                int(things.shared[place]),
                float(lift[place]),
            )
            if tells[place]:
                sure.add(pair)
    bonds = [
        Bond(
            one=one,
            two=two,
            surprise=sum(nats for nats, _, _ in found[one, two].values()),
            shared={kind: num for kind, (_, num, _) in found[one, two].items()},
            lift=max(found[one, two].values())[2],
        )
        for one, two in sure
    ]
    return sorted(bonds, key=lambda bond: (-bond.surprise, bond.one, bond.two))


def communities(bonds: list[Bond]) -> list[tuple[int, ...]]:
    """Groups of two sellers or more."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_weighted_edges_from(
        (bond.one, bond.two, bond.surprise) for bond in sorted(bonds, key=lambda b: (b.one, b.two))
    )
    found = nx.community.louvain_communities(graph, weight="weight", seed=_SEED) if bonds else []
    return sorted(tuple(sorted(members)) for members in found if len(members) > 1)


def find_rings(
    things: Mapping[str, np.ndarray], shared: Mapping[str, SharedThings], sellers: np.ndarray, num_sellers: int
) -> list[Ring]:
    """Groups of sellers, those first of whose listings most are each other's.

    Args:
        things: Kind -> [N] int64 what each listing shows, -1 = nothing that tells.
        shared: Kind -> what pairs of sellers share of it.
        sellers: [N] int64, -1 = not named, or left out.
        num_sellers: S.
    """
    bonds = find_bonds(shared, num_sellers)
    rings = [_ring(members, bonds, things, sellers) for members in communities(bonds)]
    return sorted(rings, key=lambda ring: (-ring.low, ring.members))


def _ring(members: tuple[int, ...], bonds: list[Bond], things: Mapping[str, np.ndarray], sellers: np.ndarray) -> Ring:
    own = np.flatnonzero(np.isin(sellers, members))
    most = np.zeros(len(own), dtype=np.int64)  # members that show what each listing shows
    counts = {}
    for kind, shown in things.items():
        told = np.flatnonzero(shown[own] >= 0)
        pairs = np.unique(np.stack([shown[own[told]], sellers[own[told]]], axis=1), axis=0)
        names, showing = np.unique(pairs[:, 0], return_counts=True)
        counts[kind] = int((showing > 1).sum())
        if len(names):
            most[told] = np.maximum(most[told], showing[np.searchsorted(names, shown[own[told]])])
    rows = np.flatnonzero(most > 1)
    rows = rows[np.argsort(-most[rows], kind="stable")]
    low, high = wilson_interval(np.array([len(rows)]), np.array([len(own)]))
    inside = set(members)
    return Ring(
        members=members,
        bonds=tuple(bond for bond in bonds if bond.one in inside and bond.two in inside),
        listings=len(own),
        rows=own[rows],
        shared=counts,
        low=float(low[0]),
        high=float(high[0]),
    )
