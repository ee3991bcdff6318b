"""Does a listing find its catalog? Test listings assigned as `eclip match FEED --store STORE` does it."""

from __future__ import annotations

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.matching.assign import CatalogIndex, assign
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.groups import Groups
from eclip.tasks.matching.results import assignment_results
from eclip.tasks.matching.scorers import PairScorers
from eclip.tasks.results import OUR_METHOD, Result

MAX_QUERIES = 1_000
QUERIES_AT_ONCE = 256


def assigned_results(
    catalogue: Catalogue, groups: Groups, scorers: PairScorers, *, seed: int, buckets: np.ndarray | None = None
) -> list[Result]:
    """Recall@k of catalog assignment, of test listings that have a mate among all listings of a known group.

    Each is sought among all the others, and finds neither itself nor its catalog by itself, as if it were new; its
    product was not learned from, nor was a threshold chosen on it.

    Args:
        catalogue: Products with the model's vectors.
        groups: Who is whose mate; listings of no group may be anybody's, and are not in the index.
        scorers: That `fit` wrote for matching.
        seed: Of the choice of at most `MAX_QUERIES` listings.
        buckets: [N] bucket of each listing's product, for intervals (`eclip.tasks.intervals`).
    """
    known = np.flatnonzero(groups.ids >= 0)
    ids = groups.ids[known]
    with_mate = np.bincount(ids, minlength=1)[ids] >= 2
    queries = np.flatnonzero(with_mate & catalogue.within(SPLITS[2])[known])
    num_queries = len(queries)
    queries = np.sort(np.random.default_rng(seed).permutation(queries)[:MAX_QUERIES])
    if not len(queries):
        return []
    names = [str(group) for group in ids.tolist()]
    index = CatalogIndex.of(PairSource.of(catalogue).take(known), names)
    named = []
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        rows = queries[start : start + QUERIES_AT_ONCE]
        named += [found.named for found in assign(index, index.listings.take(rows), scorers, own_rows=rows)]
    return assignment_results(
        [names[row] for row in queries.tolist()],
        named,
        level=groups.level,
        modality="both",
        method=OUR_METHOD,
        buckets=None if buckets is None else buckets[known[queries]],
        drawn_from=num_queries,
    )
