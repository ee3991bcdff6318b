"""Categories where labels are few or none: nearest rows, names, and which of them answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eclip.errors import FeedError, ModelError
from eclip.tasks.category import fewlabels
from eclip.tasks.category.answers import CategoryClassifier
from eclip.tasks.category.fewlabels import with_few_labels
from eclip.tasks.category.names import name_texts, name_vectors, read_names
from eclip.tasks.category.targets import category_target
from eclip.tasks.fit import fit_tasks
from eclip.tasks.heads.linear import Head, LinearHeads
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.heads.neighbours import SHARPNESS, SMOOTHING, NeighbourHead
from eclip.tasks.results import Skipped

LEAVES = [("home", "mug"), ("home", "lamp"), ("wear", "shirt"), ("wear", "hat")]


def encoder_of(catalogue):
    """A text tower that knows the leaf's name: the mean title vector of that leaf's products."""
    means = {
        leaf[-1]: catalogue.text_vectors[[path == leaf for path in catalogue.categories]].mean(axis=0)
        for leaf in LEAVES
    }

    def encode(texts):
        vectors = np.array([means.get(text.split()[-1], np.zeros(24)) for text in texts], dtype=np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    return encode


def with_labels(catalogue, num_train: int, num_validation: int = 0):
    kept = {*catalogue.rows_of("train")[:num_train], *catalogue.rows_of("validation")[:num_validation]}
    kept |= set(catalogue.rows_of("test"))
    return replace(catalogue, categories=[p if row in kept else () for row, p in enumerate(catalogue.categories)])


def leaf_accuracy(catalogue, folder) -> float:
    test = catalogue.rows_of("test")
    titles = [None] * len(test)  # words would tell all
    found = CategoryClassifier.load(folder / "category").answer(
        catalogue.image_vectors[test], catalogue.text_vectors[test], titles
    )
    return float(np.mean([leaf == catalogue.categories[row] for leaf, row in zip(found.leaves, test, strict=True)]))


def test_nearest_rows_by_hand():
    head = NeighbourHead.of(np.array([[2.0, 0], [0, 3.0]]), np.array([0, 1]), ("a", "b"))
    near = np.exp(SHARPNESS * 0.8) / (np.exp(SHARPNESS * 0.8) + np.exp(SHARPNESS * 0.6))
    expected = (near + SMOOTHING / 2) / (1 + SMOOTHING)
    assert head.probabilities(np.array([[8.0, 6.0]])) == pytest.approx(np.array([[expected, 1 - expected]]), abs=1e-5)
    skipping = head.with_skip(np.array([[0.0, 0.0], [0.0, np.log(2) / 6]]))
    odds = 2 * (1 - expected) / expected
    assert skipping.probabilities(np.array([[8.0, 6.0]]))[0, 1] == pytest.approx(odds / (1 + odds), abs=1e-5)
    with pytest.raises(ModelError, match="fitted on 2 features, found 3"):
        head.probabilities(np.zeros((1, 3)))


def test_nearest_rows_come_back_from_the_disk(tmp_path):
    shuffled = np.random.default_rng(0)
    head = NeighbourHead.of(shuffled.normal(size=(30, 4)), shuffled.integers(0, 3, 30), ("a", "b", "c"))
    head = head.with_skip(shuffled.normal(size=(3, 4)).astype(np.float32))
    LinearHeads({"x": head}).save(tmp_path / "heads")
    matrix = shuffled.normal(size=(9, 4))
    loaded = LinearHeads.load(tmp_path / "heads")
    assert loaded.probabilities("x", matrix) == pytest.approx(head.probabilities(matrix), abs=0.02)


def test_a_linear_head_takes_names_into_its_weights():
    head = Head(labels=("a", "b"), weight=np.eye(2), bias=np.zeros(2))
    added = np.array([[1.0, 2.0], [0.0, -1.0]])
    matrix = np.array([[0.3, 0.7]])
    logits = matrix @ (np.eye(2) + added).T
    expected = np.exp(logits) / np.exp(logits).sum()
    assert head.with_skip(added).probabilities(matrix) == pytest.approx(expected)
    hidden = replace(head, hidden_weight=np.eye(2), hidden_bias=np.zeros(2))
    assert hidden.with_skip(added).probabilities(matrix) == pytest.approx(expected)


def test_what_a_name_is_read_as(catalogue):
    assert name_texts(("Apparel", "Topwear", "Shirts")) == ["Shirts", "Topwear Shirts", "Apparel Topwear Shirts"]
    assert name_texts(("Food",)) == ["Food"]
    vectors = name_vectors(LEAVES, encoder_of(catalogue))
    assert vectors.shape == (4, 24)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4))


def test_without_labels_names_alone_answer(catalogue, tmp_path):
    bare = with_labels(catalogue, 0)
    assert isinstance(category_target(bare), Skipped)
    fit_tasks(bare, tmp_path, tasks=("category",), seed=0, leaves=LEAVES, encode_text=encoder_of(catalogue))
    assert leaf_accuracy(catalogue, tmp_path) > 0.8


@pytest.mark.slow
def test_a_leaf_that_no_row_is_labelled_with_is_found_by_its_name(catalogue, tmp_path):
    """All but hats are labelled, a few times each."""
    few = with_labels(catalogue, 60)
    few = replace(few, categories=[path if path != ("wear", "hat") else () for path in few.categories])
    fit_tasks(few, tmp_path, tasks=("category",), seed=0, leaves=LEAVES, encode_text=encoder_of(catalogue))
    test = catalogue.rows_of("test")
    hats = np.array([catalogue.categories[row] == ("wear", "hat") for row in test])
    found = CategoryClassifier.load(tmp_path / "category").answer(
        catalogue.image_vectors[test], catalogue.text_vectors[test], [None] * len(test)
    )
    said = np.array([leaf == ("wear", "hat") for leaf in found.leaves])
    assert said[hats].mean() > 0.5
    assert said[~hats].mean() < 0.1


@pytest.mark.slow
def test_few_rows_are_looked_up(catalogue, tmp_path):
    """Too few to fit a head to (20), and a category with one product."""
    few = with_labels(catalogue, 18)
    fit_tasks(few, tmp_path, tasks=("category",), seed=0)
    heads = ModalHeads.load(tmp_path / "category")
    assert set(heads.by_modality) == {"image", "text", "both"}
    assert leaf_accuracy(catalogue, tmp_path) > 0.6


def test_with_enough_labels_nothing_else_is_tried(catalogue, monkeypatch):
    target, heads = category_target(catalogue), ModalHeads({})
    assert with_few_labels(catalogue, target, heads, None) is not heads
    monkeypatch.setattr(fewlabels, "FEW_LABELS", 100)
    assert with_few_labels(catalogue, target, heads, None) is heads


def test_one_class_and_no_class_are_told_in_one_line(catalogue, tmp_path):
    one = replace(catalogue, categories=[("home", "mug")] * catalogue.num_rows)
    summary = fit_tasks(one, tmp_path, tasks=("category",), seed=0)[0]
    assert summary.skipped[0].reason.startswith("the train split has one category (home > mug), at least 2")
    none = replace(catalogue, categories=[()] * catalogue.num_rows)
    assert "no category, at least 2" in fit_tasks(none, tmp_path, tasks=("category",), seed=0)[0].skipped[0].reason
    assert not (tmp_path / "category").exists()


def test_a_list_of_categories_is_read(tmp_path):
    file = tmp_path / "categories.txt"
    file.write_text("Apparel > Shirts\n\n생활/건강>모기장\nApparel > Shirts\n", encoding="utf-8")
    assert read_names(file) == [("Apparel", "Shirts"), ("생활/건강", "모기장")]
    file.write_text("Apparel > Shirts\n", encoding="utf-8-sig")  # as editors of Windows save
    assert read_names(file) == [("Apparel", "Shirts")]
    file.write_text("Apparel > Shirts\nApparel > > Shirts\n")
    with pytest.raises(FeedError, match=r"row 2: 'Apparel > > Shirts' has an empty level"):
        read_names(file)
    file.write_text("\n")
    with pytest.raises(FeedError, match="holds no category"):
        read_names(file)
    with pytest.raises(FeedError, match="expected a text file"):
        read_names(tmp_path / "missing.txt")
