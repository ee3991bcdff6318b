"""Product matching: are two listings the same product?

Truth is the catalog ("the same sellable item over sellers"), or, in a store without enough of them, the
model ("its colours and sizes together"); results say which level. Pairs are drawn within one split: mates,
and for each of them strangers that look alike (neighbours by vectors and by title words) or are random.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eclip.metrics import average_precision, best_f1_threshold, f1, recall_at_k, relevant_ranks
from eclip.schema import SPLITS
from eclip.tasks.adult import precision_recall_line
from eclip.tasks.base import Catalogue, search_vectors
from eclip.tasks.neighbours import nearest_rows
from eclip.tasks.pairs import FEATURES, PairScorer, PairScorers, PairSource, fit_scorer, pair_features
from eclip.tasks.results import Curve, Result, Skipped

NAME = "matching"
MIN_GROUPS = 20  # groups of two or more train listings, below which a level is not learned
PAIRS_PER_GROUP = 10  # so that a few large groups do not drown the others
MAX_MATES = 10_000  # positive pairs of a split
HARD_NEGATIVES, RANDOM_NEGATIVES = (
    2,
    2,
)  # a listing with a mate: hard ones by vectors and again by title words
NEIGHBOURS = 20  # looked through for hard negatives
MAX_QUERIES = 2_000  # of mate retrieval
KS = (1, 10)


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Which listings are one product."""

    level: str  # "catalog" or "model"
    ids: np.ndarray  # [N] int64; -1 = not known


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Pairs of rows with the truth about them."""

    left: np.ndarray  # [P]
    right: np.ndarray
    same: np.ndarray  # [P] bool


def product_groups(catalogue: Catalogue) -> Groups | Skipped:
    """The finest level that has enough groups; exact duplicates of another listing stay out of it."""
    train = catalogue.rows_of(SPLITS[0])
    found = []
    for level, names in (("catalog", catalogue.catalog_ids), ("model", catalogue.model_ids)):
        ids = np.full(catalogue.num_rows, -1, dtype=np.int64)
        numbers: dict[str, int] = {}
        for row, (name, original) in enumerate(zip(names, catalogue.duplicate_of, strict=True)):
            if name is not None and original is None:
                ids[row] = numbers.setdefault(name, len(numbers))
        known = ids[train]
        num_groups = int((np.bincount(known[known >= 0]) >= 2).sum()) if (known >= 0).any() else 0
        if num_groups >= MIN_GROUPS:
            return Groups(level=level, ids=ids)
        found.append(f"{num_groups} by {level}")
    return Skipped(
        task=NAME,
        reason=f"too few groups of two or more train listings ({', '.join(found)}), {MIN_GROUPS} are needed",
    )


def draw_pairs(
    catalogue: Catalogue, groups: Groups, split: str, *, seed: int, others: Sequence[Catalogue] = ()
) -> Pairs:
    """Mates of a split and strangers beside them; empty where there are no mates.

    Args:
        catalogue: Products with vectors.
        groups: Who is whose mate.
        split: Whose listings.
        seed: Of the choice.
        others: The same products by the vectors of other methods: with them, a comparison tries every method on what
            each of them finds hard.
    """
    shuffled = np.random.default_rng(seed)
    rows = np.flatnonzero(catalogue.within(split) & (groups.ids >= 0))
    mates = _mates(groups.ids, rows, shuffled)
    if not len(mates):
        return Pairs(left=np.zeros(0, np.int64), right=np.zeros(0, np.int64), same=np.zeros(0, bool))
    left = [mates[:, 0]]
    right = [mates[:, 1]]
    anchors = np.unique(mates[:, 0])
    for hard in _hard_strangers([catalogue, *others], groups.ids, rows, anchors):
        left.append(hard[:, 0])
        right.append(hard[:, 1])
    asked = np.repeat(anchors, RANDOM_NEGATIVES)
    strangers = shuffled.choice(rows, len(asked))
    kept = groups.ids[asked] != groups.ids[strangers]
    left.append(asked[kept])
    right.append(strangers[kept])
    ordered = np.sort(np.stack([np.concatenate(left), np.concatenate(right)], axis=1), axis=1)
    pairs = np.unique(ordered, axis=0)
    return Pairs(left=pairs[:, 0], right=pairs[:, 1], same=groups.ids[pairs[:, 0]] == groups.ids[pairs[:, 1]])


def _mates(ids: np.ndarray, rows: np.ndarray, shuffled: np.random.Generator) -> np.ndarray:
    """Pairs [M, 2] of rows of one group: a few a group, all groups' pairs thinned to `MAX_MATES`."""
    shuffled_rows = shuffled.permutation(rows)
    ordered = shuffled_rows[np.argsort(ids[shuffled_rows], kind="stable")]
    members = np.split(ordered, np.flatnonzero(np.diff(ids[ordered])) + 1) if len(ordered) else []
    mates = []
    for member in members:
        first, second = np.triu_indices(min(len(member), PAIRS_PER_GROUP), k=1)
        chosen = shuffled.permutation(len(first))[:PAIRS_PER_GROUP]
        mates.append(np.stack([member[first[chosen]], member[second[chosen]]], axis=1))
    pairs = np.concatenate(mates) if mates else np.zeros((0, 2), dtype=np.int64)
    return shuffled.permutation(pairs)[:MAX_MATES]


def _hard_strangers(
    views: Sequence[Catalogue], ids: np.ndarray, rows: np.ndarray, anchors: np.ndarray
) -> Iterator[np.ndarray]:
    """Pairs [H, 2] of anchors and their nearest strangers: by the vectors of each view, then by words of the title."""
    from sklearn.feature_extraction.text import TfidfTransformer

    words = TfidfTransformer().fit_transform(PairSource.of(views[0]).tokens[rows]).tocsr()
    vectors = [search_vectors(view.image_vectors, view.text_vectors, "both")[0][rows] for view in views]
    own = np.searchsorted(rows, anchors)
    for matrix in (*vectors, words):
        found, _ = nearest_rows(matrix[own], matrix, NEIGHBOURS, own_rows=own)
        strange = (found >= 0) & (ids[rows[found]] != ids[anchors][:, None])
        strange &= np.cumsum(strange, axis=1) <= HARD_NEGATIVES
        anchor, column = np.nonzero(strange)
        yield np.stack([anchors[anchor], rows[found[anchor, column]]], axis=1)


def fit_matching(catalogue: Catalogue, groups: Groups, *, seed: int) -> tuple[PairScorers, list[Skipped]]:
    """A scorer a modality, fitted on the train split; thresholds have the best F1 on validation.

    A store without mates in its validation split chooses the threshold on the train split.
    """
    source = PairSource.of(catalogue)
    train = draw_pairs(catalogue, groups, SPLITS[0], seed=seed)
    held = draw_pairs(catalogue, groups, SPLITS[1], seed=seed)
    scorers: dict[str, PairScorer] = {}
    skipped: list[Skipped] = []
    for modality in FEATURES:
        fitted = having(source, train, modality)
        if len(np.unique(fitted.same)) < 2:
            skipped.append(Skipped(task=NAME, reason=f"{modality}: no train pairs have this modality"))
            continue
        matrix = pair_features(source, fitted.left, fitted.right, modality)
        scorer = fit_scorer(matrix, fitted.same, modality, seed=seed)
        chosen = having(source, held, modality)
        chosen = chosen if chosen.same.any() else fitted
        scores = scorer.probabilities(pair_features(source, chosen.left, chosen.right, modality))
        threshold, _ = best_f1_threshold(chosen.same, scores)
        scorers |= PairScorers({modality: scorer}).with_thresholds({modality: threshold}).by_modality
    return PairScorers(scorers), skipped


def having(source: PairSource, pairs: Pairs, modality: str) -> Pairs:
    """The pairs whose two listings have the modality ("both": picture and title)."""
    mask = source.has[modality][pairs.left] & source.has[modality][pairs.right]
    return Pairs(left=pairs.left[mask], right=pairs.right[mask], same=pairs.same[mask])


def matching_results(
    pairs: Pairs, scores: np.ndarray, threshold: float, *, level: str, modality: str, method: str
) -> tuple[list[Result], list[Curve]]:
    """F1 at the threshold, average precision and the curve, over test pairs with scores [P]."""
    figures = {
        "F1": f1(pairs.same, scores >= threshold),
        "average precision": average_precision(pairs.same, scores),
    }
    results = [
        Result(
            task=NAME,
            target=level,
            metric=metric,
            modality=modality,
            method=method,
            value=value,
            support=len(pairs.same),
        )
        for metric, value in figures.items()
    ]
    line = precision_recall_line(NAME, level, pairs.same, scores, modality=modality, method=method)
    return results, [line]


def mate_results(
    vectors: np.ndarray,
    mask: np.ndarray,
    catalogue: Catalogue,
    groups: Groups,
    *,
    modality: str,
    method: str,
    seed: int,
) -> list[Result]:
    """Recall@k of a mate among all listings of a known group, of test listings that have one.

    Args:
        vectors: [N, D] unit rows, by whose inner product neighbours are found.
        mask: [N] rows that have the modality; the others are neither asked for nor found.
        catalogue: All listings.
        groups: Who is whose mate; listings of no group may be anybody's, and are not in the corpus.
        modality: Of the vectors.
        method: Of the table.
        seed: Of the choice of at most `MAX_QUERIES` listings.
    """
    corpus = np.flatnonzero(mask & (groups.ids >= 0))
    ids = groups.ids[corpus]
    with_mate = np.bincount(ids, minlength=1)[ids] >= 2
    queries = np.flatnonzero(with_mate & (catalogue.split[corpus] == SPLITS[2]))
    queries = np.sort(np.random.default_rng(seed).permutation(queries)[:MAX_QUERIES])
    if not len(queries):
        return []
    among = vectors[corpus]
    ranks = relevant_ranks(among[queries], among, ids[queries], ids, own_rows=queries)
    return [
        Result(
            task=NAME,
            target=groups.level,
            metric=f"mate recall@{k}",
            modality=modality,
            method=method,
            value=recall_at_k(ranks, k),
            support=len(queries),
        )
        for k in KS
    ]


def same_products(
    scorers: PairScorers, products: PairSource, corpus: PairSource | None, *, top_k: int
) -> list[list[tuple[int, float]]]:
    """For each listing, those of the corpus that are the same product, with probabilities, best first.

    Args:
        scorers: That `fit` wrote for matching.
        products: Listings to look up.
        corpus: Listings to find; None = the same ones, each without itself.
        top_k: How many nearest neighbours are judged, so at most as many come back.
    """
    found = _nearest(products, corpus if corpus is not None else products, top_k, within=corpus is None)
    joined = products if corpus is None else products.followed_by(corpus)
    offset = 0 if corpus is None else len(products.titles)
    left = np.repeat(np.arange(len(found)), found.shape[1])
    right = found.reshape(-1)
    kept = right >= 0
    left, right = left[kept], right[kept]
    scores, thresholds = scorers.scores(joined, left, right + offset)
    answers: list[list[tuple[int, float]]] = [[] for _ in range(len(found))]
    for pair in np.flatnonzero(scores >= thresholds):
        answers[left[pair]].append((int(right[pair]), float(scores[pair])))
    return [sorted(answer, key=lambda item: (-item[1], item[0])) for answer in answers]


def _nearest(products: PairSource, corpus: PairSource, top_k: int, *, within: bool) -> np.ndarray:
    """Rows [N, K] of the corpus nearest by product vector; -1 where there are no more."""
    queries, asked = search_vectors(products.image_vectors, products.text_vectors, "both")
    among, there = search_vectors(corpus.image_vectors, corpus.text_vectors, "both")
    own = np.arange(len(queries)) if within else None
    found, _ = nearest_rows(queries, among, top_k, own_rows=own)
    found[~asked] = -1
    return np.where((found >= 0) & there[found], found, -1)
