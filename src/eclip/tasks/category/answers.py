"""The category of new listings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from eclip.tasks.category.decisions import CategoryDecision, read_decisions, unknown_scores
from eclip.tasks.category.targets import NAME, path_label
from eclip.tasks.category.tree import CategoryTree
from eclip.tasks.heads.modal import Inputs, ModalHeads

TOP_K = 5
LIKELY = 0.9  # of the chances

_tree_of = lru_cache(maxsize=8)(CategoryTree.of_labels)  # feeds are answered a batch at a time


@dataclass(frozen=True, kw_only=True)
class CategoryAnswers:
    """What is said of N listings; None and NaN where nothing is known of one.

    Attributes:
        leaves: The most likely class of each, whatever its chance.
        leaf_chances: [N] float32, calibrated.
        paths: What can be said at the precision wanted: the leaf, or a parent of it; None where not even the root.
        chances: [N] float32, of `paths`; the root's where there is no path.
        climbed: [N] levels that `paths` lies above its leaf; 0 = the leaf itself, -1 where nothing is known.
        unknown_scores: [N] float32, 0..1: how little a listing looks like any known category.
        unknown: [N] bool, the score is one that few listings of known categories have.
        top: The most likely classes of each with their chances, best first.
    """

    leaves: list[tuple[str, ...] | None]
    leaf_chances: np.ndarray
    paths: list[tuple[str, ...] | None]
    chances: np.ndarray
    climbed: np.ndarray
    unknown_scores: np.ndarray
    unknown: np.ndarray
    top: list[list[tuple[tuple[str, ...], float]]]

    @property
    def likely(self) -> list[tuple[str, ...]]:
        """Labels of the likeliest leaves of each that have `LIKELY` of its chances together; () where no few have."""
        found = []
        for best in self.top:
            reached = np.cumsum([chance for _, chance in best]) >= LIKELY
            count = int(reached.argmax()) + 1 if reached.any() else 0
            found.append(tuple(path_label(path) for path, _ in best[:count]))
        return found

    @classmethod
    def nothing(cls, num_rows: int) -> CategoryAnswers:
        """Of listings of which nothing is known."""
        return cls(
            leaves=[None] * num_rows,
            leaf_chances=np.full(num_rows, np.nan, dtype=np.float32),
            paths=[None] * num_rows,
            chances=np.full(num_rows, np.nan, dtype=np.float32),
            climbed=np.full(num_rows, -1, dtype=np.int64),
            unknown_scores=np.full(num_rows, np.nan, dtype=np.float32),
            unknown=np.zeros(num_rows, dtype=bool),
            top=[[] for _ in range(num_rows)],
        )


@dataclass(frozen=True)
class CategoryClassifier:
    """Heads for the category and when to trust them: what `eclip fit` leaves in MODEL/tasks/category."""

    heads: ModalHeads
    decisions: dict[str, CategoryDecision] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> CategoryClassifier:
        """Read it; that the folder is of this model is `read_task`'s to say.

        Raises:
            ModelError: It is damaged or of another version.
        """
        return cls(ModalHeads.load(folder), read_decisions(folder))

    def answer(
        self, image_vectors: np.ndarray, text_vectors: np.ndarray, titles: Sequence[str | None]
    ) -> CategoryAnswers:
        """Category of each row by the richest modality it has.

        Args:
            image_vectors: [N, D], NaN rows where missing.
            text_vectors: [N, D], NaN rows where missing.
            titles: [N], None where missing.
        """
        answers = CategoryAnswers.nothing(len(image_vectors))
        inputs = self.heads.inputs(image_vectors, text_vectors, titles)
        for modality, rows in self.heads.rows_by_modality(NAME, inputs):
            if len(rows):
                self._fill(answers, modality, inputs, rows)
        return answers

    def _fill(self, answers: CategoryAnswers, modality: str, inputs: Inputs, rows: np.ndarray) -> None:
        tree = _tree_of(self.heads.labels(modality, NAME))
        decision = self.decisions.get(modality, CategoryDecision())
        probabilities = self.heads.probabilities(NAME, modality, inputs, rows)
        nodes, answers.chances[rows], answers.climbed[rows] = tree.climbed(probabilities, decision.confidence)
        answers.unknown_scores[rows] = scores = unknown_scores(probabilities)
        answers.unknown[rows] = scores > decision.unknown
        width = min(TOP_K, probabilities.shape[1])
        best = np.argpartition(-probabilities, width - 1, axis=1)[:, :width]
        chances = np.take_along_axis(probabilities, best, axis=1)
        order = np.argsort(-chances, axis=1, kind="stable")
        best, chances = np.take_along_axis(best, order, axis=1), np.take_along_axis(chances, order, axis=1)
        answers.leaf_chances[rows] = chances[:, 0]
        for place, row in enumerate(rows.tolist()):
            codes = best[place].tolist()
            answers.top[row] = [(tree.classes[c], p) for c, p in zip(codes, chances[place].tolist(), strict=True)]
            answers.leaves[row] = tree.classes[codes[0]]
            answers.paths[row] = tree.nodes[nodes[place]] if nodes[place] >= 0 else None
