"""Measures of the five tasks and of retrieval: plain functions on arrays, numpy and scipy only.

Every function takes what was true first and what was predicted second, and returns shares in 0..1. None of
them knows of a product, a model or a file, so that each is checked against a table worked out by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

# --- classification ---


def accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Share of rows [N] that are right; NaN for no rows."""
    return float(np.mean(truth == predicted)) if len(truth) else float("nan")


def mean(values: np.ndarray) -> float:
    """Mean of what each row [N] contributes: hits, reciprocal ranks, any share; NaN for no rows."""
    return float(np.mean(values)) if len(values) else float("nan")


def macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean of the F1 of each class that occurs in `truth` or `predicted` [N]; NaN for no rows.

    Rare classes count as much as frequent ones; a class that is only predicted counts with 0.
    """
    if not len(truth):
        return float("nan")
    classes, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    true_codes, predicted_codes = codes[: len(truth)], codes[len(truth) :]
    hits = np.bincount(true_codes[true_codes == predicted_codes], minlength=len(classes))
    sizes = np.bincount(true_codes, minlength=len(classes)) + np.bincount(predicted_codes, minlength=len(classes))
    return float(np.mean(2 * hits / sizes))


def top_k_accuracy(truth: np.ndarray, scores: np.ndarray, k: int) -> float:
    """Share of rows whose true class is among the `k` best scored.

    Args:
        truth: Class indices [N]; -1 for a class that has no column, which is always a miss.
        scores: [N, C], higher is better; ties count against the true class.
        k: How many classes may be named.
    """
    return mean(top_k_hits(truth, scores, k))


def top_k_hits(truth: np.ndarray, scores: np.ndarray, k: int) -> np.ndarray:
    """Which rows [N] have their true class among the `k` best scored, as `top_k_accuracy` counts them."""
    own = scores[np.arange(len(truth)), np.maximum(truth, 0)]
    rank = (scores >= own[:, None]).sum(axis=1) - 1
    return (truth >= 0) & (rank < k)


def micro_f1(truth: np.ndarray, answered: np.ndarray) -> float:
    """F1 over all answers of a multi-label task at once.

    Args:
        truth: [N, C] bool, which labels each row has.
        answered: [N, C] bool, which it was given.

    Returns:
        2 TP / (labels + answers): frequent labels count most. 0 where neither holds a label, as scikit-learn says.
    """
    total = int(truth.sum()) + int(answered.sum())
    return 2 * int((truth & answered).sum()) / total if total else 0.0


def macro_f1_multilabel(truth: np.ndarray, answered: np.ndarray) -> float:
    """Mean F1 of the labels that occur in truth or answers [N, C] bool; NaN where none does."""
    sizes = truth.sum(axis=0) + answered.sum(axis=0)
    occurs = sizes > 0
    return mean(2 * (truth & answered).sum(axis=0)[occurs] / sizes[occurs])


# --- confidence ---


def reliability(
    correct: np.ndarray, confidences: np.ndarray, *, num_bins: int = 15, adaptive: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often answers of like confidence are right.

    Args:
        correct: [N] bool.
        confidences: [N] in 0..1.
        num_bins: Of equal width over 0..1, the upper edge belonging to a bin.
        adaptive: Bins of equally many rows in place of equal width.

    Returns:
        Mean confidence, share of right answers and rows of each bin that has any.
    """
    if adaptive:
        order = np.argsort(confidences, kind="stable")
        bins = np.empty(len(order), dtype=np.int64)
        bins[order] = np.arange(len(order)) * num_bins // max(len(order), 1)
    else:
        bins = np.clip(np.ceil(confidences.astype(np.float64) * num_bins).astype(np.int64) - 1, 0, num_bins - 1)
    counts = np.bincount(bins, minlength=num_bins)
    used = counts > 0
    means = np.bincount(bins, weights=confidences, minlength=num_bins)[used] / counts[used]
    hits = np.bincount(bins, weights=correct, minlength=num_bins)[used] / counts[used]
    return means, hits, counts[used]


def expected_calibration_error(
    correct: np.ndarray, confidences: np.ndarray, *, num_bins: int = 15, adaptive: bool = False
) -> float:
    """Mean gap between confidence and share of right answers over the bins of `reliability`; NaN for no rows.

    Guo et al. (2017), equal width; Nixon et al. (2019), equally many rows.
    """
    means, hits, counts = reliability(correct, confidences, num_bins=num_bins, adaptive=adaptive)
    return float(np.sum(counts * np.abs(means - hits)) / counts.sum()) if len(counts) else float("nan")


def coverage_at_precision(correct: np.ndarray, confidences: np.ndarray, precision: float) -> tuple[float, float]:
    """The largest share of rows that can be answered, most confident first, at a precision of at least `precision`.

    Args:
        correct: [N] bool.
        confidences: [N]; rows of one confidence are answered together.
        precision: Wanted share of right answers among the answered.

    Returns:
        That share and the confidence from which on to answer; 0 and infinity where no threshold reaches it, NaN and
        infinity for no rows.
    """
    if not len(correct):
        return float("nan"), float("inf")
    order = np.argsort(-confidences, kind="stable")
    ranked = confidences[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    hits = np.cumsum(correct[order])[last]
    enough = np.flatnonzero(hits / (last + 1) >= precision - 1e-12)
    if not len(enough):
        return 0.0, float("inf")
    best = last[enough[-1]]
    return float((best + 1) / len(ranked)), float(ranked[best])


# --- ranking of yes-or-no answers ---


def precision_recall_curve(relevant: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and threshold at each distinct score, from the highest score down.

    Args:
        relevant: [N] bool.
        scores: [N], higher is more likely relevant; rows of one score are answered together.

    Returns:
        Three arrays [T]: "answer yes from this threshold on" has that precision and recall. Empty where
        nothing is relevant.
    """
    relevant = relevant.astype(bool)
    if not relevant.any():
        return np.zeros(0), np.zeros(0), np.zeros(0)
    order, last = score_blocks(scores)
    hits = np.cumsum(relevant[order])[last]
    return hits / (last + 1), hits / relevant.sum(), scores[order][last]


def score_blocks(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows [N] from the highest score down, and the places [T] in that order where each distinct score ends."""
    order = np.argsort(-scores, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)


def average_precision(relevant: np.ndarray, scores: np.ndarray) -> float:
    """Sum over thresholds of precision times the recall gained there; NaN where nothing is relevant."""
    precision, recall, _ = precision_recall_curve(relevant, scores)
    if not len(precision):
        return float("nan")
    return float(np.sum(precision * np.diff(recall, prepend=0.0)))


def recall_at_precision(relevant: np.ndarray, scores: np.ndarray, precision: float) -> float:
    """Most recall at a precision of at least `precision`; 0 where never reached, NaN for nothing relevant."""
    reached, recall, _ = precision_recall_curve(relevant, scores)
    if not len(reached):
        return float("nan")
    # One rounding error must not lose a threshold that meets the precision exactly.
    enough = reached >= precision - 1e-12
    return float(recall[enough].max()) if enough.any() else 0.0


def recall_at_budget(relevant: np.ndarray, scores: np.ndarray, budget: float) -> float:
    """Share of the relevant rows that are seen when `budget` of all rows, best scored first, is reviewed.

    Rows of one score are reviewed in random order: what comes back is the mean over all orders. No more than `budget`
    over the share of relevant rows can be reached.

    Args:
        relevant: [N] bool.
        scores: [N], higher is reviewed first.
        budget: Share of the rows, 0..1; `num_reviewed` of them.

    Returns:
        Recall in 0..1; NaN where nothing is relevant.
    """
    if not relevant.any():
        return float("nan")
    order, last = score_blocks(scores)
    reviewed = num_reviewed(len(scores), budget)
    seen = np.interp(reviewed, np.append(0, last + 1), np.append(0, np.cumsum(relevant[order])[last]))
    return float(seen / relevant.sum())


def num_reviewed(num_rows: float, budget: float) -> int:
    """How many rows a budget reviews: whole ones, at least one."""
    return max(1, int(budget * num_rows + 1e-9))


def f1(relevant: np.ndarray, answered: np.ndarray) -> float:
    """F1 of yes-or-no answers [N]; 0 where neither truth nor answer holds a yes."""
    total = int(relevant.sum()) + int(answered.sum())
    return 2 * int((relevant & answered).sum()) / total if total else 0.0


def best_f1_threshold(relevant: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Threshold (yes from here on) with the best F1, and that F1.

    The threshold lies midway between the last score answered yes and the next one, so that new scores that
    fall between known ones go to the nearer side. NaN and 0 where nothing is relevant.
    """
    precision, recall, thresholds = precision_recall_curve(relevant, scores)
    if not len(precision):
        return float("nan"), 0.0
    f1s = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(np.argmax(f1s))
    after = thresholds[best + 1] if best + 1 < len(thresholds) else thresholds[best]
    return float((thresholds[best] + after) / 2), float(f1s[best])


# --- clusterings ---


@dataclass(frozen=True, kw_only=True)
class ClusterScores:
    """How well a clustering agrees with the true one; all in 0..1 but `ari`, which may fall below 0."""

    pairwise_precision: float
    pairwise_recall: float
    pairwise_f1: float
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float
    ari: float
    nmi: float
    purity: float


def cluster_scores(truth: np.ndarray, predicted: np.ndarray) -> ClusterScores:
    """Compare two clusterings of the same items, given as one cluster name an item [N].

    Pairwise: precision and recall over pairs of items put together. B-cubed (Bagga and Baldwin, 1998): the
    same, averaged over items. ARI: Hubert and Arabie (1985). NMI: mutual information over the mean of the
    two entropies. Purity: share of items that belong to the most frequent true group of their cluster.

    Raises:
        ValueError: No items, or different numbers of them.
    """
    if len(truth) != len(predicted) or not len(truth):
        raise ValueError(f"expected two clusterings of the same items, found {len(truth)} and {len(predicted)}")
    cells, true_sizes, predicted_sizes, cell_true, cell_predicted = _contingency(truth, predicted)
    together, true_pairs, predicted_pairs = _pairs(cells), _pairs(true_sizes), _pairs(predicted_sizes)
    pairwise_precision = together / predicted_pairs if predicted_pairs else 0.0
    pairwise_recall = together / true_pairs if true_pairs else 0.0
    num_items = len(truth)
    bcubed_precision = float(np.sum(cells**2 / predicted_sizes[cell_predicted]) / num_items)
    bcubed_recall = float(np.sum(cells**2 / true_sizes[cell_true]) / num_items)
    return ClusterScores(
        pairwise_precision=pairwise_precision,
        pairwise_recall=pairwise_recall,
        pairwise_f1=_harmonic(pairwise_precision, pairwise_recall),
        bcubed_precision=bcubed_precision,
        bcubed_recall=bcubed_recall,
        bcubed_f1=_harmonic(bcubed_precision, bcubed_recall),
        ari=_adjusted_rand(together, true_pairs, predicted_pairs, num_items),
        nmi=_normalised_information(
            cells, true_sizes, predicted_sizes, true_sizes[cell_true] * predicted_sizes[cell_predicted]
        ),
        purity=_purity(cells, cell_predicted, len(predicted_sizes)) / num_items,
    )


def mean_member_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean over items [N] of the F1 of its predicted cluster as an answer to "who is of its class?"; NaN for none.

    An item is a member of both itself. With c common members, 2 c / (true size + predicted size).
    """
    if not len(truth):
        return float("nan")
    cells, true_sizes, predicted_sizes, cell_true, cell_predicted = _contingency(truth, predicted)
    return float(np.sum(cells * 2 * cells / (true_sizes[cell_true] + predicted_sizes[cell_predicted])) / len(truth))


def _contingency(
    truth: np.ndarray, predicted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Non-empty cells of the table true x predicted, both margins, and the row and column of each cell."""
    _, true_codes = np.unique(truth, return_inverse=True)
    _, predicted_codes = np.unique(predicted, return_inverse=True)
    table = sparse.coo_matrix((np.ones(len(truth)), (true_codes, predicted_codes))).tocsr().tocoo()
    true_sizes = np.bincount(true_codes).astype(np.float64)
    predicted_sizes = np.bincount(predicted_codes).astype(np.float64)
    return table.data, true_sizes, predicted_sizes, table.row, table.col


def _purity(cells: np.ndarray, cell_predicted: np.ndarray, num_predicted: int) -> float:
    """Items of the largest true group of each predicted cluster, summed."""
    largest = np.zeros(num_predicted)
    np.maximum.at(largest, cell_predicted, cells)
    return float(largest.sum())


def _pairs(sizes: np.ndarray) -> float:
    return float(np.sum(sizes * (sizes - 1) / 2))


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _adjusted_rand(together: float, true_pairs: float, predicted_pairs: float, num_items: int) -> float:
    all_pairs = num_items * (num_items - 1) / 2
    by_chance = true_pairs * predicted_pairs / all_pairs if all_pairs else 0.0
    most = (true_pairs + predicted_pairs) / 2
    return (together - by_chance) / (most - by_chance) if most != by_chance else 1.0


def _normalised_information(
    cells: np.ndarray, true_sizes: np.ndarray, predicted_sizes: np.ndarray, expected: np.ndarray
) -> float:
    num_items = cells.sum()
    information = float(np.sum(cells / num_items * np.log(cells * num_items / expected)))
    entropies = [float(-np.sum(s / num_items * np.log(s / num_items))) for s in (true_sizes, predicted_sizes)]
    return information / (sum(entropies) / 2) if sum(entropies) else 1.0


# --- retrieval ---


def relevant_ranks(
    queries: np.ndarray | sparse.csr_matrix,
    corpus: np.ndarray | sparse.csr_matrix,
    query_groups: np.ndarray,
    corpus_groups: np.ndarray,
    *,
    own_rows: np.ndarray | None = None,
    chunk_size: int = 512,
) -> np.ndarray:
    """How many irrelevant items come before the first relevant one, for each query.

    Args:
        queries: [Q, D], dense or sparse; similarity is the inner product.
        corpus: [N, D], likewise.
        query_groups: [Q]; an item is relevant to a query of the same group, so each may have several.
        corpus_groups: [N].
        own_rows: [Q] position in the corpus of the query itself, which is never shown to it; None = the
            query is not in the corpus; -1 = this one is not.
        chunk_size: Queries scored at once: chunk_size x N scores are in memory, never Q x N.

    Returns:
        [Q] int64; 0 is a hit at once, N where nothing is relevant. Irrelevant items that tie with the first
        relevant one count as before it.
    """
    num_queries, num_rows = len(query_groups), len(corpus_groups)
    ranks = np.full(num_queries, num_rows, dtype=np.int64)
    for start in range(0, num_queries, chunk_size):
        rows = slice(start, min(start + chunk_size, num_queries))
        product = queries[rows] @ corpus.T
        scores = product.toarray() if sparse.issparse(product) else product
        if own_rows is not None:
            present = np.flatnonzero(own_rows[rows] >= 0)
            scores[present, own_rows[rows][present]] = -np.inf
        relevant = query_groups[rows, None] == corpus_groups[None, :]
        best = np.where(relevant, scores, -np.inf).max(axis=1)
        before = ((scores >= best[:, None]) & ~relevant).sum(axis=1)
        ranks[rows] = np.where(np.isfinite(best), before, num_rows)
    return ranks


def bipartite_ranks(
    queries: np.ndarray, corpus: np.ndarray, relevant: sparse.csr_matrix, *, chunk_size: int = 512
) -> np.ndarray:
    """As `relevant_ranks`, for items that may be relevant to any queries.

    Args:
        queries: [Q, D]; similarity is the inner product.
        corpus: [N, D].
        relevant: [Q, N], not zero where an item is relevant to a query.
        chunk_size: Queries scored at once.

    Returns:
        [Q] int64; 0 is a hit at once, N where nothing is relevant. Irrelevant items that tie count as before.
    """
    ranks = np.full(len(queries), len(corpus), dtype=np.int64)
    for start in range(0, len(queries), chunk_size):
        rows = slice(start, start + chunk_size)
        scores = queries[rows] @ corpus.T
        hits = relevant[rows].toarray() != 0
        best = np.where(hits, scores, -np.inf).max(axis=1)
        before = ((scores >= best[:, None]) & ~hits).sum(axis=1)
        ranks[rows] = np.where(np.isfinite(best), before, len(corpus))
    return ranks


def recall_at_k(ranks: np.ndarray, k: int) -> float:
    """Share of queries, given by `relevant_ranks` [Q], with a hit among the first `k`; NaN for no queries."""
    return float(np.mean(ranks < k)) if len(ranks) else float("nan")


# --- graded search results: each function gives one value a query [Q] ---


def ndcg_at_k(ranked: np.ndarray, judged: np.ndarray, k: int) -> np.ndarray:
    """Normalised discounted cumulative gain (Jarvelin and Kekalainen, 2002), the grade itself being the gain.

    Args:
        ranked: [Q, R] grades of what was found, in order; 0 for the irrelevant and the unjudged.
        judged: [Q, J] all grades above 0 that were given for the query, in any order, padded with 0.
        k: How many results count.

    Returns:
        [Q] in 0..1; NaN where no result was judged relevant.
    """
    ideal = _discounted_gain(-np.sort(-judged, axis=1), k)
    return np.divide(_discounted_gain(ranked, k), ideal, out=np.full(len(ideal), np.nan), where=ideal > 0)


def _discounted_gain(grades: np.ndarray, k: int) -> np.ndarray:
    counted = grades[:, :k]
    return (counted / np.log2(np.arange(counted.shape[1]) + 2)).sum(axis=1)


def precision_at_k(ranked: np.ndarray, k: int) -> np.ndarray:
    """Share of the first `k` places that hold a relevant result (grade above 0); places left empty are misses."""
    return (ranked[:, :k] > 0).sum(axis=1) / k


def found_at_k(ranked: np.ndarray, judged: np.ndarray, k: int) -> np.ndarray:
    """Share of a query's relevant products that stand among the first `k`; NaN where it has none."""
    relevant = (judged > 0).sum(axis=1)
    found = (ranked[:, :k] > 0).sum(axis=1)
    return np.divide(found, relevant, out=np.full(len(relevant), np.nan), where=relevant > 0)


def reciprocal_rank(ranked: np.ndarray) -> np.ndarray:
    """1 over the place of the first relevant result, 0 where none was found; its mean is the MRR."""
    hits = ranked > 0
    return np.where(hits.any(axis=1), 1 / (hits.argmax(axis=1) + 1), 0.0) if hits.shape[1] else np.zeros(len(hits))
