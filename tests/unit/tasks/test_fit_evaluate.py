"""Fitting and evaluating whole: every task, every modality, and what is skipped with a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eclip.errors import ConfigError, ModelError, StoreError
from eclip.tasks.adult.answers import policy_answers
from eclip.tasks.adult.recognizer import PolicyRecognizer
from eclip.tasks.adult.targets import ADULT, CLASSES
from eclip.tasks.attributes.answers import AttributeExtractor
from eclip.tasks.category.answers import CategoryClassifier
from eclip.tasks.evaluation.evaluate import evaluate_tasks
from eclip.tasks.evaluation.matchers import read_scorers
from eclip.tasks.evaluation.pairs import evaluate_pair_tasks
from eclip.tasks.fit import fit_tasks
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.matching.candidates import Candidates, pairs_of
from eclip.tasks.matching.features import PairSource
from eclip.tasks.results import PAIRS_FACT, Report
from eclip.tasks.taskfiles import TASKS, read_task, write_task

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(catalogue, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tasks"
    fit_tasks(catalogue, path, seed=0)
    return path


def figure(report, task, metric, modality="both", method="eclip"):
    found = [
        r.value for r in report.results if (r.task, r.metric, r.modality, r.method) == (task, metric, modality, method)
    ]
    assert found, f"no {metric} of {task}"
    return found[0]


def test_every_task_is_learned_in_every_modality(catalogue, folder):
    shuffled = np.random.default_rng(5)
    noise = shuffled.normal(size=catalogue.image_vectors.shape).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    report = evaluate_tasks(
        catalogue, folder, pretrained=catalogue.with_vectors(noise, noise[::-1]), clip=catalogue, seed=0
    )
    assert report.skipped == []
    assert "digest" in report.facts[PAIRS_FACT]
    for modality in ("image", "text", "both"):
        assert figure(report, "category", "accuracy", modality) > 0.9
        assert figure(report, "attributes", "accuracy", modality) > 0.7
        assert figure(report, "adult", "average precision", modality) > 0.8
        assert figure(report, "matching", "F1", modality) > 0.8
        assert figure(report, "clustering", "pairwise F1", modality) > 0.7
        assert figure(report, "matching", "precision at the 99% target", modality) > 0.9
    assert figure(report, "matching", "assignment recall@10") >= figure(report, "matching", "assignment recall@1") > 0.8
    for modality in ("image", "text", "both"):
        # Vectors of noise know nothing: the figures come from the vectors, not from the labels.
        assert figure(report, "category", "accuracy", modality, "pretrained") < 0.5
    assert figure(report, "category", "accuracy", "text", "tf-idf") > 0.9
    assert figure(report, "retrieval", "R@10") == figure(report, "retrieval", "R@10", method="clip")
    assert {gallery.kind for gallery in report.galleries} >= {"search", "cluster"}
    assert {curve.task for curve in report.curves} == {"category", "matching", "adult"}


def test_predictions_use_what_a_listing_has(catalogue, folder):
    rows = catalogue.rows_of("test")
    images, texts = catalogue.image_vectors[rows].copy(), catalogue.text_vectors[rows].copy()
    titles = [catalogue.titles[row] for row in rows]
    images[0], texts[1] = np.nan, np.nan
    images[2] = texts[2] = np.nan
    titles[1] = titles[2] = None
    said = CategoryClassifier.load(folder / "category").answer(images, texts, titles)
    assert said.leaves[2] is None
    assert np.isnan(said.leaf_chances[2])
    assert said.leaves[0] == catalogue.categories[rows[0]]
    assert said.leaves[1] == catalogue.categories[rows[1]]
    attributes = AttributeExtractor.load(folder / "attributes").answers(images, texts, titles)
    assert attributes[2] == {}
    assert all(0 < answer.confidence <= 1 for each in attributes for answer in each.values())
    recognizer = PolicyRecognizer.load(folder / "adult")
    adult = policy_answers(recognizer, recognizer.listings(images, texts, titles)).chances[:, CLASSES.index(ADULT)]
    assert np.isnan(adult[2])
    truth = catalogue.policies[rows] == "adult"
    assert np.nanmean(adult[truth]) > np.nanmean(adult[~truth]) + 0.4


def test_same_products_are_the_listings_of_one_catalog(catalogue, folder):
    source = PairSource.of(catalogue)
    scorers = read_scorers(folder / "matching", "", "catalog")
    left, right = pairs_of(Candidates.of_source(source).near(source, own_rows=np.arange(catalogue.num_rows)))
    scores, thresholds = scorers.scores(source, left, right)
    rows = catalogue.rows_of("test")
    same = np.flatnonzero((scores >= thresholds) & np.isin(left, rows))
    assert len(same) > len(rows)
    assert np.mean(catalogue.catalog_ids[left[same]] == catalogue.catalog_ids[right[same]]) > 0.8


def test_evaluation_clusters_by_the_very_model_of_edges_that_was_released(catalogue, folder, tmp_path):
    """A bar that no edge reaches leaves every listing alone, in the report too."""
    content = read_task(folder / "clustering", "")
    found = []
    for name, bar in (("as it is", content["edges"]["bar"]), ("out of reach", 1e9)):
        (tmp_path / name / "clustering").mkdir(parents=True)
        write_task(tmp_path / name / "clustering", {**content, "edges": {**content["edges"], "bar": bar}})
        report = Report()
        evaluate_pair_tasks(report, catalogue, tmp_path / name, {}, seed=0)
        found.append(figure(report, "clustering", "pairwise F1"))
        assert figure(report, "clustering", "pairwise F1", "text") > 0.7  # of one modality: by scorers and a threshold
    assert found[0] > 0.8
    assert found[1] == 0


def test_fitting_again_gives_the_same_heads(catalogue, tmp_path):
    for name in ("first", "again"):
        fit_tasks(catalogue, tmp_path / name, tasks=["category", "adult", "matching"], seed=0)
    for path in (
        "category/both/heads.safetensors",
        "category/text/heads.json",
        "adult/lexical/heads/heads.safetensors",
        "matching/task.json",
    ):
        assert (tmp_path / "first" / path).read_bytes() == (tmp_path / "again" / path).read_bytes()
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == ["adult", "category", "matching"]


def test_a_store_without_labels_is_skipped_with_reasons(catalogue, tmp_path):
    nothing = [None] * catalogue.num_rows
    bare = replace(
        catalogue,
        categories=[()] * catalogue.num_rows,
        attributes=[{}] * catalogue.num_rows,
        catalog_ids=np.array(nothing, dtype=object),
        policies=np.array(nothing, dtype=object),
    )
    summaries = fit_tasks(bare, tmp_path, seed=0)
    assert [summary.task for summary in summaries] == list(TASKS)
    assert all(summary.skipped and not summary.heads for summary in summaries)
    report = evaluate_tasks(bare, tmp_path, seed=0)
    assert {each.task for each in report.skipped} == set(TASKS)
    assert {each.task for each in report.results} == {"retrieval"}


def test_text_only_and_empty_splits(catalogue, tmp_path):
    no_pictures = catalogue.with_vectors(np.full_like(catalogue.image_vectors, np.nan), catalogue.text_vectors)
    assert {m for s in fit_tasks(no_pictures, tmp_path, seed=0) for m in s.heads} == {"text"}
    report = evaluate_tasks(no_pictures, tmp_path, seed=0)
    assert {result.task for result in report.results} == {*TASKS, "retrieval"}
    no_test = replace(catalogue, split=np.where(catalogue.split == "test", "train", catalogue.split))
    assert "no products" in evaluate_tasks(no_test, tmp_path, seed=0).skipped[0].reason
    no_train = replace(catalogue, split=np.full(catalogue.num_rows, "test", dtype=object))
    assert all(s.skipped for s in fit_tasks(no_train, tmp_path, seed=0))


def test_bad_calls_say_what_to_do(catalogue, tmp_path):
    with pytest.raises(ConfigError, match="unknown task 'colour'"):
        fit_tasks(catalogue, tmp_path, tasks=["colour"], seed=0)
    with pytest.raises(ModelError, match="eclip fit"):
        ModalHeads.load(tmp_path / "category")
    others = replace(catalogue, product_ids=catalogue.product_ids[::-1])
    with pytest.raises(StoreError, match="other products"):
        evaluate_tasks(catalogue, tmp_path, clip=others, seed=0)
