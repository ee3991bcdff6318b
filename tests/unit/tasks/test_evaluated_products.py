"""Who is one product to the statistics, and who stands on two sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eclip.products.split import assign_splits
from eclip.tasks.evaluation.evaluate import evaluate_tasks
from eclip.tasks.evaluation.products import product_buckets, product_numbers, without_straddling


def test_listings_of_a_catalog_a_model_or_a_repetition_are_one_product(catalogue):
    models, repeats = catalogue.model_ids.copy(), catalogue.duplicate_of.copy()
    models[[0, 30]] = "m"
    repeats[60] = catalogue.product_ids[0]
    found = product_numbers(replace(catalogue, model_ids=models, duplicate_of=repeats))
    joined = np.flatnonzero(found == found[0]).tolist()
    assert joined == [0, 1, 2, 30, 31, 32, 60, 61, 62]  # catalogs of three
    plain = product_numbers(catalogue)
    assert len(np.unique(plain)) == catalogue.num_rows // 3


def test_a_product_is_drawn_alike_whatever_the_order_of_the_store(catalogue):
    buckets = product_buckets(catalogue)
    assert (buckets.reshape(-1, 3) == buckets.reshape(-1, 3)[:, :1]).all()
    back = slice(None, None, -1)
    fields = {name: getattr(catalogue, name) for name in catalogue.__dataclass_fields__}
    columns = {name: value[back] for name, value in fields.items() if value is not None and len(value) > 0}
    columns["model_digest"] = catalogue.model_digest
    assert np.array_equal(product_buckets(replace(catalogue, **columns))[back], buckets)


def test_products_on_both_sides_are_left_out(catalogue):
    split = np.array(
        assign_splits(
            catalogue.product_ids, catalogue.catalog_ids, catalogue.model_ids, np.full(catalogue.num_rows, -1)
        ),
        dtype=object,
    )
    clean = replace(catalogue, split=split)
    assert without_straddling(clean) == (clean, None)
    test = np.flatnonzero(split == "test")
    moved = split.copy()
    moved[test[0]] = "train"  # its two mates stay in test
    kept, said = without_straddling(replace(catalogue, split=moved))
    assert "1 products" in said.reason
    assert f"their 2 of {len(test) - 1} test listings are left out" in said.reason
    assert len(kept.rows_of("test")) == len(test) - 3
    assert len(kept.rows_of("train")) == (moved == "train").sum()


def test_an_evaluation_says_so_and_judges_the_others(catalogue, tmp_path):
    moved = catalogue.split.copy()
    moved[np.flatnonzero(moved == "test")[0]] = "validation"
    report = evaluate_tasks(replace(catalogue, split=moved), tmp_path, seed=0)
    assert [each.reason for each in report.skipped if each.task == "splits"]
    assert report.facts["test products"] == str((catalogue.split == "test").sum() - 3)
