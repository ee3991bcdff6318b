"""Two rankings as one, by a table worked out by hand; and a diverse choice against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from eclip.search.fusion import RRF_K, diverse_order, reciprocal_rank_fusion


def test_fused_as_by_hand():
    fused = reciprocal_rank_fusion({"vectors": [7, 3, 5], "words": [5, 7, 9]}, {"vectors": 1.0, "words": 2.0})
    assert RRF_K == 10
    most = 3 / 11
    expected = {
        7: (1 / 11 + 2 / 12) / most,
        5: (1 / 13 + 2 / 11) / most,
        9: 2 / 13 / most,
        3: 1 / 12 / most,
    }
    assert [item for item, _, _ in fused] == sorted(expected, key=lambda item: -expected[item])
    assert {item: score for item, score, _ in fused} == pytest.approx(expected)
    assert {item: names for item, _, names in fused} == {
        7: ("vectors", "words"),
        5: ("vectors", "words"),
        3: ("vectors",),
        9: ("words",),
    }


def test_first_in_both_scores_one_and_ties_keep_the_first_ranking():
    weights = {"vectors": 1.0, "words": 1.0}
    assert reciprocal_rank_fusion({"vectors": [1], "words": [1]}, weights)[0][1] == pytest.approx(1)
    assert [item for item, _, _ in reciprocal_rank_fusion({"vectors": [4], "words": [2]}, weights)] == [4, 2]
    assert reciprocal_rank_fusion({"vectors": [], "words": []}, weights) == []


@pytest.mark.parametrize("diversity", [0.0, 0.3, 0.7, 1.0])
def test_diverse_order_follows_its_definition(diversity):
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((30, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = vectors @ vectors[0]
    chosen = [int(np.argmax(similarity))]
    while len(chosen) < 10:
        gains = {
            place: (1 - diversity) * similarity[place] - diversity * max(vectors[place] @ vectors[c] for c in chosen)
            for place in range(30)
            if place not in chosen
        }
        chosen.append(max(gains, key=gains.get))
    found = diverse_order(similarity, vectors, num_wanted=10, diversity=diversity)
    assert found.tolist() == chosen
    if diversity == 0:
        assert found.tolist() == np.argsort(-similarity)[:10].tolist()


def test_diverse_order_ends_with_the_candidates():
    assert len(diverse_order(np.ones(2, np.float32), np.eye(2, dtype=np.float32), num_wanted=9, diversity=0.5)) == 2
