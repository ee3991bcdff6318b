"""Figures of clusterings against tables worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eclip.metrics import cluster_scores, mean_member_f1

TRUTH = np.array(["a", "a", "a", "b", "b", "c"])


@pytest.mark.parametrize(
    ("predicted", "pure", "members"),
    [
        ([0, 0, 0, 1, 1, 2], 1.0, 1.0),
        ([0, 0, 0, 0, 0, 0], 3 / 6, (3 * 6 / 9 + 2 * 4 / 8 + 2 / 7) / 6),  # 2 c / (true + predicted size)
        ([0, 1, 2, 3, 4, 5], 1.0, (3 * 2 / 4 + 2 * 2 / 3 + 1) / 6),
        ([0, 0, 1, 1, 2, 2], (2 + 1 + 1) / 6, (2 * 4 / 5 + 2 / 5 + 2 / 4 + 2 / 4 + 2 / 3) / 6),
    ],
)
def test_by_hand(predicted, pure, members):
    assert cluster_scores(TRUTH, np.array(predicted)).purity == pytest.approx(pure)
    assert mean_member_f1(TRUTH, np.array(predicted)) == pytest.approx(members)


def test_nothing_is_no_number():
    assert math.isnan(mean_member_f1(np.array([]), np.array([])))
