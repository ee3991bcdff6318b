"""Fit the temperatures of every task's heads on the validation split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.heads.calibration import MIN_ROWS, Temperatures, fit_temperature
from eclip.tasks.heads.lexical import LexicalHeads
from eclip.tasks.heads.linear import Target
from eclip.tasks.heads.modal import ModalHeads


def calibrated(
    catalogue: Catalogue, targets: Mapping[str, Sequence[Target]], heads: Mapping[str, ModalHeads]
) -> dict[str, ModalHeads]:
    """The same heads with temperatures that the validation split fits to their final answers.

    Args:
        catalogue: Products with the vectors that the heads are for.
        targets: Of each task.
        heads: By task, words and shares included.
    """
    return {task: _with_temperatures(catalogue, targets[task], each) for task, each in heads.items()}


def codes_among(target: Target, labels: Sequence[str]) -> np.ndarray:
    """Codes [N] of a target's rows among the labels of a head, which may be of an older state of the store."""
    index = {label: code for code, label in enumerate(labels)}
    return np.array([*(index.get(label, -1) for label in target.labels), -1], dtype=np.int64)[target.codes]


def _with_temperatures(catalogue: Catalogue, targets: Sequence[Target], heads: ModalHeads) -> ModalHeads:
    validation = catalogue.rows_of(SPLITS[1])
    titles = [catalogue.titles[row] for row in validation]
    inputs = heads.inputs(catalogue.image_vectors[validation], catalogue.text_vectors[validation], titles)
    plain = heads.at({})
    found: Temperatures = {}
    for modality, group in heads.by_modality.items():
        present = catalogue.complete(modality)[validation]
        for target in targets:
            if target.name not in group.heads:
                continue
            codes = codes_among(target, group.heads[target.name].labels)[validation]
            rows = np.flatnonzero(present & (codes >= 0))
            if len(rows) < MIN_ROWS:
                continue
            chances = plain.probabilities(target.name, modality, inputs, rows)
            found.setdefault(modality, {})[target.name] = fit_temperature(chances, codes[rows])
    return heads.at(found)


def words_temperature(catalogue: Catalogue, target: Target, words: LexicalHeads) -> float:
    """The temperature of the lexical expert alone, as TF-IDF is compared with."""
    held = [row for row in catalogue.rows_of(SPLITS[1]).tolist() if catalogue.titles[row]]
    chances = words.linear.probabilities(target.name, words.terms.features([catalogue.titles[row] for row in held]))
    return fit_temperature(chances, target.codes[held])
