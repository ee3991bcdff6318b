"""Linear heads: quality against scikit-learn, rows without a label, storage."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from eclip.errors import ModelError
from eclip.metrics import average_precision
from eclip.tasks.category.targets import category_target
from eclip.tasks.fit import fit_modal_heads
from eclip.tasks.heads.linear import Head, LinearHeads, Target
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.heads.training import fit_heads


@pytest.fixture(scope="module")
def problem():
    """Features of other scales and offsets, two targets of which one lacks most labels."""
    shuffled = np.random.default_rng(0)
    matrix = shuffled.normal(size=(4000, 20))
    first = (matrix @ shuffled.normal(size=(20, 5)) + shuffled.normal(size=(4000, 5))).argmax(axis=1)
    second = np.where(matrix[:, 0] + matrix[:, 1] > 0, 1, 0)
    second[200:900] = -1
    features = (matrix * np.geomspace(0.01, 100, 20) + 3).astype(np.float32)
    targets = [
        Target(name="first", labels=tuple("abcde"), codes=first),
        Target(name="second", labels=("no", "yes"), codes=second),
    ]
    return matrix, features, targets


def test_heads_are_as_good_as_scikit_learn(problem):
    matrix, features, targets = problem
    train, held, test = np.arange(1000), np.arange(1000, 1200), np.arange(1200, 4000)
    heads = fit_heads(features, targets, train_rows=train, validation_rows=held, seed=0)
    for target in targets:
        known = train[target.codes[train] >= 0]
        model = LogisticRegression().fit(matrix[known], target.codes[known])
        theirs = model.score(matrix[test], target.codes[test])
        ours = np.mean(heads.probabilities(target.name, features[test]).argmax(axis=1) == target.codes[test])
        assert ours > theirs - 0.02


@pytest.mark.slow
def test_no_validation_rows_and_a_balanced_rare_class(problem):
    _, features, _ = problem
    codes = np.zeros(4000, dtype=np.int64)
    codes[features[:, 3] > np.quantile(features[:, 3], 0.98)] = 1
    nobody = np.zeros(0, dtype=np.int64)
    precisions = []
    for balanced in (True, False):
        target = Target(name="rare", labels=("no", "yes"), codes=codes, balanced=balanced)
        heads = fit_heads(features, [target], train_rows=np.arange(4000), validation_rows=nobody, seed=0)
        chances = heads.probabilities("rare", features)[:, 1]
        precisions.append(average_precision(codes == 1, chances))
        # However classes weigh in training, answers are probabilities: as often true as they say.
        assert codes.mean() / 3 < chances.mean() < 3 * codes.mean()
    assert min(precisions) > 0.95


def test_probabilities_by_hand():
    head = Head(labels=("a", "b"), weight=np.array([[1.0], [0.0]]), bias=np.array([0.0, np.log(3)]))
    assert head.probabilities(np.array([[0.0], [np.log(9)]])) == pytest.approx(np.array([[0.25, 0.75], [0.75, 0.25]]))
    with pytest.raises(ModelError, match="fitted on 1 features, found 2"):
        head.probabilities(np.zeros((1, 2)))


def test_saved_heads_come_back_equal_whatever_their_names(tmp_path):
    head = Head(labels=("", "색상/빨강"), weight=np.eye(2, dtype=np.float32), bias=np.zeros(2, np.float32))
    heads = LinearHeads({"색상": head, "a/b.c": head})
    heads.save(tmp_path / "heads")
    heads.save(tmp_path / "heads")  # an older one is replaced
    loaded = LinearHeads.load(tmp_path / "heads")
    assert list(loaded.heads) == ["색상", "a/b.c"]
    assert loaded.heads["색상"].labels == head.labels
    assert np.array_equal(loaded.heads["a/b.c"].weight, head.weight)
    assert [path.name for path in tmp_path.iterdir()] == ["heads"]


def test_damaged_or_foreign_heads_are_refused(tmp_path):
    head = Head(labels=("a", "b"), weight=np.eye(2, dtype=np.float32), bias=np.zeros(2, np.float32))
    LinearHeads({"x": head}).save(tmp_path / "heads")
    config = tmp_path / "heads" / "heads.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "version": 99}))
    with pytest.raises(ModelError, match="version 99, expected 2"):
        LinearHeads.load(tmp_path / "heads")
    for content in ({"version": 2}, [], {"version": 2, "heads": [{"name": "x", "labels": ["a"]}, {"name": "y"}]}):
        config.write_text(json.dumps(content))
        with pytest.raises(ModelError, match="no readable heads"):
            LinearHeads.load(tmp_path / "heads")
    (tmp_path / "heads" / "heads.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ModelError, match="no readable heads"):
        LinearHeads.load(tmp_path / "heads")


def test_a_row_uses_the_richest_modality_that_is_fitted():
    def constant(label: str, width: int) -> LinearHeads:
        bias = np.array([5.0 if label == name else 0.0 for name in ("image", "text", "both")])
        labels = ("image", "text", "both")
        return LinearHeads({"x": Head(labels=labels, weight=np.zeros((3, width)), bias=bias)})

    images, texts = np.zeros((4, 2)), np.zeros((4, 2))
    images[1], texts[2] = np.nan, np.nan
    images[3] = texts[3] = np.nan

    def said(heads: ModalHeads) -> list[str | None]:
        inputs, labels = heads.inputs(images, texts, [None] * 4), [None] * 4
        for modality, rows in heads.rows_by_modality("x", inputs):
            for row, code in zip(rows, heads.probabilities("x", modality, inputs, rows).argmax(axis=1), strict=True):
                labels[row] = heads.labels(modality, "x")[code]
        return labels

    every = ModalHeads({m: constant(m, 4 if m == "both" else 2) for m in ("image", "text", "both")})
    assert said(every) == ["both", "text", "image", None]
    only_text = ModalHeads({"text": constant("text", 2)})
    assert said(only_text) == ["text", "text", None, None]


def ring(num_rows: int):
    """Two classes that no line parts: inside and outside a ring."""
    shuffled = np.random.default_rng(1)
    matrix = shuffled.normal(size=(num_rows, 2)).astype(np.float32)
    codes = (np.linalg.norm(matrix, axis=1) > 1.18).astype(np.int64)
    return matrix * 5 + 2, Target(name="ring", labels=("in", "out"), codes=codes)


def test_a_hidden_layer_is_chosen_where_no_line_parts_the_classes(tmp_path):
    matrix, target = ring(2000)
    rows = {"train_rows": np.arange(1200), "validation_rows": np.arange(1200, 1500), "seed": 0}
    test = np.arange(1500, 2000)

    def accuracy(heads: LinearHeads) -> float:
        return float(np.mean(heads.probabilities("ring", matrix[test]).argmax(axis=1) == target.codes[test]))

    linear = fit_heads(matrix, [target], **rows)
    chosen = fit_heads(matrix, [target], kinds=("linear", "mlp"), **rows)
    assert linear.heads["ring"].hidden_weight is None
    assert accuracy(linear) < 0.7
    assert accuracy(chosen) > 0.9
    chosen.save(tmp_path / "heads")
    loaded = LinearHeads.load(tmp_path / "heads")
    assert np.array_equal(loaded.probabilities("ring", matrix), chosen.probabilities("ring", matrix))
    with pytest.raises(ModelError, match="fitted on 2 features, found 3"):
        loaded.probabilities("ring", np.zeros((1, 3)))


def test_a_hidden_head_by_hand():
    head = Head(
        labels=("a", "b"),
        weight=np.array([[1.0, 0.0], [0.0, 1.0]]),
        bias=np.zeros(2),
        hidden_weight=np.array([[1.0], [-1.0]]),
        hidden_bias=np.array([0.0, np.log(3)]),
    )
    # x = ln 9: hidden (ln 9, max(0, ln 3 - ln 9) = 0), so odds 9 : 1
    assert head.probabilities(np.array([[np.log(9)]])) == pytest.approx(np.array([[0.9, 0.1]]))


@pytest.mark.slow
def test_all_tasks_may_have_hidden_layers(catalogue):
    target = category_target(catalogue)
    heads = fit_modal_heads(catalogue, {"category": [target]}, seed=0, kinds=("mlp",))["category"]
    assert all(group.heads["category"].hidden_weight is not None for group in heads.by_modality.values())
    plain = fit_modal_heads(catalogue, {"category": [target]}, seed=0)["category"]
    assert all(group.heads["category"].hidden_weight is None for group in plain.by_modality.values())
