"""Choose, on the validation split, how the heads of each attribute answer together; fit heads of several values.

The softmax heads are fitted with those of the other tasks (`eclip.tasks.fit`); this begins where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eclip.metrics import macro_f1
from eclip.schema import SPLITS
from eclip.tasks.attributes.closed import AttributeHeads, AttributeInputs, ClosedAttribute, Said, ViewDecision, decide
from eclip.tasks.attributes.experts import VIEWS, fit_mark_pool, fit_pool, present_experts, sigmoid
from eclip.tasks.attributes.multilabel import fit_marks
from eclip.tasks.attributes.targets import SeveralTarget, attribute_targets, several_targets
from eclip.tasks.attributes.thresholds import TARGET_PRECISION, Threshold, choose_threshold
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.heads.lexical import LexicalHeads
from eclip.tasks.heads.linear import LinearHeads, Target
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.heads.training import MIN_TRAIN_ROWS
from eclip.tasks.taskfiles import read_versioned, readable, write_versioned

CLOSED_FILE = "closed.json"
CLOSED_VERSION = 1
SEVERAL = "several"  # folder of the heads that answer with several values
PRIOR_POWERS = tuple(np.linspace(0, 1, 11).round(1).tolist())
MAX_ACCURACY_LOST = 0.01  # on validation, for the sake of rare values
MIN_ROWS_A_VALUE = 20  # on validation, below which what rare values gain is chance, and nothing is preferred
CHANCE = 0.01  # of macro-F1: of powers within it the smallest is taken, as few rows of rare values decide


def fit_closed(
    catalogue: Catalogue, single: ModalHeads, *, target_precision: float = TARGET_PRECISION, seed: int
) -> tuple[AttributeHeads, dict[str, ClosedAttribute]]:
    """Heads of all attributes and how each is answered.

    Args:
        catalogue: The products, with vectors of the model.
        single: The softmax heads of this task.
        target_precision: That sure answers shall have.
        seed: Of the heads of several values.
    """
    targets = {target.name: target for target in attribute_targets(catalogue)[0] if target.name in single.names}
    several = several_targets(catalogue, list(targets.values()))
    heads = AttributeHeads(single, fit_several(catalogue, single.lexical, several, seed=seed))
    validation = catalogue.rows_of(SPLITS[1])
    titles = [catalogue.titles[row] for row in validation]
    inputs = heads.inputs(catalogue.image_vectors[validation], catalogue.text_vectors[validation], titles)
    by_name = {target.name: target for target in several} if heads.several else {}
    attributes = {}
    for name, target in targets.items():
        found = _fit_attribute(catalogue, heads, inputs, by_name.get(name, target), target_precision)
        if found.decisions:
            attributes[name] = found
    return heads, attributes


def fit_several(
    catalogue: Catalogue, lexical: LexicalHeads | None, targets: Sequence[SeveralTarget], *, seed: int
) -> ModalHeads | None:
    """Yes-or-no heads over vectors of each modality and over title terms; None without a target or vectors.

    Args:
        catalogue: The products.
        lexical: The softmax heads over title terms, whose terms are read; None = there are none.
        targets: What to learn.
        seed: Of the order of rows.
    """
    if not targets:
        return None
    known = np.any([target.known for target in targets], axis=0)
    splits = [catalogue.within(split) & known for split in SPLITS[:2]]
    by_modality = {}
    for modality in VIEWS:
        matrix, mask = catalogue.features(modality)
        if (mask & splits[0]).sum() < MIN_TRAIN_ROWS:
            continue
        by_modality[modality] = fit_marks(
            matrix,
            targets,
            train_rows=np.flatnonzero(mask & splits[0]),
            validation_rows=np.flatnonzero(mask & splits[1]),
            seed=seed,
            name=f"Fitting {len(targets)} heads of several values on {modality}",
        )
    if not by_modality:
        return None
    has_title = np.array([bool(title) for title in catalogue.titles], dtype=bool)
    if lexical is None or (has_title & splits[0]).sum() < MIN_TRAIN_ROWS:
        return ModalHeads(by_modality)
    words = fit_marks(
        lexical.terms.features(catalogue.titles),
        targets,
        train_rows=np.flatnonzero(has_title & splits[0]),
        validation_rows=np.flatnonzero(has_title & splits[1]),
        seed=seed,
        name=f"Fitting {len(targets)} heads of several values on titles",
    )
    return ModalHeads(by_modality, LexicalHeads(lexical.terms, LinearHeads(words.heads), {}))


def _fit_attribute(
    catalogue: Catalogue,
    heads: AttributeHeads,
    inputs: AttributeInputs,  # of the validation split
    target: Target | SeveralTarget,
    target_precision: float,
) -> ClosedAttribute:
    several = isinstance(target, SeveralTarget)
    values = heads.values(target.name, several=several)
    marks = _marks(catalogue, target.name, values)
    has = np.array([target.name in attributes for attributes in catalogue.attributes], dtype=bool)
    train = marks[has & catalogue.within(SPLITS[0])].sum(axis=0) + 0.5
    log_prior = np.log(train / train.sum())
    attribute = ClosedAttribute(
        values=values, several=several, log_prior=tuple(log_prior.round(4).tolist()), decisions={}
    )
    modal = heads.several if several else heads.single
    assert modal is not None
    validation = catalogue.rows_of(SPLITS[1])
    for view in VIEWS:
        if not present_experts(modal, target.name, view):
            continue
        places = np.flatnonzero((has & catalogue.complete(view))[validation])
        logs = heads.logs(target.name, inputs, places, view, several=several)
        choose = _choose_several if several else _choose_single
        attribute.decisions[view] = choose(attribute, view, logs, marks[validation[places]], target_precision)
    return attribute


def _marks(catalogue: Catalogue, name: str, values: Sequence[str]) -> np.ndarray:
    """[N, C] bool, which of the values each listing has; a value that is no class has no column."""
    index = {value: code for code, value in enumerate(values)}
    marks = np.zeros((catalogue.num_rows, len(values)), dtype=bool)
    for row, attributes in enumerate(catalogue.attributes):
        marks[row, [index[value] for value in attributes.get(name, ()) if value in index]] = True
    return marks


def _choose_single(
    attribute: ClosedAttribute, view: str, logs: dict[str, np.ndarray], marks: np.ndarray, target: float
) -> ViewDecision:
    """Weights by likelihood, how far rare values are preferred by macro-F1, the threshold by precision."""
    codes = np.where(marks.any(axis=1), marks.argmax(axis=1), -1)
    pool = fit_pool(logs, codes)
    power = _choose_power(pool.scores(logs), np.array(attribute.log_prior), codes) if len(codes) else 0.0
    decision = ViewDecision(pool=pool, threshold=Threshold(at=None), prior_power=power)
    said = _said(attribute, view, decision, logs)
    right = (said.chosen & marks).any(axis=1)
    threshold = choose_threshold(right, said.least, target=target)
    return ViewDecision(pool=pool, threshold=threshold, prior_power=power)


def _choose_power(scores: np.ndarray, log_prior: np.ndarray, codes: np.ndarray) -> float:
    """The least power of the prior to take off whose macro-F1 is best, but for chance, of those that keep accuracy."""
    if len(codes) < MIN_ROWS_A_VALUE * scores.shape[1]:
        return 0.0
    found = {power: (scores - power * log_prior).argmax(axis=1) for power in PRIOR_POWERS}
    accurate = [
        p for p, said in found.items() if np.mean(said == codes) >= np.mean(found[0.0] == codes) - MAX_ACCURACY_LOST
    ]
    figures = {power: macro_f1(codes, found[power]) for power in accurate}
    return min(power for power, figure in figures.items() if figure >= max(figures.values()) - CHANCE)


def _choose_several(
    attribute: ClosedAttribute, view: str, logs: dict[str, np.ndarray], marks: np.ndarray, target: float
) -> ViewDecision:
    """Weights by likelihood; values are answered from the probability with the best F1; sure ones by precision."""
    pool = fit_mark_pool(logs, marks)
    value_threshold = best_mark_threshold(sigmoid(pool.scores(logs)), marks)
    decision = ViewDecision(pool=pool, threshold=Threshold(at=None), value_threshold=value_threshold)
    said = _said(attribute, view, decision, logs)
    places = np.nonzero(said.chosen)
    threshold = choose_threshold(marks[places], said.confidences[places], target=target, num_rows=int(marks.sum()))
    return ViewDecision(pool=pool, threshold=threshold, value_threshold=value_threshold)


def best_mark_threshold(chances: np.ndarray, marks: np.ndarray) -> float:
    """The probability from which a value is answered with the best F1 over all (listing, value) pairs; .5 if none."""
    from eclip.metrics import best_f1_threshold

    threshold, _ = best_f1_threshold(marks.ravel(), chances.ravel())
    return 0.5 if np.isnan(threshold) else threshold


def _said(attribute: ClosedAttribute, view: str, decision: ViewDecision, logs: dict[str, np.ndarray]) -> Said:
    trial = ClosedAttribute(
        values=attribute.values, several=attribute.several, log_prior=attribute.log_prior, decisions={view: decision}
    )
    return decide(trial, view, logs)


def save_closed(folder: Path, heads: AttributeHeads, attributes: dict[str, ClosedAttribute]) -> None:
    """Write decisions, and the heads of several values; the softmax heads are written by whoever fitted them."""
    if heads.several:
        (folder / SEVERAL).mkdir()
        heads.several.save(folder / SEVERAL)
    content = {"attributes": {name: each.as_json() for name, each in attributes.items()}}
    write_versioned(folder / CLOSED_FILE, CLOSED_VERSION, content)


def load_closed(folder: Path) -> tuple[AttributeHeads, dict[str, ClosedAttribute]]:
    """Read what `save_closed` wrote, with the softmax heads beside it.

    Raises:
        ModelError: It is missing, damaged or of another version.
    """
    with readable(folder, "attributes"):
        content = read_versioned(folder / CLOSED_FILE, CLOSED_VERSION)
        attributes = {name: ClosedAttribute.from_json(each) for name, each in content["attributes"].items()}
    several = ModalHeads.load(folder / SEVERAL) if (folder / SEVERAL).is_dir() else None
    return AttributeHeads(ModalHeads.load(folder), several), attributes
