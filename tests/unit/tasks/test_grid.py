"""The grid of an evaluation: every cell of mates, the majority, the other model, sampled queries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eclip.tasks.evaluation import mates
from eclip.tasks.evaluation.majority import class_shares, same_scores
from eclip.tasks.evaluation.mates import mate_cells, title_cell
from eclip.tasks.evaluation.products import product_buckets
from eclip.tasks.evaluation.report import render_report
from eclip.tasks.heads.linear import Target
from eclip.tasks.matching.groups import product_groups
from eclip.tasks.results import Report


@pytest.fixture(scope="module")
def found(catalogue):
    return mate_cells(catalogue, product_groups(catalogue), method="eclip", seed=0, buckets=product_buckets(catalogue))


def test_every_way_of_asking_meets_every_way_of_being_found(found):
    cells = {(r.modality, r.target) for r in found}
    assert len(cells) == 9
    assert {r.metric for r in found} == {"R@1", "R@10", "MRR"}
    assert all(r.low <= r.value <= r.high for r in found)


def test_a_cell_is_worked_out_query_by_query(catalogue, found):
    """Titles among pictures, the slow way: every other listing's picture in order of the cosine."""
    test = catalogue.rows_of("test")
    scores = catalogue.text_vectors @ catalogue.image_vectors.T
    hits = []
    for row in test:
        order = [other for other in np.argsort(-scores[row], kind="stable") if other != row]
        ranked = catalogue.catalog_ids[order] == catalogue.catalog_ids[row]
        hits.append(1 / (np.argmax(ranked) + 1))
    by_hand = {(r.modality, r.target, r.metric): r.value for r in found}
    assert by_hand["text", "same catalog among pictures", "MRR"] == pytest.approx(np.mean(hits))


def test_a_listing_is_not_asked_for_what_it_alone_has(catalogue):
    """Only one listing of each catalog keeps its picture: nobody has a mate to find among pictures."""
    pictures = catalogue.image_vectors.copy()
    pictures[np.arange(catalogue.num_rows) % 3 > 0] = np.nan
    alone = catalogue.with_vectors(pictures, catalogue.text_vectors)
    rows = mate_cells(alone, product_groups(alone), method="eclip", seed=0, buckets=product_buckets(alone))
    among = {(r.modality, r.target): r.support for r in rows}
    assert ("image", "same catalog among pictures") not in among
    # The two others of each catalog ask by their titles for the one picture.
    assert among["text", "same catalog among pictures"] == 2 * len(catalogue.rows_of("test")) // 3


def test_towers_of_no_common_space_fill_the_diagonal(catalogue):
    other = catalogue.with_vectors(catalogue.image_vectors, catalogue.text_vectors[:, :-1])
    groups, buckets = product_groups(other), product_buckets(other)
    cells = {(r.modality, r.target) for r in mate_cells(other, groups, method="pretrained", seed=0, buckets=buckets)}
    assert {asked for asked, _ in cells} == {"image", "text", "both"}
    assert len(cells) == 3
    words = title_cell(other, groups, method="tf-idf", seed=0, buckets=buckets)
    assert {(r.modality, r.target) for r in words} == {("text", "same catalog among titles")}


def test_a_sample_says_of_how_many(catalogue, monkeypatch):
    monkeypatch.setattr(mates, "MAX_QUERIES", 20)
    results = title_cell(
        catalogue, product_groups(catalogue), method="tf-idf", seed=0, buckets=product_buckets(catalogue)
    )
    assert {(r.support, r.drawn_from) for r in results} == {(20, len(catalogue.rows_of("test")))}
    assert "20 of 72" in render_report(Report(results=results))


def test_the_majority_is_what_the_train_split_says(catalogue):
    codes = np.full(catalogue.num_rows, -1)
    train = catalogue.rows_of("train")
    codes[train[:4]] = [0, 0, 0, 1]
    codes[catalogue.rows_of("test")] = 1
    target = Target(name="leaf", labels=("a", "b"), codes=codes)
    shares = class_shares(catalogue, target)
    assert shares.tolist() == [0.75, 0.25]
    assert same_scores(shares, 2).tolist() == [[0.75, 0.25]] * 2
    assert class_shares(catalogue, replace(target, codes=np.full_like(codes, -1))) is None
