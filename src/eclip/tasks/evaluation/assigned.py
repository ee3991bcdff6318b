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
    """Recall@k of catalog assignment, of test listings that have a mate among all listings of the store.

    Each is sought among all the others; its product was not learned from, nor was a threshold chosen on it.

    Args:
        catalogue: Products with the model's vectors.
        groups: Who is whose mate; a listing of no group stands for itself.
        scorers: That `fit` wrote for matching.
        seed: Of the choice of at most `MAX_QUERIES` listings.
        buckets: [N] bucket of each listing's product, for intervals (`eclip.tasks.intervals`).
    """
    test = catalogue.rows_of(SPLITS[2])
    sizes = np.bincount(groups.ids[groups.ids >= 0], minlength=1)
    queries = test[(groups.ids[test] >= 0) & (sizes[np.maximum(groups.ids[test], 0)] >= 2)]
    num_queries = len(queries)
    queries = np.sort(np.random.default_rng(seed).permutation(queries)[:MAX_QUERIES])
    if not len(queries):
        return []
    source = PairSource.of(catalogue)
    names = [f"group {group}" if group >= 0 else f"listing {row}" for row, group in enumerate(groups.ids.tolist())]
    index = CatalogIndex.of(source, names)
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
        buckets=None if buckets is None else buckets[queries],
        drawn_from=num_queries,
    )
