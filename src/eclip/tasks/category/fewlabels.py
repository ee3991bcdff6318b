"""Which head answers for the category where labels are few or none.

A head that is fitted, the nearest training rows, each with or without the names of the categories: of these the one
with the least log loss on validation is kept, a modality at a time. With many labels the fitted head wins by itself,
and nothing else is tried. Without any the names alone answer.
"""

from __future__ import annotations

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.category.names import EncodeText, name_vectors
from eclip.tasks.category.targets import NAME, label_path
from eclip.tasks.heads.linear import AnyHead, Head, LinearHeads, Target
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.heads.neighbours import NeighbourHead
from eclip.tasks.results import MODALITIES

FEW_LABELS = 2000  # labelled train rows; on 4,000 of fashion the fitted head was ahead by itself
NAME_WEIGHTS = (0.0, 5.0, 10.0, 20.0)  # of a cosine among the logits; with 50 labels 20 was best, with 1,000 5
UNMEASURED_WEIGHT = 10.0  # where validation can't tell
MIN_VALIDATION = 20  # labelled rows that can


def with_few_labels(
    catalogue: Catalogue, target: Target, heads: ModalHeads, encode_text: EncodeText | None
) -> ModalHeads:
    """The same heads where there are enough labels, and what answers best where there are not.

    Args:
        catalogue: Products with vectors.
        target: Of the category; its labels may be of leaves without a train row.
        heads: Fitted for the category; none of a modality with too few rows.
        encode_text: The model's text tower, of the same space as the vectors; None = names can't be read.
    """
    labelled = catalogue.within(SPLITS[0]) & (target.codes >= 0)
    if labelled.sum() > FEW_LABELS:
        return heads
    # Towers of no common space can't compare a picture with a name.
    shared = catalogue.image_vectors.shape[1] == catalogue.text_vectors.shape[1]
    names = None
    if encode_text is not None and shared:
        names = name_vectors([label_path(label) for label in target.labels], encode_text)
    found = dict(heads.by_modality)
    train = catalogue.within(SPLITS[0])
    there = {each: bool((catalogue.complete(each) & train).any()) for each in ("image", "text")}
    for modality in MODALITIES:
        if not (all(there.values()) if modality == "both" else there[modality]):
            continue
        matrix, present = catalogue.features(modality)
        fitted = found[modality].heads.get(NAME) if modality in found else None
        rows = np.flatnonzero(present & labelled)
        head = _best(
            _candidates(target, matrix, rows, fitted, _names_for(modality, names)),
            matrix,
            target.codes,
            np.flatnonzero(catalogue.complete(modality) & catalogue.within(SPLITS[1]) & (target.codes >= 0)),
        )
        if head is not None:
            found[modality] = LinearHeads({NAME: head})
    return ModalHeads(found, heads.lexical)


def _names_for(modality: str, names: np.ndarray | None) -> np.ndarray | None:
    """Names [C, F] as a modality's features: of "both" a row holds two vectors side by side."""
    if names is None or modality != "both":
        return names
    return np.concatenate([names, names], axis=1)


def _candidates(
    target: Target, matrix: np.ndarray, rows: np.ndarray, fitted: AnyHead | None, names: np.ndarray | None
) -> list[AnyHead]:
    """Heads to choose from, best guess first."""
    heads: list[AnyHead] = [] if fitted is None else [fitted]
    if len(np.unique(target.codes[rows])) >= 2:
        heads.append(NeighbourHead.of(matrix[rows], target.codes[rows], target.labels))
    if names is None:
        return heads
    if not heads:
        nothing = np.zeros(names.shape, dtype=np.float32)
        heads.append(Head(labels=target.labels, weight=nothing, bias=np.zeros(len(names), dtype=np.float32)))
        return [heads[0].with_skip(UNMEASURED_WEIGHT * names)]
    weights = sorted(NAME_WEIGHTS, key=lambda weight: abs(weight - UNMEASURED_WEIGHT))
    return [head.with_skip(weight * names) if weight else head for head in heads for weight in weights]


def _best(heads: list[AnyHead], matrix: np.ndarray, codes: np.ndarray, rows: np.ndarray) -> AnyHead | None:
    """The head with the least log loss over validation rows; the first where these are too few to tell."""
    if len(rows) < MIN_VALIDATION or len(heads) < 2:
        return heads[0] if heads else None
    losses = []
    for head in heads:
        chances = head.probabilities(matrix[rows])[np.arange(len(rows)), codes[rows]]
        losses.append(-float(np.mean(np.log(np.maximum(chances, 1e-9)))))
    return heads[int(np.argmin(losses))]
