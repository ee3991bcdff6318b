"""What is read out of listings, and what pairs of them are compared by."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eclip.errors import ModelError
from eclip.metrics import average_precision, best_f1_threshold, f1
from eclip.tasks.matching.agreement import agreement
from eclip.tasks.matching.boosted import BoostedScorer, fit_boosted, fold_rows, said_by_others
from eclip.tasks.matching.draw import Pairs
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.readings import read_records
from eclip.tasks.matching.trees import Trees, committee, fit_trees
from eclip.tasks.matching.wording import codes_of, normal_text, pieces_of, words_of
from eclip.tasks.matching.wordweights import WordWeights, count_words


def test_texts_are_read_alike_however_they_are_written():
    assert normal_text('"Señor Café 1,299.00 9,5cm"@es-MX') == '"senor cafe 1299.00 9.5cm" '
    assert words_of("lamp 660 4.3in ux-29f") == ["lamp", "660", "4", "3in", "ux", "29f"]
    assert pieces_of("8gb 8 gb 13.0") == ["8", "gb", "8", "gb", "13"]
    assert codes_of("umbra ux-29f vcr-18/g 16gb 2x8gb acme") == {"ux29f", "vcr18g"}


def test_codes_stand_in_one_order_whatever_the_process_hashes():
    assert read_records(["zz1234 ab12345 aa1234 mm1234"], None).codes == [("ab12345", "aa1234", "mm1234", "zz1234")]


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("9.99", 9.99),
        ("$ 1,299.00", 1299),
        ("1.299,00 €", 1299),
        ("1.299.000", 1299000),
        ("12.345", 12.345),
        ("12.5.2026", None),
        ("1,29,99", None),
        ("9" * 400, None),
        ("free", None),
    ],
)
def test_prices_are_read_however_a_country_writes_them(text, price):
    (found,) = read_records(["kettle"], [{"price": text}]).prices.tolist()
    assert found == pytest.approx(float("nan") if price is None else price, nan_ok=True)


def pair_columns(one: dict[str, str], other: dict[str, str]) -> dict[str, float]:
    records = [one, other, {"title": "plain kettle"}, {"title": "another lamp"}]
    readings = read_records(
        [r["title"] for r in records], [{k: v for k, v in r.items() if k != "title"} for r in records]
    )
    words = WordWeights(num_listings=len(readings), counts=count_words(readings), told={})
    fields = [name for name in ("description",) if name in readings.fields]
    both = [
        agreement(readings, words.rarity(readings.vocabulary), np.array([a]), np.array([b]), fields)
        for a, b in ((0, 1), (1, 0))
    ]
    values = [{name: float(column[0]) for name, column in side.items()} for side in both]
    assert values[0] == pytest.approx(values[1], nan_ok=True)  # in either order
    return values[0]


def test_codes_agree_across_hyphens_blanks_and_fields():
    values = pair_columns(
        {"title": "Umbra player ux29f black", "price": "150.0"},
        {"title": "UMBRA UX-29F record machine", "description": "also sold as ux 29f", "price": "$ 300"},
    )
    assert values["codes: shared"] == 1
    assert values["codes: found, less"] == values["codes: found, more"] == 1
    assert values["prices: log ratio"] == pytest.approx(np.log(2))
    assert values["first words"] == 1


def test_amounts_colours_sizes_and_brands_that_differ():
    values = pair_columns(
        {"title": "acme stick 64 gb schwarz xl", "brand": "Acme"},
        {"title": "rival stick 0.125tb red l size m", "brand": "Rival"},
    )
    assert values["amounts: agreement"] == 0
    assert values["colours: agreement"] == 0
    assert values["brands"] == 0
    same = pair_columns({"title": "acme stick 1tb black"}, {"title": "acme stick 1024gb noir"})
    assert same["amounts: agreement"] == same["colours: agreement"] == 1
    assert np.isnan(same["brands"])
    assert np.isnan(same["prices: log ratio"])


def test_what_can_not_be_said_is_nan_and_what_is_empty_does_not_fail():
    values = pair_columns({"title": ""}, {"title": "mug"})
    assert values["words: weighted overlap"] == 0
    assert np.isnan(values["codes: found, more"])


def test_weighted_overlap_by_hand():
    readings = read_records(["red mug", "red cup", "red jug"], None)
    words = WordWeights(num_listings=3, counts=count_words(readings), told={})
    assert words.counts == {"red": 3}
    rarity = words.rarity(readings.vocabulary)
    weight = dict(zip(readings.vocabulary, rarity.tolist(), strict=True))
    assert weight["mug"] == pytest.approx(np.log(2), abs=1e-6)
    values = agreement(readings, rarity, np.array([0]), np.array([1]), [])
    expected = weight["red"] / (weight["red"] + weight["mug"] + weight["cup"])
    assert values["words: weighted overlap"][0] == pytest.approx(expected)
    assert values["words: rarest alone, more"][0] == pytest.approx(weight["mug"])


@pytest.fixture(scope="module")
def numbers():
    shuffled = np.random.default_rng(0)
    matrix = shuffled.normal(size=(400, 5))
    matrix[shuffled.random(matrix.shape) < 0.1] = np.nan
    matrix[:, 4] = np.nan  # a column that nothing is known of
    return matrix, np.nan_to_num(matrix[:, 0]) + np.nan_to_num(matrix[:, 1]) > 0


def test_our_scan_gives_what_scikit_learn_gives(numbers):
    from sklearn.ensemble import HistGradientBoostingClassifier

    matrix, same = numbers
    trees = fit_trees(matrix, same, seed=3, num_trees=7, learning_rate=0.3, max_leaves=6)
    theirs = HistGradientBoostingClassifier(
        max_iter=7, learning_rate=0.3, max_leaf_nodes=6, min_samples_leaf=10, l2_regularization=3.0, max_features=0.4,
        early_stopping=False, random_state=3,
    ).fit(np.where(np.arange(5) < 4, matrix, 0.0), same)  # fmt: skip
    assert trees.log_odds(matrix) == pytest.approx(theirs.decision_function(matrix), abs=1e-12)
    other = fit_trees(matrix, same, seed=4, num_trees=3, learning_rate=0.3, max_leaves=6)
    joined = Trees.from_json(json.loads(json.dumps(committee([trees, other]).as_json())))
    mean = (trees.log_odds(matrix) + other.log_odds(matrix)) / 2
    assert joined.log_odds(matrix) == pytest.approx(mean, abs=1e-12)


def test_damaged_trees_are_refused(numbers):
    content = fit_trees(*numbers, seed=0, num_trees=2, learning_rate=0.3, max_leaves=6).as_json()
    for damaged in (content["right"][:-8], content["missing_left"], "AAAA" * (len(content["left"]) // 4)):
        with pytest.raises(ModelError, match="damaged"):  # cut, of another type, children that lead back
            Trees.from_json({**content, "left": damaged})
    with pytest.raises(ModelError, match="damaged"):  # two questions lead to one node
        Trees.from_json({**content, "left": content["right"]})


@pytest.fixture(scope="module")
def shop() -> tuple[PairSource, Pairs]:
    """Products of a brand and a model number; a stranger has another number under the same words."""
    shuffled = np.random.default_rng(1)
    brands, kinds = ("acme", "umbra", "nordlicht"), ("kettle", "toaster", "lamp", "scale")
    numbers = [f"{brand[0]}k{100 + item}" for item in range(80) for brand in brands[:1]]
    titles = [
        f"{brands[item % 3]} {kinds[item % 4]} {number} {extra}"
        for item, number in enumerate(numbers)
        for extra in ("new", "offer")
    ]
    left = np.concatenate([np.arange(0, 160, 2), np.arange(0, 160, 2)])
    right = np.concatenate([np.arange(1, 160, 2), (np.arange(1, 160, 2) + 24) % 160])
    nothing = np.full((160, 1), np.nan, dtype=np.float32)
    source = PairSource(titles=titles, image_vectors=nothing, text_vectors=shuffled.normal(size=(160, 2)))
    return source, Pairs(left=left, right=right, same=np.arange(160) < 80)


def test_figures_of_a_fit_do_not_come_from_the_threshold_that_these_very_pairs_chose():
    """Scores that say nothing: the best threshold of all pairs finds luck, those of other folds find none of it."""
    shuffled = np.random.default_rng(0)
    same, scores = shuffled.random(300) < 0.05, shuffled.random(300)
    optimistic = f1(same, scores >= best_f1_threshold(same, scores)[0])
    said = said_by_others(same, scores, seed=0)
    assert f1(same, said) < optimistic - 0.02
    for others, held in fold_rows(same, None, seed=0):
        assert (said[held] == (scores[held] >= best_f1_threshold(same[others], scores[others])[0])).all()
    assert (said_by_others(same, same * 0.9, seed=0) == same).all()


def test_trees_learn_that_numbers_tell_products_and_survive_the_disk(shop):
    source, pairs = shop
    scorer, held_out = fit_boosted(source, pairs, "text", seed=0)
    assert average_precision(pairs.same, held_out) > 0.95
    read = BoostedScorer.from_json(json.loads(json.dumps(scorer.as_json())))
    ours = scorer.of_pairs(source, pairs.left, pairs.right)
    assert read.of_pairs(source, pairs.left, pairs.right) == pytest.approx(ours, abs=1e-12)
    assert scorer.of_pairs(source, pairs.right, pairs.left) == pytest.approx(ours, abs=1e-9)
    assert len(scorer.of_pairs(source, np.zeros(0, np.int64), np.zeros(0, np.int64))) == 0
