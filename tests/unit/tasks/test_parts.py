"""The parts of the tasks: targets, pairs, neighbours, clusters, reading a store."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from eclip.errors import ModelError, StoreError
from eclip.schema import ATTRIBUTES_TYPE, CORRECTIONS_SCHEMA, embedding_type
from eclip.tasks.adult.targets import adult_target
from eclip.tasks.attributes.results import attribute_results
from eclip.tasks.attributes.targets import ABSENT, attribute_targets
from eclip.tasks.catalogue import COLUMNS, read_catalogue
from eclip.tasks.category.results import category_results
from eclip.tasks.category.targets import category_target
from eclip.tasks.clustering.cluster import MAX_DENSE, cluster
from eclip.tasks.evaluation.baselines import cosine_scores, title_cosine_features
from eclip.tasks.evaluation.evaluate import evaluate_tasks
from eclip.tasks.evaluation.retrieval import retrieval_results
from eclip.tasks.features import features, search_vectors
from eclip.tasks.matching.draw import draw_pairs
from eclip.tasks.matching.features import FEATURES, PairSource, pair_features
from eclip.tasks.matching.groups import product_groups
from eclip.tasks.matching.results import mate_results
from eclip.tasks.matching.scorers import PairScorer, PairScorers
from eclip.tasks.neighbours import nearest_rows, neighbour_pairs
from eclip.tasks.results import Skipped
from eclip.tasks.taskfiles import read_task, replacing, write_task

NAN = np.nan


def test_features_of_each_modality():
    images = np.array([[1.0, 0], [NAN, NAN], [NAN, NAN]], dtype=np.float32)
    texts = np.array([[0, 1.0], [1, 0], [NAN, NAN]], dtype=np.float32)
    matrix, mask = features(images, texts, "both")
    assert matrix.tolist() == [[1, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert mask.tolist() == [True, True, False]
    assert features(images, texts, "image")[1].tolist() == [True, False, False]
    vectors, _ = search_vectors(images, texts, "both")
    assert vectors[0] == pytest.approx([0.5**0.5, 0.5**0.5])
    with pytest.raises(ValueError, match="unknown modality"):
        features(images, texts, "sound")


class FakeStore:
    def __init__(self, ids):
        row = {
            "product_id": "a",
            "title": "Mug",
            "split": "train",
            "category": ["home", "mug"],
            "attributes": [("colour", ["red", "blue"])],
            "policy": "adult",
        }
        rows = [row, {"product_id": "b"}]
        schema = {"category": pa.list_(pa.string()), "attributes": ATTRIBUTES_TYPE}
        self._table = pa.table(
            {name: pa.array([r.get(name) for r in rows], schema.get(name, pa.string())) for name in COLUMNS}
        )
        vector = pa.array([None, [0.6, 0.8]], embedding_type(2))
        self._vectors = pa.table({"product_id": ids, "image_embedding": vector, "text_embedding": vector})

    def table(self, columns):
        return self._table.select(columns)

    def vectors(self, *, model_digest):
        assert model_digest == "digest"
        return self._vectors

    def corrections(self):
        return CORRECTIONS_SCHEMA.empty_table()


def test_a_catalogue_is_read_with_its_gaps():
    found = read_catalogue(FakeStore(["a", "b"]), "digest")
    assert found.categories == [("home", "mug"), ()]
    assert found.attributes == [{"colour": ("red", "blue")}, {}]
    assert found.model_digest == "digest"
    assert found.policies.tolist() == ["adult", None]
    assert np.isnan(found.image_vectors[0]).all()
    assert found.image_vectors[1] == pytest.approx([0.6, 0.8])
    with pytest.raises(StoreError, match="same order"):
        read_catalogue(FakeStore(["b", "a"]), "digest")


def test_a_folder_whose_replacement_was_killed_half_way_comes_back(tmp_path):
    folder = tmp_path / "category"
    with replacing(folder) as aside:
        (aside / "heads").write_text("first")
    folder.rename(tmp_path / ".category.old")  # killed between the two renames
    (tmp_path / ".category.partial").mkdir()
    with pytest.raises(RuntimeError), replacing(folder):
        raise RuntimeError
    assert (folder / "heads").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["category"]


def test_what_was_fitted_on_another_model_is_refused(catalogue, tmp_path):
    with replacing(tmp_path / "category") as aside:
        write_task(aside, {"model": "old"})
    assert read_task(tmp_path / "category", "old")["model"] == "old"
    with pytest.raises(ModelError, match="fitted on vectors of model old, this is new; run `eclip embed"):
        read_task(tmp_path / "category", "new")
    with pytest.raises(ModelError, match="fitted on vectors of model old"):
        evaluate_tasks(replace(catalogue, model_digest="new"), tmp_path, seed=0)


def test_what_another_version_fitted_is_refused_with_one_clear_line(tmp_path):
    folder = tmp_path / "matching"
    folder.mkdir()
    write_task(folder, {"model": "m"})
    content = json.loads((folder / "task.json").read_text())
    (folder / "task.json").write_text(json.dumps({**content, "version": 1}))
    with pytest.raises(ModelError, match=r"is of version 1, expected 2: another version of eclip wrote it; run `eclip"):
        read_task(folder, "m")
    (folder / "task.json").write_text(json.dumps({"model": "m"}))
    with pytest.raises(ModelError, match=r"holds no readable task\.json"):
        read_task(folder, "m")


def test_stopped_between_the_two_renames_the_old_folder_is_back(tmp_path, monkeypatch):
    folder, rename = tmp_path / "task", Path.rename
    folder.mkdir()
    (folder / "file").write_text("old")

    def stopped(self, target):
        if self.name.endswith(".partial"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(KeyboardInterrupt), replacing(folder):
        pass
    assert (folder / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["task"]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "old").touch()
    with pytest.raises(RuntimeError), replacing(tmp_path / "task") as aside:  # noqa: PT012
        (aside / "half").touch()
        raise RuntimeError
    assert [path.name for path in (tmp_path / "task").iterdir()] == ["old"]
    with replacing(tmp_path / "task") as aside:
        (aside / "new").touch()
    assert [path.name for path in (tmp_path / "task").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["task"]


def test_targets_take_their_classes_from_the_train_split(catalogue):
    paths = [("home", "mug")] * catalogue.num_rows
    paths[catalogue.rows_of("test")[0]] = ("home", "new")
    alone = category_target(replace(catalogue, categories=paths))
    assert isinstance(alone, Skipped)
    paths[catalogue.rows_of("train")[0]] = ("home", "once")
    target = category_target(replace(catalogue, categories=paths))
    assert target.labels == ("home > mug", "home > once")
    assert target.codes[catalogue.rows_of("test")[0]] == -1


def test_attributes_know_absent_and_refuse_free_text(catalogue):
    named = [{**a, "code": (f"x{row}",)} for row, a in enumerate(catalogue.attributes)]
    targets, skipped = attribute_targets(replace(catalogue, attributes=named))
    assert [target.labels for target in targets] == [("blue", "green", "red", ABSENT)]
    assert "no closed set" in skipped[0].reason
    few = [{"colour": ("red",)} if row < 5 else {} for row in range(catalogue.num_rows)]
    targets, skipped = attribute_targets(replace(catalogue, attributes=few))
    assert targets == []
    assert "are needed" in skipped[0].reason


def test_attribute_results_count_absent_as_a_miss():
    scores = np.array([[0.9, 0.05, 0.05], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    found = attribute_results(
        "colour", ["red", "blue", "blue"], ("red", "blue", ""), scores, modality="text", method="eclip"
    )
    values = {result.metric: (result.value, result.support) for result in found}
    assert values["accuracy"] == (pytest.approx(1 / 3), 3)
    assert values["precision at confidence 0.8"] == (1.0, 1)
    assert values["coverage at confidence 0.8"] == (pytest.approx(1 / 3), 3)


def test_category_results_by_hand():
    labels = ("a > b", "a > c", "d")
    scores = np.array([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7]])
    paths = [("a", "b"), ("a", "c"), ("e", "f")]
    found = category_results(paths, labels, scores, modality="text", method="eclip")
    values = {result.metric: result.value for result in found}
    assert values["accuracy"] == pytest.approx(1 / 3)
    assert values["accuracy at level 1"] == pytest.approx(2 / 3)
    assert values["top-5 accuracy"] == pytest.approx(2 / 3)  # "e > f" is unknown to the head


def test_adult_needs_both_sides(catalogue):
    nobody = replace(catalogue, policies=np.array([None] * catalogue.num_rows, dtype=object))
    assert "0 train products" in adult_target(nobody).reason
    everybody = replace(catalogue, policies=np.array(["adult"] * catalogue.num_rows, dtype=object))
    assert "every train product" in adult_target(everybody).reason


def test_neighbours_are_those_of_a_full_sort():
    shuffled = np.random.default_rng(3)
    matrix = shuffled.normal(size=(40, 5)).astype(np.float32)
    rows, scores = nearest_rows(matrix, matrix, 3, own_rows=np.arange(40))
    full = matrix @ matrix.T
    np.fill_diagonal(full, -np.inf)
    assert rows.tolist() == np.argsort(-full, axis=1)[:, :3].tolist()
    assert scores == pytest.approx(-np.sort(-full, axis=1)[:, :3])
    alone, _ = nearest_rows(matrix[:1], matrix[:1], 3, own_rows=np.arange(1))
    assert alone.tolist() == [[-1]]
    assert [side.tolist() for side in neighbour_pairs(np.array([[1, -1], [0, 2], [1, -1]]))] == [
        [0, 1],
        [1, 2],
    ]


def test_pair_features_by_hand():
    source = PairSource(
        titles=["Red mug 300ml", "mug RED 250ml", None],
        image_vectors=np.array([[1.0, 0], [0, 1], [1, 0]]),
        text_vectors=np.array([[1.0, 0], [1, 0], [NAN, NAN]]),
    )
    row = pair_features(source, np.array([0]), np.array([1]), "both")[0]
    values = dict(zip(FEATURES["both"], row.tolist(), strict=True))
    assert values == pytest.approx(
        {
            "pictures cosine": 0,
            "titles cosine": 1,
            "word overlap": 2 / 4,
            "number agreement": 0,
            "number conflict": 1,
            "picture-title cosine": 0.5,
            "product cosine": 0.5**0.5,
        }
    )
    scorers = PairScorers({"text": PairScorer(modality="text", weights=(4, 0, 0, 0), bias=0, threshold=0.5)})
    scores, _ = scorers.scores(source, np.array([0, 0]), np.array([1, 2]))
    assert scores == pytest.approx([1 / (1 + np.exp(-4)), 0])  # no common ground with an untitled listing


def test_drawn_pairs_stay_within_the_split_and_tell_the_truth(catalogue):
    groups = product_groups(catalogue)
    assert groups.level == "catalog"
    pairs = draw_pairs(catalogue, groups, "test", seed=0)
    assert set(catalogue.split[pairs.left]) == set(catalogue.split[pairs.right]) == {"test"}
    truth = catalogue.catalog_ids[pairs.left] == catalogue.catalog_ids[pairs.right]
    assert pairs.same.tolist() == truth.tolist()
    assert 0.1 < pairs.same.mean() < 0.9
    assert (pairs.left < pairs.right).all()


def test_a_comparison_is_hard_for_every_method(catalogue):
    """Strangers that only another method's vectors find near are among the pairs."""
    groups = product_groups(catalogue)
    shuffled = np.random.default_rng(1).permutation(catalogue.num_rows)
    other = catalogue.with_vectors(catalogue.image_vectors[shuffled], catalogue.text_vectors[shuffled])
    own = draw_pairs(catalogue, groups, "test", seed=0)
    both = draw_pairs(catalogue, groups, "test", seed=0, others=[other])
    turned = draw_pairs(other, groups, "test", seed=0, others=[catalogue])
    assert len(both.left) > len(own.left)
    assert np.array_equal(both.left, turned.left)
    assert np.array_equal(both.right, turned.right)


def test_a_listing_that_repeats_another_is_not_the_answer_nor_its_rival(catalogue):
    test = np.flatnonzero(catalogue.split == "test")
    one, mate = test[np.isin(catalogue.catalog_ids[test], catalogue.catalog_ids[test[0]])][:2]
    stranger = next(row for row in test if catalogue.catalog_ids[row] != catalogue.catalog_ids[one])
    repeats = catalogue.duplicate_of.copy()
    repeats[stranger] = catalogue.product_ids[one]
    vectors = np.eye(catalogue.num_rows, dtype=np.float32)
    vectors[stranger], vectors[mate] = vectors[one], 0.9 * vectors[one]  # the copy is nearer than the mate
    found = replace(catalogue, duplicate_of=repeats)
    groups = product_groups(found)
    mask = np.zeros(catalogue.num_rows, dtype=bool)
    mask[[one, mate, stranger]] = True
    results = mate_results(vectors, mask, found, groups, modality="both", method="eclip", seed=0)
    assert {result.metric: result.value for result in results}["mate recall@1"] == 1.0
    assert stranger not in found.rows_of("test")


def test_copies_of_a_picture_are_one_answer(catalogue):
    """Three sizes under one picture: each title finds it, none is the others' rival; unseen titles stand apart."""
    rows = np.flatnonzero(catalogue.split == "test")[:3]
    hashes, split = catalogue.image_hashes.copy(), catalogue.split.copy()
    hashes[rows] = "shared"
    split[:] = "validation"
    split[rows] = "test"
    split[next(row for row in range(catalogue.num_rows) if row not in rows)] = "train"
    images = np.eye(catalogue.num_rows, dtype=np.float32)
    images[rows] = images[rows[0]]
    titles = [f"size {row}" for row in range(catalogue.num_rows)]
    train = int(np.flatnonzero(split == "train")[0])
    titles[rows[0]] = titles[train]
    texts = images.copy()
    texts[rows[0]], texts[train] = images[train], images[rows[0]]  # the trained title finds the other's picture
    changed = replace(
        catalogue, image_hashes=hashes, split=split, titles=titles, image_vectors=images, text_vectors=texts
    )
    found = retrieval_results(changed, method="eclip", seed=0)
    at_one = {result.target: (result.value, result.support) for result in found if result.metric == "R@1"}
    assert at_one["title to picture, whole store"] == (1.0, 3)
    assert at_one["title to picture, whole store, own picture only"] == (pytest.approx(2 / 3), 3)
    assert at_one["title to picture, whole store, titles never trained on"] == (1.0, 2)


def test_models_stand_in_where_there_are_no_catalogs(catalogue):
    none = np.array([None] * catalogue.num_rows, dtype=object)
    by_model = replace(catalogue, model_ids=catalogue.catalog_ids, catalog_ids=none)
    assert product_groups(by_model).level == "model"
    assert "0 by catalog, 0 by model" in product_groups(replace(by_model, model_ids=none)).reason


def test_average_linkage_cuts_a_chain_that_components_would_join():
    # Two tight groups of three, joined by one wrong pair.
    table = np.full((6, 6), 0.05)
    table[:3, :3] = table[3:, 3:] = 0.9
    table[2, 3] = table[3, 2] = 0.8
    left, right = np.triu_indices(6, k=1)

    def score(a, b):
        return table[a, b]

    found = cluster(np.arange(6), left, right, table[left, right], score, 0.5)
    assert len(set(found[:3])) == 1
    assert len(set(found[3:])) == 1
    assert found[0] != found[3]


def test_large_components_are_split_by_a_higher_bar_and_equal_listings_stay_together():
    size = MAX_DENSE + 20
    rows = np.arange(2 * size)
    left, right = np.arange(2 * size - 1), np.arange(1, 2 * size)
    scores = np.ones(2 * size - 1)
    scores[size - 1] = 0.6  # the one weak link between two long chains of equal listings

    def never(a, b):
        raise AssertionError

    found = cluster(rows, left, right, scores, never, 0.5)
    assert np.unique(found, return_counts=True)[1].tolist() == [size, size]


def test_tf_idf_knows_equal_titles_and_survives_empty_ones():
    titles = ["red mug", "Red Mug", "blue lamp", None]
    matrix = title_cosine_features(titles, np.arange(3))
    scores = cosine_scores(matrix, np.array([0, 0, 0]), np.array([1, 2, 3]))
    assert scores[0] == pytest.approx(1)
    assert scores[1] < 0.3
    assert scores[2] == 0
    assert title_cosine_features([None, ""], np.arange(2)).nnz == 0
