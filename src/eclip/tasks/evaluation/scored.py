"""What each method answers on the test rows of the tasks with heads: class probabilities, not yet judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.attributes.targets import NAME as ATTRIBUTES
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.category.targets import NAME as CATEGORY
from eclip.tasks.evaluation.majority import class_shares, same_scores
from eclip.tasks.heads.calibration import at_temperature
from eclip.tasks.heads.fit_calibration import words_temperature
from eclip.tasks.heads.fit_lexical import COMBINED
from eclip.tasks.heads.lexical import LexicalHeads
from eclip.tasks.heads.linear import Target
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.results import CLIP, MAJORITY, MODALITIES, OUR_METHOD, PRETRAINED, TF_IDF


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Class probabilities of test rows by one modality and method."""

    task: str
    target: Target
    modality: str
    method: str
    rows: np.ndarray  # [n]
    scores: np.ndarray  # [n, C]


def scored_heads(
    catalogue: Catalogue, targets: dict[str, list[Target]], heads: dict[str, ModalHeads], method: str
) -> Iterator[Scored]:
    """Answers of heads, for every modality of every target; those with and without words differ where titles are."""
    inputs = {
        task: heads[task].inputs(catalogue.image_vectors, catalogue.text_vectors, catalogue.titles) for task in targets
    }
    for modality in MODALITIES if method in (OUR_METHOD, PRETRAINED, CLIP) else COMBINED:
        _, mask = catalogue.features(modality)
        for task, group in targets.items():
            fitted = heads[task].by_modality.get(modality)
            for target in group:
                rows = _test_rows(catalogue, task, target.name, mask)
                if fitted is None or target.name not in fitted.heads or not len(rows):
                    continue
                # A head may have been fitted on an older state of the store: its own labels count.
                labels = heads[task].labels(modality, target.name)
                known = Target(name=target.name, labels=labels, codes=target.codes)
                if modality == "both":  # listings that lack one of the two are answered by the other
                    scores = heads[task].routed_probabilities(target.name, inputs[task], rows)
                else:
                    scores = heads[task].probabilities(target.name, modality, inputs[task], rows)
                yield Scored(task=task, target=known, modality=modality, method=method, rows=rows, scores=scores)


def scored_titles(
    catalogue: Catalogue, targets: dict[str, list[Target]], words: dict[str, LexicalHeads]
) -> Iterator[Scored]:
    """Answers of TF-IDF on titles, calibrated as ours are."""
    has_title = np.array([bool(title) for title in catalogue.titles], dtype=bool)
    for task, heads in words.items():
        for target in targets[task]:
            rows = _test_rows(catalogue, task, target.name, has_title)
            if target.name not in heads.linear.heads or not len(rows):
                continue
            terms = heads.terms.features([catalogue.titles[row] for row in rows])
            scores = heads.linear.probabilities(target.name, terms)
            scores = at_temperature(scores, words_temperature(catalogue, target, heads))
            yield Scored(task=task, target=target, modality="text", method=TF_IDF, rows=rows, scores=scores)


def scored_majority(catalogue: Catalogue, targets: dict[str, list[Target]]) -> Iterator[Scored]:
    """Answers of who looks at nothing."""
    _, mask = catalogue.features("both")
    for task, group in targets.items():
        for target in group:
            rows, shares = _test_rows(catalogue, task, target.name, mask), class_shares(catalogue, target)
            if shares is not None and len(rows):
                scores = same_scores(shares, len(rows))
                yield Scored(task=task, target=target, modality="both", method=MAJORITY, rows=rows, scores=scores)


def _test_rows(catalogue: Catalogue, task: str, name: str, mask: np.ndarray) -> np.ndarray:
    """Test rows with the modality whose truth is known."""
    rows = np.flatnonzero(mask & catalogue.within(SPLITS[2]))
    if task == CATEGORY:
        return rows[[bool(catalogue.categories[row]) for row in rows]] if len(rows) else rows
    if task == ATTRIBUTES:
        return rows[[name in catalogue.attributes[row] for row in rows]] if len(rows) else rows
    return rows
