"""What a run is watched on: figures computed by hand, and pairs of titles where there are no pictures."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from eclip.schema import CORRECTIONS_SCHEMA
from eclip.train.validate import ValidationBatch, effective_rank, figures_of, mean_cosine
from eclip.train.views import ViewsConfig


def unit(rows: list[list[float]]) -> np.ndarray:
    features = np.array(rows, dtype=np.float32)
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def drawn(count: int, width: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, width)).tolist())


def figures(image: np.ndarray, text: np.ndarray, groups: list[int], scale: float = 10.0) -> dict[str, float]:
    return figures_of(image, text, np.array(groups), torch.tensor(scale))


class TestRecall:
    """Titles 0 and 1 find their own picture; 2 and 3 each find the other's; 4 finds 0's, then its own."""

    image = np.eye(5, dtype=np.float32)
    text = unit([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 1, 0, 0], [2, 0, 0, 0, 1]])

    def test_by_hand(self) -> None:
        found = figures(self.image, self.text, [0, 1, 2, 3, 4])
        assert found["validation_recall_at_1"] == pytest.approx(2 / 5)
        assert found["validation_recall_at_10"] == 1.0

    def test_any_picture_of_the_loss_group_is_right(self) -> None:
        assert figures(self.image, self.text, [0, 1, 2, 2, 4])["validation_recall_at_1"] == pytest.approx(4 / 5)

    def test_features_that_are_all_equal_find_nothing(self) -> None:
        same = np.ones((20, 4), dtype=np.float32) / 2
        found = figures(same, same, [*range(20)])
        assert found["validation_recall_at_1"] == found["validation_recall_at_10"] == 0.0
        assert found["validation_loss_above_floor"] == pytest.approx(math.log(20), abs=1e-5)
        assert found["validation_image_cosine"] == pytest.approx(1.0)
        assert found["validation_text_rank"] == pytest.approx(1.0)


def test_the_loss_above_its_floor_is_a_slow_twins() -> None:
    image, text, groups = drawn(9, 6), drawn(9, 6, seed=1), np.array([0, 0, 0, 1, 2, 3, 3, 4, 5])
    logits = 7.0 * image.astype(np.float64) @ text.T.astype(np.float64)
    target = (groups[:, None] == groups).astype(np.float64)
    target /= target.sum(axis=1, keepdims=True)
    divergence = 0.0
    for side in (logits, logits.T):
        for row, wanted in zip(side, target, strict=True):
            share = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
            divergence += sum(q * math.log(q / p) for q, p in zip(wanted, share, strict=True) if q)
    found = figures(image, text, groups.tolist(), scale=7.0)
    assert found["validation_loss_above_floor"] == pytest.approx(divergence / 18, abs=1e-5)


def test_mean_cosine_and_effective_rank_by_hand() -> None:
    features = drawn(7, 5)
    pairs = [features[i] @ features[j] for i in range(7) for j in range(7) if i != j]
    assert mean_cosine(features) == pytest.approx(np.mean(pairs), abs=1e-6)
    assert effective_rank(np.eye(4, dtype=np.float32)) == pytest.approx(4.0)
    energies = np.array([0.5, 0.25, 0.25])
    expected = math.exp(0.5 * math.log(2) + 0.5 * math.log(4))
    assert effective_rank(np.diag(np.sqrt(energies))) == pytest.approx(expected)


class Titles:
    """A store of titles alone, all in the validation split."""

    def __init__(self, titles: list[str], groups: list[int]) -> None:
        count = len(titles)
        self._table = pa.table(
            {
                "title": titles,
                "image_hash": pa.array([None] * count, pa.int64()),
                "duplicate_of": pa.array([None] * count, pa.string()),
                "weight": [1.0] * count,
                "loss_group": groups,
                "split": ["validation"] * count,
                "category": pa.array([None] * count, pa.list_(pa.string())),
            }
        )

    def table(self, columns: list[str]) -> pa.Table:
        return self._table.select(columns)

    def corrections(self) -> pa.Table:
        return CORRECTIONS_SCHEMA.empty_table()


class Reader:
    """Encodes a title as its place among all titles; an unknown one as NaN."""

    def __init__(self, titles: list[str]) -> None:
        self.titles = titles
        self.module = SimpleNamespace(logit_scale=torch.tensor(2.0))

    def encode_text(self, titles: list[str]) -> np.ndarray:
        unreadable = np.full(len(self.titles), np.nan, dtype=np.float32)
        places = np.eye(len(self.titles), dtype=np.float32)
        return np.stack([places[self.titles.index(t)] if t in self.titles else unreadable for t in titles])


TITLES = ["red lamp", "lamp, red", "blue chair", "chair blue", "chair in blue", "alone"]
GROUPS = [0, 0, 1, 1, 1, 2]
ALONE: Any = ViewsConfig(picture_title=0.0, title_title=1.0)


@pytest.mark.parametrize("seed", range(6))
def test_of_titles_one_pair_a_group_and_no_title_on_both_sides(seed: int) -> None:
    batch = ValidationBatch.draw(Titles(TITLES, GROUPS), ALONE, most=10, seed=seed)
    mates = [row for row, _ in batch.mates]
    assert sorted(batch.pairs.groups[batch.chosen]) == [0, 1]  # the product without a mate is no question
    assert batch.pairs.groups[mates].tolist() == batch.pairs.groups[batch.chosen].tolist()
    assert not {*batch.chosen} & {*mates}
    # A model that knows a title only when it is spelt the same finds none of them.
    assert batch.judge(Reader(TITLES))["validation_recall_at_1"] == 0.0


def test_titles_that_a_model_knows_as_one_product_are_found() -> None:
    batch = ValidationBatch.draw(Titles(TITLES, GROUPS), ALONE, most=10, seed=0)
    reader = Reader(TITLES)
    by_group = np.eye(6, dtype=np.float32)
    reader.encode_text = lambda titles: by_group[[GROUPS[TITLES.index(title)] for title in titles]]
    assert batch.judge(reader)["validation_recall_at_1"] == 1.0


def test_nothing_is_judged_without_two_pairs() -> None:
    assert ValidationBatch.draw(Titles(TITLES[:2], [0, 0]), ALONE, most=10, seed=0).judge(Reader(TITLES)) == {}
    batch = ValidationBatch.draw(Titles(TITLES, GROUPS), ALONE, most=10, seed=0)
    assert batch.judge(Reader([TITLES[i] for i in (batch.chosen[0], batch.mates[0][0])])) == {}
    assert len(ValidationBatch.draw(Titles(TITLES, GROUPS), ALONE, most=1, seed=0).chosen) == 1
