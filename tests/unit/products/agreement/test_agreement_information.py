"""Agreement of pictures and words: against slow twins, by hand, and on pairs whose truth is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from eclip.errors import StoreError
from eclip.metrics import average_precision
from eclip.products.agreement import information
from eclip.products.agreement.calibrate import Calibration, separation
from eclip.products.agreement.check import pair_weights, score_pairs
from eclip.products.agreement.information import NUM_FOLDS, Canonical, cross_fitted_information
from eclip.products.agreement.words import said_topics


def two_views(num: int, *, seed: int = 0, noise: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """Two noisy views of one hidden thing: [N, 6] and [N, 4]."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(num, 3))
    one = hidden @ rng.normal(size=(3, 6)) + noise * rng.normal(size=(num, 6))
    two = hidden @ rng.normal(size=(3, 4)) + noise * rng.normal(size=(num, 4))
    return one, two


def test_information_is_the_log_ratio_of_gaussian_densities() -> None:
    one, two = two_views(400)
    views = Canonical.fit(one, two)
    u, v, r = views.of_pictures(one[:9]), views.of_words(two[:9]), views.correlations
    num = len(r)
    joint = np.block([[np.eye(num), np.diag(r)], [np.diag(r), np.eye(num)]])
    normal = multivariate_normal(np.zeros(num))
    together = multivariate_normal(np.zeros(2 * num), joint).logpdf(np.hstack([u, v]))
    np.testing.assert_allclose(views.information(u, v), together - normal.logpdf(u) - normal.logpdf(v), atol=1e-9)


def test_directions_are_uncorrelated_but_with_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(information, "SHRINKAGE", 0.0)
    one, two = two_views(500)
    views = Canonical.fit(one, two)
    u, v = views.of_pictures(one), views.of_words(two)
    both = np.corrcoef(np.hstack([u, v]).T)
    num = len(views.correlations)
    expected = np.block([[np.eye(num), np.diag(views.correlations)], [np.diag(views.correlations), np.eye(num)]])
    np.testing.assert_allclose(both, expected, atol=1e-6)
    assert np.all(np.diff(views.correlations) <= 1e-12)


def test_directions_do_not_depend_on_how_many_rows_are_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = two_views(100)
    whole = Canonical.fit(one, two)
    monkeypatch.setattr(information, "_BLOCK_ROWS", 7)
    parts = Canonical.fit(one, two)
    np.testing.assert_allclose(parts.correlations, whole.correlations, atol=1e-12)
    expected = whole.information(whole.of_pictures(one), whole.of_words(two))
    np.testing.assert_allclose(parts.information(parts.of_pictures(one), parts.of_words(two)), expected, atol=1e-9)


def test_what_is_told_of_a_fold_is_learned_from_the_others_alone() -> None:
    """The slow twin: one fit a fold, one row at a time; and no row of a group ever helps another of it."""
    one, two = two_views(90)
    groups = np.arange(90) // 3
    own, strange = cross_fitted_information(one, two, groups, seed=5)
    folds = information._folds(groups, np.random.default_rng(5))
    assert len(np.unique(folds)) == NUM_FOLDS
    assert all(len(set(folds[groups == group])) == 1 for group in range(30))
    for row in range(0, 90, 7):
        others = [other for other in range(90) if folds[other] != folds[row]]
        assert not set(groups[others]) & {groups[row]}
        views = Canonical.fit(one[others], two[others])
        told = views.information(views.of_pictures(one[[row]]), views.of_words(two[[row]]))
        assert own[row] == pytest.approx(told[0])
    assert np.isnan(strange).mean() < 0.3


def test_a_wrong_pair_can_not_vouch_for_itself() -> None:
    """Thirty wrong copies of one pair, all of one group, score as one: none of them is learned from for another."""
    one, two = two_views(600, seed=2, noise=0.3)
    one[:30], two[:30] = one[0], two[300]
    groups = np.concatenate([np.zeros(30, int), np.arange(1, 571)])
    own, _ = cross_fitted_information(one, two, groups, seed=0)
    assert own[:30].max() < np.quantile(own[30:], 0.05)


@pytest.mark.slow
def test_probabilities_are_what_they_say() -> None:
    """Scores from two bells, the right pairs' one moved by their variance: the model of the fit is exact."""
    rng = np.random.default_rng(0)
    num, wrong_share, distance = 30_000, 0.06, 4.0
    wrong = rng.random(num) < wrong_share
    spread = np.sqrt(distance)
    own = rng.normal(np.where(wrong, -distance / 2, distance / 2), spread)
    strange = rng.normal(-distance / 2, spread, 4 * num)
    fitted = Calibration.fit(own, strange)
    assert fitted.wrong_share == pytest.approx(wrong_share, abs=0.015)
    assert fitted.slope == pytest.approx(1, abs=0.1)
    probability = fitted.probability(own)
    for low, high in ((0, 0.3), (0.3, 0.6), (0.6, 0.9), (0.9, 1)):
        some = (probability >= low) & (probability < high)
        assert probability[some].mean() == pytest.approx((~wrong)[some].mean(), abs=0.06), (low, high)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**20))
@pytest.mark.slow
def test_a_higher_score_is_never_less_probable(seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, strange = rng.normal(1, 2, 50), rng.normal(-1, 2, 80)
    fitted = Calibration.fit(own, strange)
    probability = fitted.probability(np.linspace(-1000, 1000, 401))
    assert np.all(np.diff(probability) >= 0)
    assert probability.min() >= -1e-9
    assert probability.max() <= 1
    above = np.mean([[1 if o > s else 0.5 if o == s else 0 for s in strange] for o in own])
    assert separation(own, strange) == pytest.approx(above)


def test_topics_link_what_shares_words() -> None:
    topics = said_topics(["red Shoe", "Red shoe", "blue hat", "blue, hat", "lonely"], [None] * 5, seed=0)
    assert np.allclose(topics[0], topics[1])
    assert topics[0] @ topics[2] == pytest.approx(0, abs=1e-6)
    assert not topics[4].any()
    assert said_topics(["one", "two"], [None, None], seed=0).shape == (2, 1)


def test_a_category_that_is_not_given_is_guessed_from_the_title() -> None:
    titles = ["red shoe", "red shoe", "blue hat", "blue hat"] * 5
    paths: list[list[str] | None] = [["Shoes"], ["Shoes"], ["Hats"], ["Hats"]] * 5
    paths[0] = paths[2] = None
    levels = said_topics(titles, paths, seed=0)[:, -2:]
    np.testing.assert_allclose(levels[0], levels[1], atol=0.05)
    np.testing.assert_allclose(levels[2], levels[3], atol=0.05)
    assert np.linalg.norm(levels[1] - levels[3]) > 1


def drawn_shop(num: int = 1_200) -> tuple[np.ndarray, list[str], list[list[str] | None], np.ndarray]:
    """Pictures' vectors around their kind's centre, titles of the kind's words, one in twenty pictures wrong."""
    rng = np.random.default_rng(4)
    kinds = rng.integers(0, 12, num)
    shown = kinds.copy()
    wrong = np.arange(num) % 20 == 0
    shown[wrong] = (kinds[wrong] + rng.integers(1, 12, wrong.sum())) % 12
    vectors = rng.normal(size=(12, 16))[shown] + 0.8 * rng.normal(size=(num, 16))
    titles = [f"kind{kind} word{rng.integers(40)} from{kind % 3}" for kind in kinds]
    paths = [["All", f"Kind {kind}"] if rng.random() < 0.8 else None for kind in kinds]
    return vectors.astype(np.float32), titles, paths, wrong


@pytest.mark.slow
def test_wrong_pairs_of_a_drawn_shop_score_low() -> None:
    """Fails with scores inverted, and with pictures that are not learned from."""
    vectors, titles, paths, wrong = drawn_shop()
    judged = score_pairs(vectors, titles, paths, np.arange(len(titles)))
    scores = judged.scores
    assert average_precision(wrong, -scores) > 0.9
    assert judged.wrong_share == pytest.approx(0.05, abs=0.02)
    weights = pair_weights(scores)
    assert (weights[wrong] == 0).mean() > 0.7
    assert (weights[~wrong] == 0).mean() < 0.01
    mixed = score_pairs(np.random.default_rng(0).permutation(vectors), titles, paths, np.arange(len(titles)))
    assert abs(mixed.separation - 0.5) < 0.05
    assert average_precision(wrong, -mixed.scores) < 0.2


def test_a_rare_kind_is_not_taken_for_wrong() -> None:
    """Six right listings of a kind that nobody else sells, with a picture like nothing else."""
    vectors, titles, paths, _ = drawn_shop()
    rare = np.random.default_rng(9).normal(size=16) + 0.3 * np.random.default_rng(8).normal(size=(6, 16))
    vectors = np.concatenate([vectors, rare.astype(np.float32)])
    titles, paths = [*titles, *["a quaint astrolabe"] * 6], [*paths, *[["Instruments"]] * 6]
    scores = score_pairs(vectors, titles, paths, np.arange(len(titles))).scores
    assert (pair_weights(scores[-6:]) > 0).all()


@pytest.mark.parametrize("num_groups", [1, 2, 5])
def test_listings_of_a_few_groups_are_refused(num_groups: int) -> None:
    """A shop that calls all it sells "a shirt": nothing is a stranger's."""
    vectors = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
    groups = np.arange(300) % num_groups
    with pytest.raises(StoreError, match=rf"300 listings .* {num_groups} different products"):
        score_pairs(vectors, [f"shirt {group}" for group in groups], [None] * 300, groups)


def test_listings_without_category_that_meet_no_stranger_are_calibrated_with_the_others() -> None:
    """Of nine groups in five folds one is alone in its own."""
    folds = information._folds(np.arange(9), np.random.default_rng(0))
    (alone,) = (group for group in range(9) if (folds == folds[group]).sum() == 1)
    groups = np.repeat(np.arange(9), 220)
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(9, 16))[groups] + 0.3 * rng.normal(size=(len(groups), 16))
    paths = [None if group == alone else ["All", f"Kind {group}"] for group in groups]
    scores = score_pairs(vectors.astype(np.float32), [f"shirt {group}" for group in groups], paths, groups).scores
    assert not np.isnan(scores).any()


def test_weights_by_hand() -> None:
    scores = np.array([0.0, 0.49, 0.5, 0.8, 1.0, np.nan], dtype=np.float32)
    np.testing.assert_allclose(pair_weights(scores), [0, 0, 0.5, 0.8, 1, 1], rtol=1e-6)
