"""The approximate index against exact search: recall, filters, and changes without a rebuild."""

from __future__ import annotations

import numpy as np
import pytest
from clusteredrows import D, N, clustered, with_gaps

from eclip.search import ivf as ivf_module
from eclip.search.exact import ExactIndex
from eclip.search.follow import moves, row_keys

pytest.importorskip("faiss", reason="faiss is not installed: pip install 'eclip[search]'")

from eclip.search.ivf import IvfIndex
from eclip.search.recall import Truth, measured_queries, share_found


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    return with_gaps()


def build(matrix: np.ndarray) -> IvfIndex:
    return IvfIndex.build(matrix, Truth(matrix, measured_queries(matrix, seed=2)[:80]))


@pytest.fixture(scope="module")
def index(matrix) -> IvfIndex:
    return build(matrix)


@pytest.mark.parametrize("narrow_rows", [0, 1_500])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.02])
def test_recall_under_filters(index, matrix, share, narrow_rows, monkeypatch):
    monkeypatch.setattr(ivf_module, "_NARROW_ROWS", narrow_rows)
    mask = None if share == 1 else np.random.default_rng(3).random(N) < share
    truth = Truth(matrix, clustered(60, 4), mask)
    assert share_found(index, truth) > 0.95
    allowed = index.allow(mask)
    for query in truth.queries:
        rows, scores = index.nearest(query, num_rows=40, allowed=allowed)
        assert len(set(rows.tolist())) == len(rows)
        assert np.isfinite(matrix[rows]).all()
        assert mask is None or mask[rows].all()
        np.testing.assert_allclose(scores, matrix[rows] @ query, atol=0.02)
        assert (np.diff(scores) <= 1e-6).all()


def test_a_filter_far_from_the_query_still_finds(index, matrix):
    query = matrix[1]
    mask = matrix @ query < -0.2
    rows, _ = index.nearest(query, num_rows=10, allowed=index.allow(mask))
    assert len(rows) == 10
    assert mask[rows].all()


def test_nothing_allowed_nothing_found(index):
    rows, scores = index.nearest(np.ones(D, np.float32), num_rows=5, allowed=index.allow(np.zeros(N, bool)))
    assert (len(rows), len(scores)) == (0, 0)


def test_truth_counts_like_exact_search(matrix):
    queries, exact = clustered(20, 5), ExactIndex(matrix)
    mask = np.random.default_rng(1).random(N) < 0.3
    for chosen in (None, mask):
        found = [exact.nearest(each, num_rows=10, allowed=exact.allow(chosen))[0] for each in queries]
        truth = Truth(matrix, queries, chosen)
        assert truth.recall(found) == 1
        assert truth.recall([rows[5:] for rows in found]) == pytest.approx(0.5)


def test_moved_finds_what_one_made_anew_finds(matrix):
    """Rows gone, rows added, all others in another order: the index of before, brought along."""
    rng = np.random.default_rng(8)
    added = clustered(200, 9)
    added[3] = np.nan
    ids = [f"p{row}" for row in range(N + 200)]
    both = np.concatenate([matrix, added])
    now = rng.permutation(np.setdiff1d(np.arange(N + 200), rng.choice(N, 150, replace=False)))
    before_keys, now_keys = (row_keys([ids[row] for row in rows], ["x"] * len(rows)) for rows in (range(N), now))
    changes = moves(before_keys, now_keys)
    assert changes.num_changed == 350
    assert not changes.nothing
    assert [int(row) >= N for row in now[changes.added]] == [True] * 200
    moved = build(matrix).moved(changes, both[now][changes.added])
    again = IvfIndex.from_bytes(moved.to_bytes(), moved.present, moved.num_seen)
    truth = Truth(both[now], clustered(60, 4), rng.random(len(now)) < 0.7)
    assert moved.num_rows == len(now)
    assert share_found(moved, truth) > 0.95
    assert share_found(again, truth) == share_found(moved, truth)
    present = np.flatnonzero(moved.present)
    np.testing.assert_allclose(
        moved.vectors(present), both[now][present], atol=0.1
    )  # what came may lie outside the codes


def test_rows_that_stay_are_told_from_those_that_changed():
    before = row_keys(["a", "b", "c"], ["1", "2", None])
    assert moves(before, before).nothing
    changes = moves(before, row_keys(["c", "a", "b"], [None, "1", "other"]))
    assert changes.new_places.tolist() == [1, -1, 0]
    assert changes.added.tolist() == [2]
    assert moves(before, before[:0]).new_places.tolist() == [-1, -1, -1]
    assert row_keys(["ab", "a"], ["c", "bc"])[0] != row_keys(["ab", "a"], ["c", "bc"])[1]
