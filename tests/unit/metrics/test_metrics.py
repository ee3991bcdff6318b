"""Measures against tables worked out by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn import metrics as sk

from eclip import metrics


def test_accuracy_and_macro_f1_by_hand():
    truth = np.array(["a", "a", "b", "c"])
    predicted = np.array(["a", "b", "b", "d"])
    assert metrics.accuracy(truth, predicted) == 0.5
    # a: 2*1/(2+1), b: 2*1/(1+2), c: 0, d: only predicted, 0
    assert metrics.macro_f1(truth, predicted) == pytest.approx((2 / 3 + 2 / 3) / 4)


def test_classification_measures_agree_with_sklearn():
    shuffled = np.random.default_rng(0)
    truth, scores = shuffled.integers(0, 6, 300), shuffled.random((300, 6))
    predicted = scores.argmax(axis=1)
    assert metrics.macro_f1(truth, predicted) == pytest.approx(sk.f1_score(truth, predicted, average="macro"))
    for k in (1, 2, 5):
        assert metrics.top_k_accuracy(truth, scores, k) == pytest.approx(sk.top_k_accuracy_score(truth, scores, k=k))


def test_top_k_counts_unknown_classes_and_ties_as_misses():
    scores = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    assert metrics.top_k_accuracy(np.array([-1, 0, 1]), scores, 1) == pytest.approx(1 / 3)
    assert metrics.top_k_accuracy(np.array([-1, 0, 1]), scores, 2) == pytest.approx(2 / 3)


def test_precision_recall_by_hand():
    relevant = np.array([True, False, True, False])
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    precision, recall, thresholds = metrics.precision_recall_curve(relevant, scores)
    assert precision == pytest.approx([1, 1 / 2, 2 / 3, 2 / 4])
    assert recall == pytest.approx([1 / 2, 1 / 2, 1, 1])
    assert thresholds == pytest.approx(scores)
    assert metrics.average_precision(relevant, scores) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert metrics.recall_at_precision(relevant, scores, 0.9) == 0.5
    assert metrics.recall_at_precision(relevant, scores, 0.6) == 1.0
    assert metrics.best_f1_threshold(relevant, scores) == (pytest.approx(0.4), pytest.approx(0.8))


def test_ranking_measures_agree_with_sklearn_under_ties():
    shuffled = np.random.default_rng(1)
    relevant, scores = shuffled.random(400) < 0.2, shuffled.integers(0, 30, 400) / 30
    assert metrics.average_precision(relevant, scores) == pytest.approx(sk.average_precision_score(relevant, scores))
    threshold, best = metrics.best_f1_threshold(relevant, scores)
    assert metrics.f1(relevant, scores >= threshold) == pytest.approx(best)
    assert best == pytest.approx(max(sk.f1_score(relevant, scores >= t) for t in np.unique(scores)))


def test_nothing_relevant_is_no_number():
    nothing, scores = np.zeros(3, bool), np.arange(3.0)
    assert np.isnan(metrics.average_precision(nothing, scores))
    assert np.isnan(metrics.recall_at_precision(nothing, scores, 0.9))
    assert metrics.best_f1_threshold(nothing, scores)[1] == 0.0
    assert np.isnan(metrics.accuracy(np.zeros(0), np.zeros(0)))


def test_cluster_scores_by_hand():
    # true {0 1 2} {3 4}; predicted {0 1} {2 3 4}: pairs together in both: 01, 34
    found = metrics.cluster_scores(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1]))
    assert (found.pairwise_precision, found.pairwise_recall, found.pairwise_f1) == (0.5, 0.5, 0.5)
    assert found.bcubed_precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)
    assert found.bcubed_recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)


@pytest.mark.parametrize("num_clusters", [1, 4, 60])
def test_cluster_scores_agree_with_sklearn(num_clusters):
    shuffled = np.random.default_rng(num_clusters)
    truth, predicted = shuffled.integers(0, 8, 120), shuffled.integers(0, num_clusters, 120)
    found = metrics.cluster_scores(truth, predicted)
    assert found.ari == pytest.approx(sk.adjusted_rand_score(truth, predicted), abs=1e-12)
    assert found.nmi == pytest.approx(sk.normalized_mutual_info_score(truth, predicted), abs=1e-12)


def test_cluster_scores_need_the_same_items():
    with pytest.raises(ValueError, match="found 2 and 3"):
        metrics.cluster_scores(np.zeros(2), np.zeros(3))


def test_relevant_ranks_by_hand_leave_out_the_query_and_count_ties_against():
    corpus = np.array([[1.0, 0], [1, 0], [0.8, 0], [0, 1]])
    groups = np.array([7, 8, 7, 9])
    # Query 0 is row 0: row 1 (a stranger) comes before its mate, row 2. Row 3 has no mate.
    ranks = metrics.relevant_ranks(
        corpus[[0, 3]], corpus, groups[[0, 3]], groups, own_rows=np.array([0, 3]), chunk_size=1
    )
    assert ranks.tolist() == [1, 4]
    assert metrics.relevant_ranks(corpus[:1], corpus, groups[:1], groups).tolist() == [1]  # a tie with row 1
    assert metrics.recall_at_k(ranks, 1) == 0.0
    assert metrics.recall_at_k(ranks, 2) == 0.5


def test_relevant_ranks_do_not_depend_on_chunks_or_storage():
    shuffled = np.random.default_rng(2)
    corpus, groups = shuffled.normal(size=(50, 4)), shuffled.integers(0, 10, 50)
    whole = metrics.relevant_ranks(corpus, corpus, groups, groups, own_rows=np.arange(50))
    table = sparse.csr_matrix(corpus)
    for size, matrix in ((7, corpus), (16, table)):
        chunked = metrics.relevant_ranks(matrix, matrix, groups, groups, own_rows=np.arange(50), chunk_size=size)
        assert chunked.tolist() == whole.tolist()
    # The slow twin: sort each row of scores.
    for query in range(50):
        others = [row for row in np.argsort(-(corpus @ corpus[query])) if row != query]
        hits = [place for place, row in enumerate(others) if groups[row] == groups[query]]
        assert whole[query] == (hits[0] if hits else 50)


def test_calibration_error_by_hand():
    confidences = np.array([0.1, 0.2, 0.6, 0.8, 0.8])
    correct = np.array([False, True, True, True, False])
    # Two bins of equal width: (.1, .2) half right, gap .35; (.6, .8, .8) two thirds right, mean .7333, gap .0667.
    found = metrics.expected_calibration_error(correct, confidences, num_bins=2)
    assert found == pytest.approx((2 * 0.35 + 3 * (2.2 / 3 - 2 / 3)) / 5)
    # Two bins of equally many rows: (.1, .2, .6) two thirds right, mean .3; (.8, .8) half right, mean .8.
    adaptive = metrics.expected_calibration_error(correct, confidences, num_bins=2, adaptive=True)
    assert adaptive == pytest.approx((3 * (2 / 3 - 0.3) + 2 * 0.3) / 5)
    means, shares, counts = metrics.reliability(correct, confidences, num_bins=2)
    assert means == pytest.approx([0.15, 2.2 / 3])
    assert shares == pytest.approx([0.5, 2 / 3])
    assert counts.tolist() == [2, 3]
    # The upper edge belongs to a bin.
    assert metrics.reliability(np.array([True]), np.array([0.5]), num_bins=2)[2].tolist() == [1]
    assert np.isnan(metrics.expected_calibration_error(np.zeros(0, dtype=bool), np.zeros(0)))


def test_coverage_at_precision_by_hand():
    confidences = np.array([0.9, 0.8, 0.8, 0.5, 0.4])
    correct = np.array([True, True, False, True, True])
    assert metrics.coverage_at_precision(correct, confidences, 0.75) == (1.0, 0.4)  # 4 of 5
    assert metrics.coverage_at_precision(correct, confidences, 0.9) == (0.2, 0.9)  # both rows at .8 come together
    assert metrics.coverage_at_precision(np.zeros(3, dtype=bool), np.ones(3), 0.5) == (0.0, float("inf"))
    assert np.isnan(metrics.coverage_at_precision(np.zeros(0, dtype=bool), np.zeros(0), 0.5)[0])
