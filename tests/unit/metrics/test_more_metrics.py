"""Multi-label, budget, purity and graded measures: tables worked out by hand, and scikit-learn where it has them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from eclip import metrics

NOTHING = np.zeros(0)


def test_multilabel_f1_by_hand():
    truth = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], bool)
    answered = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]], bool)
    # hits 1 1 1 0, labels 1 2 1 0, answers 1 1 2 0: 2*3 / (4 + 4)
    assert metrics.micro_f1(truth, answered) == 0.75
    # 1, 2/3, 2/3; the last label occurs nowhere and does not count
    assert metrics.macro_f1_multilabel(truth, answered) == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.4, 1.0])
def test_multilabel_f1_agrees_with_sklearn(share):
    shuffled = np.random.default_rng(3)
    truth, answered = shuffled.random((80, 6)) < 0.3, shuffled.random((80, 6)) < share
    truth[0], answered[0] = True, True  # every label occurs: scikit-learn counts those that do not as 0
    assert metrics.micro_f1(truth, answered) == pytest.approx(sk.f1_score(truth, answered, average="micro"))
    assert metrics.macro_f1_multilabel(truth, answered) == pytest.approx(sk.f1_score(truth, answered, average="macro"))


def test_f1_without_any_label():
    empty = np.zeros((4, 3), bool)
    assert metrics.micro_f1(empty, empty) == 0.0
    assert np.isnan(metrics.macro_f1_multilabel(empty, empty))
    assert np.isnan(metrics.mean(NOTHING))
    assert np.isnan(metrics.top_k_accuracy(np.zeros(0, int), np.zeros((0, 2)), 1))


def test_recall_at_budget_by_hand():
    relevant = np.array([True, False, True, False, True])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert metrics.recall_at_budget(relevant, scores, 0.2) == pytest.approx(1 / 3)
    assert metrics.recall_at_budget(relevant, scores, 0.6) == pytest.approx(2 / 3)
    assert metrics.recall_at_budget(relevant, scores, 1) == 1.0
    # Two rows and a half are two, and none is one.
    assert metrics.recall_at_budget(relevant, scores, 0.5) == pytest.approx(1 / 3)
    assert metrics.recall_at_budget(relevant, scores, 0.001) == pytest.approx(1 / 3)
    assert metrics.recall_at_budget(relevant, np.zeros(5), 0.6) == pytest.approx(3 / 5)  # ties: any three of five
    assert np.isnan(metrics.recall_at_budget(~relevant & relevant, scores, 0.5))


def test_recall_at_budget_under_ties_is_the_mean_over_orders():
    shuffled = np.random.default_rng(0)
    relevant, scores = shuffled.random(60) < 0.3, shuffled.integers(0, 5, 60).astype(float)
    found = []
    for _ in range(4000):
        order = shuffled.permutation(60)
        order = order[np.argsort(-scores[order], kind="stable")]
        found.append(relevant[order][:12].sum() / relevant.sum())
    assert metrics.recall_at_budget(relevant, scores, 0.2) == pytest.approx(np.mean(found), abs=0.01)


def test_purity_by_hand_and_whatever_the_names():
    # cluster x holds a a b, cluster y holds b c: 2 + 1 of 5
    truth, predicted = np.array(list("aabbc")), np.array(list("xxxyy"))
    assert metrics.cluster_scores(truth, predicted).purity == pytest.approx(3 / 5)
    assert metrics.cluster_scores(truth, np.arange(5)).purity == 1.0
    shuffled = np.random.default_rng(1)
    truth, predicted = shuffled.integers(0, 6, 90), shuffled.integers(0, 9, 90)
    table = sk.cluster.contingency_matrix(truth, predicted)
    assert metrics.cluster_scores(truth, predicted).purity == pytest.approx(table.max(axis=0).sum() / 90)


def test_bcubed_agrees_with_a_loop_over_items():
    shuffled = np.random.default_rng(5)
    truth, predicted = shuffled.integers(0, 7, 60), shuffled.integers(0, 5, 60)
    precision, recall = [], []
    for item in range(60):
        cluster, true = predicted == predicted[item], truth == truth[item]
        precision.append((cluster & true).sum() / cluster.sum())
        recall.append((cluster & true).sum() / true.sum())
    found = metrics.cluster_scores(truth, predicted)
    assert found.bcubed_precision == pytest.approx(np.mean(precision))
    assert found.bcubed_recall == pytest.approx(np.mean(recall))
    pairs = sk.cluster.pair_confusion_matrix(truth, predicted)
    assert found.pairwise_precision == pytest.approx(pairs[1, 1] / (pairs[1, 1] + pairs[0, 1]))
    assert found.pairwise_recall == pytest.approx(pairs[1, 1] / (pairs[1, 1] + pairs[1, 0]))


def test_clusterings_of_one_kind_only():
    alone, together = np.arange(4), np.zeros(4, int)
    assert metrics.cluster_scores(alone, alone).ari == 1.0
    assert metrics.cluster_scores(together, together).nmi == 1.0
    found = metrics.cluster_scores(alone, together)
    assert (found.pairwise_precision, found.pairwise_recall, found.nmi) == (0.0, 0.0, 0.0)


def test_graded_results_by_hand():
    ranked = np.array([[2, 0, 1], [0, 0, 0], [0, 3, 0]], float)
    judged = np.array([[1, 2, 3], [1, 0, 0], [3, 0, 0]], float)
    ideal = 3 + 2 / np.log2(3) + 1 / 2
    assert metrics.ndcg_at_k(ranked, judged, 3) == pytest.approx([(2 + 1 / 2) / ideal, 0, 1 / np.log2(3)])
    assert metrics.precision_at_k(ranked, 3) == pytest.approx([2 / 3, 0, 1 / 3])
    assert metrics.precision_at_k(ranked, 10) == pytest.approx([2 / 10, 0, 1 / 10])
    assert metrics.found_at_k(ranked, judged, 2) == pytest.approx([1 / 3, 0, 1])
    assert metrics.reciprocal_rank(ranked) == pytest.approx([1, 0, 1 / 2])
    nothing = np.zeros((1, 3))
    assert np.isnan(metrics.ndcg_at_k(nothing, nothing, 3)).all()
    assert np.isnan(metrics.found_at_k(nothing, nothing, 3)).all()
    assert metrics.reciprocal_rank(np.zeros((2, 0))).tolist() == [0, 0]


@pytest.mark.parametrize("k", [1, 5, 20, 50])
def test_ndcg_agrees_with_sklearn(k):
    shuffled = np.random.default_rng(k)
    grades, scores = shuffled.integers(0, 4, (30, 40)).astype(float), shuffled.random((30, 40))
    ranked = np.take_along_axis(grades, np.argsort(-scores, axis=1), axis=1)
    assert metrics.ndcg_at_k(ranked, grades, k).mean() == pytest.approx(sk.ndcg_score(grades, scores, k=k))


@pytest.mark.parametrize("relevant", [[True] * 5, [False, True, False, False, False]])
def test_yes_or_no_rankings_that_tie_altogether(relevant):
    relevant, scores = np.array(relevant), np.full(5, 0.3)
    assert metrics.average_precision(relevant, scores) == pytest.approx(sk.average_precision_score(relevant, scores))
    assert metrics.recall_at_budget(relevant, scores, 0.4) == pytest.approx(0.4)


def test_single_label_f1_of_one_class_agrees_with_sklearn():
    truth = np.array(["a"] * 4)
    assert metrics.macro_f1(truth, truth) == sk.f1_score(truth, truth, average="macro") == 1.0
    assert metrics.macro_f1(truth, np.array(["b"] * 4)) == 0.0
