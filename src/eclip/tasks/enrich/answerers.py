"""One answerer a task: listings in, columns out. What a task newly answers is added here, and in the schema.

Some answer a batch at once. Others compare listings with each other, and see a whole window of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from eclip.tasks.adult.answers import adult_probability
from eclip.tasks.adult.targets import NAME as ADULT_TASK
from eclip.tasks.attributes.answers import predict_attributes
from eclip.tasks.attributes.targets import NAME as ATTRIBUTES
from eclip.tasks.category.answers import predict_category
from eclip.tasks.category.targets import NAME as CATEGORY
from eclip.tasks.clustering.cluster import NAME as CLUSTERING
from eclip.tasks.enrich.corpus import Corpus
from eclip.tasks.enrich.listings import Listings
from eclip.tasks.enrich.same import Clusters, SameInStore, SameInWindow
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.matching.groups import NAME as MATCHING
from eclip.tasks.matching.scorers import PairScorers
from eclip.tasks.taskfiles import TASKS, read_task

Answers = Mapping[str, Sequence[Any]]  # column of ENRICHED_SCHEMA -> [N] values


class Answerer(Protocol):
    """Answers some columns of each listing."""

    def answer(self, listings: Listings) -> Answers:
        """The columns that this task fills, one entry a listing; None where nothing is known of it."""


@dataclass(frozen=True)
class Answerers:
    """Those of the fitted tasks.

    Attributes:
        of_batch: Answer each listing by itself, or against the store.
        of_window: Compare listings of the feed with each other.
        missing: Tasks that are not fitted.
    """

    of_batch: dict[str, Answerer]
    of_window: dict[str, Answerer]
    missing: list[str]


@dataclass(frozen=True)
class CategoryAnswerer:
    """Path and confidence."""

    heads: ModalHeads

    def answer(self, listings: Listings) -> Answers:
        """`category`, `category_confidence`."""
        paths, confidences = predict_category(self.heads, listings.image, listings.text, listings.titles)
        return {
            "category": [None if path is None else list(path) for path in paths],
            "category_confidence": _or_null(confidences),
        }


@dataclass(frozen=True)
class AttributesAnswerer:
    """A value an attribute, with its confidence."""

    heads: ModalHeads

    def answer(self, listings: Listings) -> Answers:
        """`attributes`, `attribute_confidences`."""
        values, chances = predict_attributes(self.heads, listings.image, listings.text, listings.titles)
        return {
            "attributes": [list(each.items()) for each in values],
            "attribute_confidences": [list(each.items()) for each in chances],
        }


@dataclass(frozen=True)
class AdultAnswerer:
    """How probably a listing is for adults only."""

    heads: ModalHeads

    def answer(self, listings: Listings) -> Answers:
        """`adult_probability`."""
        return {
            "adult_probability": _or_null(adult_probability(self.heads, listings.image, listings.text, listings.titles))
        }


# Tasks of heads, by the folder that `fit` wrote.
_OF_HEADS: dict[str, Callable[[ModalHeads], Answerer]] = {
    CATEGORY: CategoryAnswerer,
    ATTRIBUTES: AttributesAnswerer,
    ADULT_TASK: AdultAnswerer,
}


def load_answerers(tasks: Path, model_digest: str, corpus: Corpus | None) -> Answerers:
    """The answerers of all fitted tasks, each read once.

    Args:
        tasks: MODEL/tasks.
        model_digest: Whose vectors they will see.
        corpus: A store to compare with; None = listings are compared with each other.

    Raises:
        ModelError: A task is damaged, or was fitted on vectors of another model.
    """
    fitted = [task for task in TASKS if (tasks / task).is_dir()]
    told = {task: read_task(tasks / task, model_digest) for task in fitted}
    of_batch: dict[str, Answerer] = {
        task: make(ModalHeads.load(tasks / task)) for task, make in _OF_HEADS.items() if task in told
    }
    of_window: dict[str, Answerer] = {}
    if MATCHING in told:
        scorers = PairScorers.from_json(told[MATCHING]["scorers"])
        if corpus is None:
            of_window[MATCHING] = SameInWindow(scorers)
        else:
            of_batch[MATCHING] = SameInStore(scorers, corpus)
    if CLUSTERING in told:
        of_window[CLUSTERING] = Clusters(PairScorers.from_json(told[CLUSTERING]["scorers"]))
    return Answerers(of_batch, of_window, [task for task in TASKS if task not in told])


def _or_null(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
