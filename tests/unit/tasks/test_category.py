"""The category's tree, decisions and answers, on little tables worked out by hand and on the drawn catalogue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eclip.errors import ModelError
from eclip.tasks.category.answers import CategoryClassifier
from eclip.tasks.category.decisions import (
    CategoryDecision,
    choose_decision,
    fit_decisions,
    read_decisions,
    unknown_scores,
    write_decisions,
)
from eclip.tasks.category.results import category_results, decision_results, reliability_line
from eclip.tasks.category.tree import CategoryTree
from eclip.tasks.evaluation.leaves import leaf_decisions
from eclip.tasks.fit import fit_tasks
from eclip.tasks.heads.linear import Head, LinearHeads
from eclip.tasks.heads.modal import ModalHeads

LABELS = ("a > b > x", "a > b > y", "a > c", "d")


def test_chances_of_a_tree_by_hand():
    tree = CategoryTree.of_labels(LABELS)
    assert tree.nodes == (("a",), ("d",), ("a", "b"), ("a", "c"), ("a", "b", "x"), ("a", "b", "y"))
    chances = tree.chances(np.array([[0.1, 0.2, 0.3, 0.4]]))
    assert chances == pytest.approx(np.array([[0.6, 0.4, 0.3, 0.3, 0.1, 0.2]]))


def test_a_parent_never_contradicts_its_leaf():
    """On every level of a drawn tree: a node is as likely as what lies at or below it, and never less than a child."""
    shuffled = np.random.default_rng(0)
    labels = sorted({" > ".join(map(str, shuffled.integers(0, 3, shuffled.integers(1, 5)))) for _ in range(60)})
    tree = CategoryTree.of_labels(labels)
    chances = shuffled.dirichlet(np.full(len(labels), 0.2), size=50)
    of_nodes = tree.chances(chances)
    for number, node in enumerate(tree.nodes):
        below = [code for code, path in enumerate(tree.classes) if path[: len(node)] == node]
        assert of_nodes[:, number] == pytest.approx(chances[:, below].sum(axis=1), abs=1e-6)
        if len(node) > 1:
            assert (of_nodes[:, number] <= of_nodes[:, tree.nodes.index(node[:-1])] + 1e-6).all()
    for confidence in (0.3, 0.7, 0.95):
        nodes, said, climbed = tree.climbed(chances, confidence)
        for row, (node, chance, steps) in enumerate(zip(nodes, said, climbed, strict=True)):
            leaf = tree.classes[chances[row].argmax()]
            if node >= 0:
                assert tree.nodes[node] == leaf[: len(leaf) - steps]
                assert chance >= confidence
            else:
                assert steps == len(leaf)


def test_climbing_by_hand():
    tree = CategoryTree.of_labels(LABELS)
    chances = np.array([[0.5, 0.3, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7], [0.3, 0.2, 0.2, 0.3]])
    nodes, said, climbed = tree.climbed(chances, 0.75)
    assert [tree.nodes[node] if node >= 0 else None for node in nodes] == [("a", "b"), None, None]
    assert said == pytest.approx([0.8, 0.7, 0.7])
    assert climbed.tolist() == [1, 1, 3]
    nodes, _, climbed = tree.climbed(chances, 0.0)
    assert climbed.tolist() == [0, 0, 0]
    assert tree.nodes[nodes[2]] == ("a", "b", "x")


def test_the_least_confidence_that_is_right_often_enough():
    """Leaves said with .6 are right half of the time, their parents always."""
    tree = CategoryTree.of_labels(LABELS)
    chances = np.tile(np.array([0.6, 0.35, 0.03, 0.02]), (60, 1))
    paths = [("a", "b", "x"), ("a", "b", "y")] * 30
    decision = choose_decision(tree, chances, paths)
    assert decision.confidence == 0.61
    nodes, _, _ = tree.climbed(chances, decision.confidence)
    assert {tree.nodes[node] for node in nodes} == {("a", "b")}
    never = choose_decision(tree, chances, [("z",)] * 60)
    nodes, _, _ = tree.climbed(np.eye(4), never.confidence)
    assert nodes.tolist() == [-1] * 4  # where nothing was ever right, not even what is certain is answered
    assert choose_decision(tree, chances[:10], paths[:10]) == CategoryDecision()


def test_unknown_scores_by_hand():
    scores = unknown_scores(np.array([[1.0, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]]))
    assert scores == pytest.approx([0, 1, 0.5], abs=1e-6)


def test_decisions_come_back_and_damage_is_told(tmp_path):
    kept = {"text": CategoryDecision(confidence=0.4, unknown=0.5), "image": CategoryDecision(confidence=float("inf"))}
    write_decisions(tmp_path, kept)
    assert read_decisions(tmp_path) == kept
    (tmp_path / "decisions.json").write_text('{"text": {"other": 1}}')
    with pytest.raises(ModelError, match="run `eclip fit` again"):
        read_decisions(tmp_path)


def constant_heads(bias: list[float]) -> ModalHeads:
    head = Head(labels=LABELS, weight=np.zeros((4, 2), np.float32), bias=np.log(np.array(bias, np.float32)))
    return ModalHeads({"text": LinearHeads({"category": head})})


def test_answers_walk_up_and_say_how_sure_they_are():
    heads = constant_heads([0.5, 0.3, 0.1, 0.1])
    classifier = CategoryClassifier(heads, {"text": CategoryDecision(confidence=0.75, unknown=0.9)})
    texts = np.array([[0.0, 0.0], [np.nan, np.nan]])
    found = classifier.answer(np.full((2, 2), np.nan), texts, [None, None])
    assert found.leaves == [("a", "b", "x"), None]
    assert found.paths == [("a", "b"), None]
    assert found.climbed.tolist() == [1, -1]
    assert found.leaf_chances[0] == pytest.approx(0.5)
    assert found.chances[0] == pytest.approx(0.8)
    assert np.isnan(found.chances[1])
    assert not found.unknown.any()
    assert [path for path, _ in found.top[0]] == [("a", "b", "x"), ("a", "b", "y"), ("a", "c"), ("d",)]
    assert sum(chance for _, chance in found.top[0]) == pytest.approx(1)
    assert found.top[1] == []
    even = CategoryClassifier(constant_heads([0.25] * 4), {"text": CategoryDecision(confidence=0.9, unknown=0.9)})
    said = even.answer(np.full((2, 2), np.nan), texts, [None, None])
    assert said.unknown.tolist() == [True, False]
    assert said.paths == [None, None]


def test_a_head_that_is_sure_of_everything_takes_nothing_for_unknown():
    """All listings look alike: the bar lies where all of them are, and none is above it."""
    heads = constant_heads([1.0, 1e-30, 1e-30, 1e-30])
    texts = np.zeros((60, 2), np.float32)
    inputs = heads.inputs(np.full((60, 2), np.nan), texts, [None] * 60)
    chances = heads.probabilities("category", "text", inputs, np.arange(60))
    decision = choose_decision(CategoryTree.of_labels(LABELS), chances, [("a", "b", "x")] * 60)
    assert decision.unknown < 1e-9
    classifier = CategoryClassifier(heads, {"text": decision})
    assert not classifier.answer(np.full((60, 2), np.nan), texts, [None] * 60).unknown.any()


def test_what_is_reported_of_decisions_is_what_listings_are_answered(catalogue, tmp_path):
    """Also of listings without a picture, which are decided as titles are."""
    images = catalogue.image_vectors.copy()
    images[::3] = np.nan
    seen = replace(catalogue, image_vectors=images)
    biases = {"text": [0.5, 0.3, 0.1, 0.1], "both": [0.7, 0.1, 0.1, 0.1]}
    labels = ("home > lamp", "home > mug", "wear > hat", "wear > shirt")
    heads = {
        modality: LinearHeads(
            {"category": Head(labels=labels, weight=np.zeros((4, width)), bias=np.log(np.array(biases[modality])))}
        )
        for modality, width in (("text", 24), ("both", 48))
    }
    decisions = {"text": CategoryDecision(confidence=0.45), "both": CategoryDecision(confidence=0.75)}
    write_decisions(tmp_path, decisions)
    rows = seen.rows_of("test")
    modal = ModalHeads(heads)
    inputs = modal.inputs(images, seen.text_vectors, seen.titles)
    scores = modal.routed_probabilities("category", inputs, rows)
    buckets = np.arange(len(rows))
    results, _ = leaf_decisions(seen, tmp_path, rows, labels, scores, modality="both", buckets=buckets)
    reported = {r.metric: r.value for r in results}
    titles = [seen.titles[row] for row in rows]
    answers = CategoryClassifier(modal, decisions).answer(images[rows], seen.text_vectors[rows], titles)
    assert 0 < (answers.climbed == 0).mean() < 1
    assert reported["share answered with the leaf"] == pytest.approx((answers.climbed == 0).mean())


@pytest.mark.slow
def test_a_fitted_category_answers_as_its_decisions_say(catalogue, tmp_path):
    fit_tasks(catalogue, tmp_path, tasks=("category",), seed=0)
    classifier = CategoryClassifier.load(tmp_path / "category")
    assert set(classifier.decisions) == {"image", "text", "both"}
    test = catalogue.rows_of("test")
    titles = [catalogue.titles[row] for row in test]
    found = classifier.answer(catalogue.image_vectors[test], catalogue.text_vectors[test], titles)
    right = [path == catalogue.categories[row] for path, row in zip(found.leaves, test, strict=True)]
    assert np.mean(right) > 0.9
    assert set(fit_decisions(catalogue, classifier.heads)) == {"image", "text", "both"}


def test_every_level_above_the_deepest_has_its_accuracy():
    labels = ("a > b > c > d", "a > b > c > e", "a > b > f")
    paths = [("a", "b", "c", "e"), ("a", "b", "f")]
    found = category_results(paths, labels, np.array([[0.6, 0.3, 0.1]] * 2), modality="text", method="eclip")
    values = {r.metric: r.value for r in found if r.metric.startswith("accuracy")}
    assert values == {"accuracy": 0, "accuracy at level 1": 1, "accuracy at level 2": 1, "accuracy at level 3": 0.5}


def test_results_of_levels_and_decisions_by_hand():
    scores = np.array([[0.5, 0.3, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7], [0.1, 0.2, 0.6, 0.1]])
    paths = [("a", "b", "y"), ("d",), ("a", "b", "x")]
    seen = (paths, LABELS, scores)
    values = {r.metric: (r.value, r.support) for r in category_results(*seen, modality="text", method="eclip")}
    assert values["accuracy"] == (pytest.approx(1 / 3), 3)
    assert values["accuracy at level 1"] == (1.0, 3)
    assert values["accuracy at level 2"] == (0.5, 2)
    assert values["macro-F1 at level 1"] == (1.0, 3)
    # Chances .9 (right), .7 (right), .9 (right) of "a", "d", "a": each bin's gap is .1 or .3.
    assert values["calibration error at level 1"][0] == pytest.approx((0.1 + 0.3 + 0.1) / 3)
    assert values["coverage at 95% precision"][0] == pytest.approx(1 / 3)  # .7 is right, .6 is wrong
    said = {r.metric: r.value for r in decision_results(*seen, 0.75, modality="text", method="eclip")}
    # "a > b" at .8, nothing, "a" at .9.
    assert said["share answered with the leaf"] == 0
    assert said["share answered with the leaf or a parent"] == pytest.approx(2 / 3)
    assert said["precision of these answers"] == 1
    line = reliability_line(*seen, modality="text", method="eclip")
    assert line.x == pytest.approx([0.5, 0.6, 0.7])
    assert line.y == [0, 0, 1]
