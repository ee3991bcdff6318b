"""Experts weighed against each other, thresholds for a precision, and heads of several values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize

from eclip.tasks.attributes.experts import MIN_VALIDATION, RIDGE, fit_mark_pool, fit_pool, softmax
from eclip.tasks.attributes.fit import MIN_ROWS_A_VALUE, _choose_power
from eclip.tasks.attributes.multilabel import fit_marks, mark_logits
from eclip.tasks.attributes.spans.words import split_words
from eclip.tasks.attributes.stated import SLIP, StatedValues
from eclip.tasks.attributes.targets import SeveralTarget
from eclip.tasks.attributes.thresholds import MIN_ANSWERED, choose_threshold, lower_bound


def two_experts(num_rows: int = 400, num_values: int = 4) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """One expert that is right but too timid, one that only guesses."""
    shuffled = np.random.default_rng(0)
    codes = shuffled.integers(num_values, size=num_rows)
    good = shuffled.normal(size=(num_rows, num_values))
    good[np.arange(num_rows), codes] += 1.5
    guess = shuffled.normal(size=(num_rows, num_values))
    return {"good": np.log(softmax(0.5 * good)), "guess": np.log(softmax(guess))}, codes


def test_weights_are_those_that_a_search_without_slopes_finds():
    logs, codes = two_experts()

    def loss(weights):
        chances = softmax(sum(weight * each for weight, each in zip(weights, logs.values(), strict=True)))
        fit = -np.log(chances[np.arange(len(codes)), codes]).mean()
        return fit + RIDGE * ((weights - 0.5) ** 2).sum()

    slow = minimize(loss, np.array([0.5, 0.5]), method="Nelder-Mead")
    pool = fit_pool(logs, codes)
    assert pool.weights == pytest.approx(slow.x, abs=2e-2)
    assert pool.weights[0] > 1.2  # sharpened
    assert pool.weights[1] < 0.2
    # Rows whose value is no class are left out.
    unknown = np.concatenate([codes, [-1]])
    assert fit_pool({n: np.vstack([e, e[:1]]) for n, e in logs.items()}, unknown).weights == pool.weights


def test_yes_or_no_weights_are_those_that_a_search_without_slopes_finds():
    logs, codes = two_experts()
    marks = np.arange(4)[None, :] == codes[:, None]

    def loss(free):
        scores = free[0] * logs["good"] + free[1] * logs["guess"] + free[2]
        fit = (np.logaddexp(0, scores) - marks * scores).mean()
        return fit + RIDGE * ((free[:2] - 0.5) ** 2).sum()

    slow = minimize(loss, np.array([0.5, 0.5, 0]), method="Nelder-Mead", options={"maxiter": 2000})
    pool = fit_mark_pool(logs, marks)
    assert [*pool.weights, pool.bias] == pytest.approx(slow.x, abs=2e-2)


def test_few_rows_weigh_experts_alike():
    logs, codes = two_experts(MIN_VALIDATION - 1)
    assert fit_pool(logs, codes).weights == (0.5, 0.5)


def test_a_threshold_is_the_lowest_whose_precision_is_probably_reached():
    confidences = np.linspace(1, 0.5, 200)
    right = np.arange(200) < 150
    found = choose_threshold(right, confidences, target=0.9)
    answered = int(found.sure(confidences).sum())
    counts = np.arange(1, 201)
    slow = [n for n in counts if n >= MIN_ANSWERED and lower_bound(np.minimum(n, 150), n) >= 0.9]
    assert answered == max(slow)
    assert found.precision == pytest.approx(min(150, answered) / answered)
    assert found.coverage == pytest.approx(answered / 200)
    assert not found.sure(np.array([np.nan])).any()


def test_a_precision_out_of_reach_is_never_sure():
    found = choose_threshold(np.zeros(50, bool), np.ones(50))
    assert found.at is None
    assert not found.sure(np.ones(3)).any()
    assert choose_threshold(np.zeros(0, bool), np.zeros(0)).at is None
    # Ten right answers prove nothing.
    assert choose_threshold(np.ones(10, bool), np.ones(10)).at is None


def test_where_every_answer_is_right_the_target_itself_is_sure_enough():
    assert choose_threshold(np.ones(90, bool), np.linspace(0.99, 1, 90), target=0.95).at == 0.95


def test_wilsons_bound_by_hand():
    # 9 of 10: (0.9 + 0.05 - sqrt(0.009 + 0.0025)) / 1.1
    assert lower_bound(np.array([9]), np.array([10]))[0] == pytest.approx((0.95 - 0.0115**0.5) / 1.1)


def several_problem(*, dense: bool) -> tuple[SeveralTarget, np.ndarray | sparse.csr_matrix]:
    shuffled = np.random.default_rng(1)
    matrix = shuffled.normal(size=(300, 6)).astype(np.float32)
    marks = matrix[:, :3] + 0.3 * shuffled.normal(size=(300, 3)) > 0.3
    target = SeveralTarget(name="material", labels=("a", "b", "c"), marks=marks, known=np.arange(300) % 5 > 0)
    return target, matrix if dense else sparse.csr_matrix(np.maximum(matrix, 0))


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.slow
def test_several_values_are_learned_each_for_itself(dense):
    target, matrix = several_problem(dense=dense)
    rows = {"train_rows": np.arange(200), "validation_rows": np.arange(200, 250), "seed": 0, "name": "Fitting"}
    head = fit_marks(matrix, [target], **rows).heads["material"]
    said = mark_logits(head, matrix[250:]) > 0
    assert (said == target.marks[250:]).mean() > 0.85
    assert (said.sum(axis=1) > 1).any()
    # What is said of rows that lack the attribute plays no part.
    marks = target.marks.copy()
    marks[~target.known] ^= True
    other = SeveralTarget(name="material", labels=target.labels, marks=marks, known=target.known)
    again = fit_marks(matrix, [other], **rows).heads["material"]
    assert np.array_equal(again.weight, head.weight)


def test_names_of_values_are_looked_up_longest_first():
    stated = StatedValues(["Blue", "Navy Blue", "Red", "남색"])
    titles = ["navy-blue shirt", "Red and blue", "shirt", "남색 셔츠"]
    words = [split_words(title) for title in titles]
    assert stated.marks(words).tolist() == [
        [False, True, False, False],
        [True, False, True, False],
        [False] * 4,
        [False, False, False, True],
    ]
    chances = np.exp(stated.logs(words))
    assert chances.sum(axis=1) == pytest.approx(1)
    assert chances[0] == pytest.approx([SLIP / 3, 1 - SLIP, SLIP / 3, SLIP / 3])
    assert chances[1] == pytest.approx([(1 - SLIP) / 2, SLIP / 2, (1 - SLIP) / 2, SLIP / 2])
    assert chances[2] == pytest.approx(0.25)


def test_rare_values_are_preferred_only_where_validation_rows_can_tell():
    shuffled = np.random.default_rng(0)
    log_prior = np.log([0.9, 0.1])
    codes = (shuffled.random(2000) < 0.1).astype(np.int64)
    # What the features say, and the prior on top of it: the rare value is hardly ever the most probable one.
    scores = log_prior + 0.9 * np.eye(2)[codes] + 0.3 * shuffled.normal(size=(2000, 2))
    assert (scores.argmax(axis=1) == codes).mean() < 0.92
    power = _choose_power(scores, log_prior, codes)
    assert 0 < power < 1
    few = 2 * MIN_ROWS_A_VALUE - 1
    assert _choose_power(scores[:few], log_prior, codes[:few]) == 0.0
