"""The index that stays on disk against exact search: recall, filters, and rows that went, came and moved."""

from __future__ import annotations

import numpy as np
import pytest
from clusteredrows import D, N, clustered, with_gaps

from eclip.errors import ConfigError, StoreError
from eclip.search import disk
from eclip.search.disk import DiskIndex
from eclip.search.exact import ExactIndex
from eclip.search.follow import moves, row_keys
from eclip.search.recall import Truth, measured_queries, share_found


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    return with_gaps()


@pytest.fixture(scope="module")
def index(matrix, tmp_path_factory) -> DiskIndex:
    address = str(tmp_path_factory.mktemp("disk") / "products.lance")
    return DiskIndex.build(address, matrix, Truth(matrix, measured_queries(matrix, seed=2)[:80]))


@pytest.mark.parametrize("narrow_rows", [0, 20_000])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.02])
def test_recall_under_filters(index, matrix, share, narrow_rows, monkeypatch):
    monkeypatch.setattr(disk, "_NARROW_ROWS", narrow_rows)
    mask = None if share == 1 else np.random.default_rng(3).random(N) < share
    truth = Truth(matrix, clustered(40, 4), mask)
    assert share_found(index, truth) > 0.95
    allowed = index.allow(mask)
    assert (allowed.rows is None) == (share == 1 or narrow_rows == 0)
    for query in truth.queries:
        rows, scores = index.nearest(query, num_rows=30, allowed=allowed)
        assert len(set(rows.tolist())) == len(rows) == 30
        assert mask is None or mask[rows].all()
        np.testing.assert_allclose(scores, matrix[rows] @ query, atol=2e-3)  # half precision
        assert (np.diff(scores) <= 0).all()


def test_a_filter_far_from_the_query_still_finds(index, matrix, monkeypatch):
    monkeypatch.setattr(disk, "_NARROW_ROWS", 0)
    query = matrix[1]
    mask = matrix @ query < -0.2
    rows, _ = index.nearest(query, num_rows=10, allowed=index.allow(mask))
    assert len(rows) == 10
    assert mask[rows].all()


def test_nothing_allowed_nothing_found(index, monkeypatch):
    for narrow in (0, 10):
        monkeypatch.setattr(disk, "_NARROW_ROWS", narrow)
        nothing = index.allow(np.zeros(N, bool))
        assert not len(index.nearest(np.ones(D, np.float32), num_rows=5, allowed=nothing)[0])


@pytest.mark.parametrize("narrow_rows", [0, 20_000])
def test_what_went_came_and_moved(index, matrix, narrow_rows, monkeypatch):
    """The entries of before under other rows, and new rows beside them: as exact search over the rows of now."""
    monkeypatch.setattr(disk, "_NARROW_ROWS", narrow_rows)
    rng = np.random.default_rng(8)
    added = clustered(200, 9)
    added[3] = np.nan
    both = np.concatenate([matrix, added])
    now = rng.permutation(np.setdiff1d(np.arange(N + 200), rng.choice(N, 150, replace=False)))
    before_keys, now_keys = (row_keys([f"p{row}" for row in rows], ["x"] * len(rows)) for rows in (range(N), now))
    changes = moves(before_keys, now_keys)
    moved = index.moved(changes, both[now][changes.added])
    twice = moved.moved(moves(now_keys, now_keys[::-1]), np.zeros((0, D), np.float32))
    mask = rng.random(len(now)) < 0.7
    assert share_found(moved, Truth(both[now], clustered(40, 4), mask)) > 0.95
    np.testing.assert_array_equal(moved.present, np.isfinite(both[now]).all(axis=1))
    np.testing.assert_allclose(
        moved.vectors(np.arange(len(now))), np.nan_to_num(both[now]), atol=1e-3, err_msg="in the order asked for"
    )
    query = added[0]
    exact = ExactIndex(both[now]).nearest(query, num_rows=5)[0][:5]
    np.testing.assert_array_equal(moved.nearest(query, num_rows=5, allowed=moved.allow(None))[0], exact)
    np.testing.assert_array_equal(twice.vectors(np.arange(len(now))), moved.vectors(np.arange(len(now)))[::-1])


def test_few_rows_and_none(tmp_path):
    for number, count in enumerate((0, 1, 5)):
        rows = clustered(count + 1, 3)
        rows[-1] = np.nan
        index = DiskIndex.build(str(tmp_path / f"{number}.lance"), rows, Truth(rows, rows[:count]))
        found, _ = index.nearest(clustered(1, 4)[0], num_rows=9, allowed=index.allow(None))
        assert sorted(found.tolist()) == list(range(count))


def test_what_can_not_be_made_or_read_is_said(index, matrix, tmp_path):
    with pytest.raises(ConfigError, match="multiple of 8 numbers, these have 12"):
        DiskIndex.build(str(tmp_path / "a.lance"), matrix[:, :12], Truth(matrix[:, :12], matrix[:0, :12]))
    with pytest.raises(StoreError, match="can't be read"):
        DiskIndex.open(str(tmp_path / "b.lance"), np.ones(3, bool), 4)
