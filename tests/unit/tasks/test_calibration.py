"""Temperatures: a twin by brute force, storage, and answers that become as right as they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eclip.errors import ModelError
from eclip.metrics import expected_calibration_error
from eclip.tasks.category.decisions import choose_decision, fit_decisions
from eclip.tasks.category.targets import category_target
from eclip.tasks.category.tree import CategoryTree
from eclip.tasks.heads.calibration import (
    at_temperature,
    fit_temperature,
    read_temperatures,
    write_temperatures,
)
from eclip.tasks.heads.fit_calibration import calibrated
from eclip.tasks.heads.linear import Head, LinearHeads
from eclip.tasks.heads.modal import ModalHeads


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def overconfident():
    """Logits whose truth was drawn at a third of their size."""
    shuffled = np.random.default_rng(3)
    logits = shuffled.normal(size=(4000, 6)) * 4
    codes = (logits / 3 + shuffled.gumbel(size=logits.shape)).argmax(axis=1)
    return logits, codes


def test_a_power_of_probabilities_is_a_division_of_logits():
    logits = np.random.default_rng(0).normal(size=(5, 4)) * 3
    assert at_temperature(softmax(logits), 2.5) == pytest.approx(softmax(logits / 2.5), abs=1e-12)
    same = softmax(logits)
    assert at_temperature(same, 1.0) is same


def test_the_temperature_is_the_best_of_a_fine_grid(overconfident):
    logits, codes = overconfident
    found = fit_temperature(softmax(logits), codes)
    grid = np.geomspace(0.2, 5, 400)
    rows = np.arange(len(codes))
    losses = [-np.mean(np.log(softmax(logits / t)[rows, codes])) for t in grid]
    assert found == pytest.approx(grid[int(np.argmin(losses))], rel=0.01)
    assert found == pytest.approx(3, rel=0.1)


def test_calibration_lowers_the_error_and_keeps_the_ranking(overconfident):
    logits, codes = overconfident
    before, held = softmax(logits[:2000]), codes[:2000]
    after = at_temperature(before, fit_temperature(softmax(logits[2000:]), codes[2000:]))
    assert np.array_equal(before.argsort(axis=1), after.argsort(axis=1))

    def error(chances: np.ndarray) -> float:
        return expected_calibration_error(chances.argmax(axis=1) == held, chances.max(axis=1))

    assert error(before) > 0.15
    assert error(after) < 0.04


def test_few_rows_say_nothing(overconfident):
    logits, codes = overconfident
    codes = codes.copy()
    codes[49:] = -1
    assert fit_temperature(softmax(logits), codes) == 1.0


def test_temperatures_are_fitted_on_validation_and_come_back(catalogue, tmp_path):
    target = category_target(catalogue)
    shuffled = np.random.default_rng(0)
    width = catalogue.text_vectors.shape[1]
    weight = shuffled.normal(size=(len(target.labels), width)).astype(np.float32) * 40
    head = Head(labels=target.labels, weight=weight, bias=np.zeros(len(target.labels), np.float32))
    plain = ModalHeads({"text": LinearHeads({target.name: head})})
    found = calibrated(catalogue, {"category": [target]}, {"category": plain})["category"]
    assert found.temperatures["text"][target.name] == pytest.approx(5, rel=1e-3)  # noise: as unsure as can be
    found.save(tmp_path)
    loaded = ModalHeads.load(tmp_path)
    inputs = loaded.inputs(catalogue.image_vectors, catalogue.text_vectors, catalogue.titles)
    rows = np.arange(10)
    chances = loaded.probabilities(target.name, "text", inputs, rows)
    expected = at_temperature(plain.probabilities(target.name, "text", inputs, rows), 5.0)
    assert chances == pytest.approx(expected, abs=1e-4)


def test_rows_without_a_picture_say_nothing_of_both(catalogue):
    """They are answered by their titles, so how sure both may be is chosen without them."""
    images = catalogue.image_vectors.copy()
    images[::6] = np.nan
    seen = replace(catalogue, image_vectors=images)
    target = category_target(seen)
    shuffled = np.random.default_rng(0)

    def head(width: int) -> LinearHeads:
        weight = shuffled.normal(size=(len(target.labels), width)).astype(np.float32)
        return LinearHeads({target.name: Head(labels=target.labels, weight=weight, bias=np.zeros(4, np.float32))})

    heads = ModalHeads({"text": head(24), "both": head(48)})
    rows = seen.rows_of("validation")
    rows = rows[~np.isnan(images[rows, 0])]
    inputs = heads.inputs(images, seen.text_vectors, seen.titles)
    found = calibrated(seen, {"category": [target]}, {"category": heads})["category"]
    of_both = heads.probabilities(target.name, "both", inputs, rows)
    assert found.temperatures["both"][target.name] == fit_temperature(of_both, target.codes[rows])
    tree = CategoryTree.of_labels(target.labels)
    chosen = choose_decision(tree, of_both, [seen.categories[row] for row in rows])
    assert fit_decisions(seen, heads)["both"] == chosen


def test_damaged_temperatures_are_refused(tmp_path):
    write_temperatures(tmp_path, {"text": {"x": 2.0}})
    assert read_temperatures(tmp_path) == {"text": {"x": 2.0}}
    (tmp_path / "calibration.json").write_text("[1]")
    with pytest.raises(ModelError, match="run `eclip fit` again"):
        read_temperatures(tmp_path)
    assert read_temperatures(tmp_path / "nowhere") == {}
