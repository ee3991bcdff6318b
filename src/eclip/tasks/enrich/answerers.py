"""One answerer a task: listings in, columns out. What a task newly answers is added here, and in the schema.

Some answer a batch at once. Others compare listings with each other, and see a whole window of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from eclip.model.encoder import Encoder
from eclip.products.corrections import VALUE_SEPARATOR
from eclip.tasks.adult.answers import policy_answers
from eclip.tasks.adult.counted import CountedPolicies
from eclip.tasks.adult.prompts import PolicyPrompts
from eclip.tasks.adult.recognizer import PolicyRecognizer
from eclip.tasks.adult.targets import ADULT, CLASSES
from eclip.tasks.adult.targets import NAME as ADULT_TASK
from eclip.tasks.attributes.answers import AttributeAnswer, AttributeExtractor
from eclip.tasks.attributes.spans.states import TokenStates
from eclip.tasks.attributes.targets import NAME as ATTRIBUTES
from eclip.tasks.attributes.zeroshot import ZeroShot
from eclip.tasks.category.answers import CategoryClassifier
from eclip.tasks.category.targets import NAME as CATEGORY
from eclip.tasks.category.targets import path_label
from eclip.tasks.clustering.cluster import NAME as CLUSTERING
from eclip.tasks.clustering.edgemodel import EdgeModel
from eclip.tasks.enrich.corpus import Corpus
from eclip.tasks.enrich.listings import Listings
from eclip.tasks.enrich.same import Clusters, ClustersByEdges, SameInStore, SameInWindow
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
        of_batch: Answer each listing by itself.
        of_window: Compare listings with each other, or with those of a store: many at once.
        missing: Tasks that are not fitted.
    """

    of_batch: dict[str, Answerer]
    of_window: dict[str, Answerer]
    missing: list[str]


@dataclass(frozen=True)
class CategoryAnswerer:
    """What can be said of the category, and what else it may be."""

    classifier: CategoryClassifier

    def answer(self, listings: Listings) -> Answers:
        """`category` (a leaf, or a parent where that is all that is sure), its confidence, the likeliest leaves."""
        found = self.classifier.answer(listings.image, listings.text, listings.titles)
        return {
            "category": [None if path is None else list(path) for path in found.paths],
            "category_confidence": _or_null(found.chances),
            "category_leaves": [[(path_label(path), chance) for path, chance in each] for each in found.top],
            "category_unknown": found.unknown.tolist(),
        }


@dataclass(frozen=True)
class AttributesAnswerer:
    """Values by attribute: how sure they are, what they come from, what contradicts them."""

    extractor: AttributeExtractor | None  # None = nothing was learned
    tower: TokenStates | None
    by_name: Sequence[ZeroShot] = ()  # attributes whose values were given by name alone

    def answer(self, listings: Listings) -> Answers:
        """`attributes` (several values parted by |), their confidences, sources and conflicts, and which to look at.

        Values that were given by name alone answer where what was learned says nothing, or is not sure and they are.
        """
        found: list[dict[str, AttributeAnswer]] = [{} for _ in listings.titles]
        if self.extractor is not None:
            found = self.extractor.answers(listings.image, listings.text, listings.titles, tower=self.tower)
        for each in self.by_name:
            for own, answer in zip(found, each.answers(listings.image, listings.text), strict=True):
                learned = own.get(each.name)
                if answer and (learned is None or (answer.sure and not learned.sure and learned.conflict is None)):
                    own[each.name] = answer
        told = [list(each.items()) for each in found]
        separator = f" {VALUE_SEPARATOR} "
        return {
            "attributes": [[(name, separator.join(said.values)) for name, said in each] for each in told],
            "attribute_confidences": [[(name, said.confidence) for name, said in each] for each in told],
            "attribute_sources": [[(name, said.source) for name, said in each] for each in told],
            "attribute_conflicts": [[(name, said.conflict) for name, said in each if said.conflict] for each in told],
            "attribute_review": [[name for name, said in each if not said.sure] for each in told],
        }


@dataclass(frozen=True)
class PolicyAnswerer:
    """Whom a listing is not for, and whether a person should look; without labels by terms and descriptions."""

    recognizer: PolicyRecognizer
    counted: CountedPolicies | None = None  # of listings that may come again: none is judged by its own label

    def answer(self, listings: Listings) -> Answers:
        """`policy`, `adult_probability`, `policy_reason`, `policy_review`."""
        sellers = listings.table["seller"].to_pylist()
        counted = None if self.counted is None else self.counted.of_listings(listings.ids)
        seen = self.recognizer.listings(listings.image, listings.text, listings.titles, sellers, counted=counted)
        found = policy_answers(self.recognizer, seen)
        return {
            "policy": found.levels,
            "adult_probability": _or_null(found.chances[:, CLASSES.index(ADULT)]),
            "policy_reason": [reason or None for reason in found.reasons],
            "policy_review": found.review.tolist(),
        }


def load_answerers(
    tasks: Path,
    encoder: Encoder,
    corpus: Corpus | None,
    *,
    by_name: Sequence[ZeroShot] = (),
    counted: CountedPolicies | None = None,
) -> Answerers:
    """The answerers of all fitted tasks, each read once.

    Args:
        tasks: MODEL/tasks.
        encoder: The model, whose vectors they will see.
        corpus: A store to compare with; None = listings are compared with each other.
        by_name: Attributes whose values are known by name alone, beside those that were learned.
        counted: Of the store whose listings may be among those to answer; None = none is.

    Raises:
        ModelError: A task is damaged, or was fitted on vectors of another model.
    """
    fitted = [task for task in TASKS if (tasks / task).is_dir()]
    told = {task: read_task(tasks / task, encoder.digest) for task in fitted}
    prompts = _policy_prompts(encoder) if ADULT_TASK not in told else None
    of_batch: dict[str, Answerer] = {
        ADULT_TASK: PolicyAnswerer(PolicyRecognizer.load(tasks / ADULT_TASK, prompts), counted)
    }
    if CATEGORY in told:
        of_batch[CATEGORY] = CategoryAnswerer(CategoryClassifier.load(tasks / CATEGORY))
    if ATTRIBUTES in told or by_name:
        extractor = AttributeExtractor.load(tasks / ATTRIBUTES) if ATTRIBUTES in told else None
        tower = TokenStates.of(encoder) if extractor is not None and extractor.reads_states else None
        of_batch[ATTRIBUTES] = AttributesAnswerer(extractor, tower, by_name)
    of_window: dict[str, Answerer] = {}
    if MATCHING in told:
        scorers = PairScorers.from_json(told[MATCHING]["scorers"])
        of_window[MATCHING] = SameInWindow(scorers) if corpus is None else SameInStore(scorers, corpus)
    if CLUSTERING in told:
        edges = told[CLUSTERING].get("edges")
        scorers = PairScorers.from_json(told[CLUSTERING]["scorers"])
        of_window[CLUSTERING] = Clusters(scorers) if edges is None else ClustersByEdges(EdgeModel.from_json(edges))
    return Answerers(of_batch, of_window, [task for task in TASKS if task not in told])


def _policy_prompts(encoder: Encoder) -> PolicyPrompts | None:
    """Descriptions of the policies, for a shop that labels none; None where the model has learned no words."""
    if "text" not in encoder.modalities:
        return None
    return PolicyPrompts.of(encoder.encode_text, float(encoder.module.logit_scale.detach().exp()))


def _or_null(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
