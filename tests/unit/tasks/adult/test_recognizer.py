"""The recognizer whole: fitted, saved, loaded, answering; by rules; what is skipped and why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eclip.errors import ModelError
from eclip.tasks.adult.answers import policy_answers
from eclip.tasks.adult.fit import listings_of
from eclip.tasks.adult.recognizer import POLICY_FILE, PolicyRecognizer
from eclip.tasks.adult.results import policy_results, recognizer_results
from eclip.tasks.adult.targets import CLASSES, adult_target
from eclip.tasks.fit import fit_tasks
from eclip.tasks.heads.modal import ModalHeads


def objects(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.fixture(scope="module")
def shop(catalogue):
    """Every 7th product is for adults, other hats for those of age; adult goods have a seller of their own."""
    policies = [
        "adult" if own == "adult" else "age-restricted" if leaf[1] == "hat" else None
        for own, leaf in zip(catalogue.policies, catalogue.categories, strict=True)
    ]
    sellers = ["night" if policy == "adult" else f"day {row % 5}" for row, policy in enumerate(policies)]
    return replace(catalogue, policies=objects(policies), sellers=objects(sellers))


@pytest.fixture(scope="module")
def folder(shop, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tasks"
    (summary,) = fit_tasks(shop, path, tasks=["adult"], seed=0)
    assert not summary.skipped
    return path / "adult"


@pytest.mark.slow
def test_levels_are_recognized_with_reasons_and_chances_that_mean_something(shop, folder):
    recognizer = PolicyRecognizer.load(folder)
    rows = shop.rows_of("test")
    listings = listings_of(shop, recognizer, rows)
    answers = policy_answers(recognizer, listings)
    truth = shop.policies[rows]
    right = [said == true for said, true in zip(answers.levels, truth, strict=True) if said]
    assert len(right) > 10
    assert np.mean(right) > 0.9
    np.testing.assert_allclose(answers.chances.sum(axis=1), 1, atol=1e-9)
    for column, level in enumerate(CLASSES[:3]):
        share = np.mean(truth == (None if column == 0 else level))
        assert answers.chances[:, column].mean() == pytest.approx(share, abs=0.08)
    night = [reason for said, reason in zip(answers.levels, answers.reasons, strict=True) if said == "adult"]
    assert all("seller" in reason for reason in night)
    told = [said is not None or look for said, look in zip(answers.levels, answers.review, strict=True)]
    assert [bool(reason) for reason in answers.reasons] == told
    assert not any(look and said for said, look in zip(answers.levels, answers.review, strict=True))


def test_listings_lack_what_they_like(shop, folder):
    recognizer = PolicyRecognizer.load(folder)
    rows = shop.rows_of("test")[:6]
    images, texts = shop.image_vectors[rows].copy(), shop.text_vectors[rows].copy()
    titles = [shop.titles[row] for row in rows]
    images[0] = texts[1] = images[2] = texts[2] = images[3] = texts[3] = np.nan
    titles[1] = titles[2] = None
    titles[3] = "Silicone adult toy"
    answers = policy_answers(recognizer, recognizer.listings(images, texts, titles))
    assert np.isnan(answers.chances[2]).all()
    assert (answers.levels[2], answers.reasons[2], bool(answers.review[2])) == (None, "", False)
    assert not np.isnan(answers.chances[[0, 1, 3]]).any()
    # No vector at all: the rules answer.
    assert (answers.levels[3], answers.reasons[3]) == ("adult", 'term "adult toy"')


def test_a_term_moves_a_fitted_answer_and_a_disguise_does_not_hide_it(shop, folder):
    recognizer = PolicyRecognizer.load(folder)
    rows = np.array([row for row in shop.rows_of("test") if shop.policies[row] is None][:1])
    images, texts = shop.image_vectors[rows], shop.text_vectors[rows]

    def adult(title, **options):
        return recognizer.judge(recognizer.listings(images, texts, [title], **options)).chances[0, 1]

    title = str(shop.titles[rows[0]])
    assert adult(title + " adult toy") > adult(title)
    assert adult(title + " 4dult t0y") > adult(title + " 4dult t0y", undo_disguises=False)


def test_a_level_without_labels_is_answered_by_rules(shop, folder):
    recognizer = PolicyRecognizer.load(folder)
    row = shop.rows_of("test")[:1]
    seen = recognizer.listings(shop.image_vectors[row], shop.text_vectors[row], ["Latex condoms"])
    assert CLASSES[1:][2] == "sensitive"
    assert recognizer.learned("both") == [0, 1]
    assert recognizer.judge(seen).chances[0, 3] > 0.3


def test_saving_and_loading_changes_nothing(shop, folder, tmp_path):
    recognizer = PolicyRecognizer.load(folder)
    rows = shop.rows_of("validation")
    before = recognizer.judge(listings_of(shop, recognizer, rows)).chances
    (tmp_path / "again").mkdir()
    recognizer.heads.save(tmp_path / "again")
    recognizer.save(tmp_path / "again")
    again = PolicyRecognizer.load(tmp_path / "again")
    np.testing.assert_array_equal(again.judge(listings_of(shop, again, rows)).chances, before)
    assert again.thresholds == recognizer.thresholds


def test_damaged_files_are_told_in_one_line(shop, folder, tmp_path):
    heads = ModalHeads.load(folder)
    for name, text in (("broken", "{"), ("old", '{"version": 0}'), ("empty", "{}")):
        heads_folder = tmp_path / name
        heads_folder.mkdir()
        heads.save(heads_folder)
        (heads_folder / POLICY_FILE).write_text(text)
        with pytest.raises(ModelError, match="run `eclip fit` again"):
            PolicyRecognizer.load(heads_folder)


def test_a_shop_without_labels_has_rules(tmp_path):
    recognizer = PolicyRecognizer.load(tmp_path / "none")
    nothing = np.full((4, 8), np.nan, dtype=np.float32)
    titles = ["Adult toy", "Lubricant 100 ml", "Cotton dress", None]
    answers = policy_answers(recognizer, recognizer.listings(nothing, nothing, titles))
    assert answers.levels == ["adult", None, None, None]
    assert answers.review.tolist() == [False, True, False, False]
    assert answers.reasons == ['term "adult toy"', 'term "lubricant"', "", ""]
    empty = policy_answers(recognizer, recognizer.listings(nothing[:0], nothing[:0], []))
    assert empty.levels == []


def test_what_cannot_be_learned_is_said_in_one_line(shop):
    none = adult_target(replace(shop, policies=objects([None] * shop.num_rows)))
    assert "0 train products have the policy 'adult'" in none.reason
    assert "terms of titles alone" in none.reason
    every = adult_target(replace(shop, policies=objects(["sensitive"] * shop.num_rows)))
    assert "every train product has a policy ('sensitive')" in every.reason


def test_rare_levels_are_left_out_of_the_target(shop):
    policies = shop.policies.copy()
    policies[shop.rows_of("train")[:2]] = "sensitive"
    target = adult_target(replace(shop, policies=policies))
    assert target.labels == ("everybody", "adult", "age-restricted")
    assert set(target.codes[policies == "sensitive"]) == {-1}


def test_results_have_every_level_budget_and_modality(shop, folder):
    found = list(recognizer_results(shop, folder))
    results = [each for group in found for each in group[0]]
    assert {each.modality for each in results} == {"image", "text", "both"}
    assert {each.target for each in results} == {"adult", "age-restricted"}
    values = {(r.target, r.metric, r.modality): r.value for r in results}
    assert values["adult", "average precision", "both"] > 0.9
    assert values["adult", "recall of levels set or shown", "both"] >= values["adult", "recall of levels set", "both"]
    assert 0 <= values["adult", "false positives per 10,000", "both"] < 500
    _, _, skipped = policy_results(
        np.array([None, "adult"], dtype=object), CLASSES, np.eye(2, 4), modality="text", method="eclip"
    )
    assert [each.reason for each in skipped] == [
        "text, eclip: no test product has the policy 'age-restricted'",
        "text, eclip: no test product has the policy 'sensitive'",
    ]
