"""`eclip prepare --check-with`: a model folder looks at the pairs of a store."""

from __future__ import annotations

from pathlib import Path

import pytest
from commandline import Result, done, eclip

import eclip as package
from eclip.commands.prepare import CheckedSummary
from eclip.products.agreement import check
from eclip.products.manifest import PAIRS_CHECK
from eclip.products.store import Store
from eclip.schema import EMBEDDING_COLUMNS


@pytest.fixture
def easily_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small shop's model has seen too little to judge; whether it judges well is tested elsewhere."""
    monkeypatch.setattr(check, "MIN_PAIRS", 50)
    monkeypatch.setattr(check, "MIN_SEPARATION", 0.0)


@pytest.mark.slow
def test_pairs_are_checked_after_preparing(result: Result, model: Path, tmp_path: Path, easily_content: None) -> None:
    outcome = done("prepare", result.feed, "--store", tmp_path / "store", "--check-with", model)
    assert "pairs scored" in outcome.out
    store = Store.open(tmp_path / "store")
    assert store.vectors_digest == store.manifest[PAIRS_CHECK]["model"]
    scores = store.table(["pair_score"])["pair_score"]
    assert store.num_rows - scores.null_count >= store.manifest[PAIRS_CHECK]["pairs_scored"] > 50
    vectors = store.vectors(model_digest=None)
    again = package.prepare(result.feed, store=tmp_path / "store", update=True, check_with=model)
    assert isinstance(again, CheckedSummary)
    assert again.pairs.pairs_scored == store.manifest[PAIRS_CHECK]["pairs_scored"]
    store = Store.open(tmp_path / "store")
    assert store.table(["pair_score"])["pair_score"] == scores
    assert store.vectors(model_digest=None) == vectors


@pytest.mark.slow
def test_vectors_of_another_model_stay(result: Result, store: Path, other_model: Path, easily_content: None) -> None:
    before = Store.open(store).vectors(model_digest=None)
    done("prepare", result.feed, "--store", store, "--update", "--check-with", other_model)
    opened = Store.open(store)
    assert opened.manifest[PAIRS_CHECK]["model"] != opened.vectors_digest
    assert all(opened.vectors(model_digest=None)[name] == before[name] for name in EMBEDDING_COLUMNS)
    assert not list((store / "cache").glob("pictures*"))


@pytest.mark.slow
def test_faults_are_one_line(result: Result, model: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    eclip("prepare", result.feed, "--store", store, "--check-with", tmp_path / "gone").assert_fault("gone")
    assert not store.exists()
    outcome = eclip("prepare", result.feed, "--store", store, "--check-with", model)
    outcome.assert_fault("listings have both a title and a picture", "at least 200")
    assert set(Store.open(store).table(["weight"])["weight"].to_pylist()) == {1.0}
