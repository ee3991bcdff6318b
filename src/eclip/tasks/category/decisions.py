"""When to answer with the leaf, when with a parent, and when a listing belongs to no category that is known.

Both thresholds come from the validation split alone, one pair a modality.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.category.targets import NAME
from eclip.tasks.category.tree import CategoryTree, is_at_or_above
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.taskfiles import readable

DECISIONS_FILE = "decisions.json"
WANTED_PRECISION = 0.95  # of answers, leaf or parent
KNOWN_KEPT = 0.95  # share of listings of known categories that is not taken for unknown
MIN_ROWS = 50  # labelled validation rows, below which nothing is chosen
UNMEASURED = 0.95  # least chance of an answer where validation can't tell
CANDIDATES = np.round(np.linspace(0, 1, 101), 2)


@dataclass(frozen=True, kw_only=True)
class CategoryDecision:
    """Thresholds of one modality."""

    confidence: float = UNMEASURED  # least chance of what is answered; infinite = nothing is
    unknown: float = float("inf")  # score above which a listing is of no known category


def unknown_scores(probabilities: np.ndarray) -> np.ndarray:
    """How little a listing looks like any known category, 0..1, of class chances [n, C].

    The entropy of the chances over that of equal ones: a listing of a new category is spread over several old ones.
    """
    logs = np.log(np.maximum(probabilities, 1e-12))
    return np.asarray(-(probabilities * logs).sum(axis=1) / np.log(max(probabilities.shape[1], 2)), dtype=np.float32)


def choose_decision(
    tree: CategoryTree, probabilities: np.ndarray, paths: Sequence[tuple[str, ...]]
) -> CategoryDecision:
    """The least confidence at which answers are as right as wanted, and where 5 % of known categories lie above.

    Args:
        tree: Of the head's classes.
        probabilities: [n, C] of validation rows.
        paths: Their true paths [n], none empty; leaves that no class is for count as well.
    """
    if len(paths) < MIN_ROWS:
        return CategoryDecision()
    classes = set(tree.classes)
    known = np.array([path in classes for path in paths])
    scores = unknown_scores(probabilities[known])
    return CategoryDecision(
        confidence=_least_confidence(tree, probabilities, paths),
        unknown=float(np.quantile(scores, KNOWN_KEPT)) if len(scores) >= MIN_ROWS else float("inf"),
    )


def _least_confidence(tree: CategoryTree, probabilities: np.ndarray, paths: Sequence[tuple[str, ...]]) -> float:
    ways, chances = tree.ways_up(probabilities)
    right = np.array(
        [
            [node >= 0 and is_at_or_above(tree.nodes[node], path) for node in way]
            for way, path in zip(ways.tolist(), paths, strict=True)
        ]
    )
    rows = np.arange(len(ways))
    for confidence in CANDIDATES.tolist():
        enough = chances >= confidence
        answered = enough.any(axis=1)
        hits = right[rows, enough.argmax(axis=1)][answered]
        if len(hits) and hits.mean() >= WANTED_PRECISION:
            return float(confidence)
    return float("inf")


def fit_decisions(catalogue: Catalogue, heads: ModalHeads) -> dict[str, CategoryDecision]:
    """Thresholds of each modality that has a head, from the validation split."""
    validation = catalogue.rows_of(SPLITS[1])
    titles = [catalogue.titles[row] for row in validation]
    inputs = heads.inputs(catalogue.image_vectors[validation], catalogue.text_vectors[validation], titles)
    labelled = np.array([bool(catalogue.categories[row]) for row in validation], dtype=bool)
    found = {}
    for modality, group in heads.by_modality.items():
        if NAME not in group.heads:
            continue
        rows = np.flatnonzero(catalogue.complete(modality)[validation] & labelled)
        tree = CategoryTree.of_labels(heads.labels(modality, NAME))
        chances = heads.probabilities(NAME, modality, inputs, rows)
        found[modality] = choose_decision(tree, chances, [catalogue.categories[validation[row]] for row in rows])
    return found


def write_decisions(folder: Path, decisions: dict[str, CategoryDecision]) -> None:
    """Write them beside the heads; a threshold that nothing reaches is null."""
    content = {
        modality: {name: None if np.isinf(value) else value for name, value in asdict(each).items()}
        for modality, each in decisions.items()
    }
    (folder / DECISIONS_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_decisions(folder: Path) -> dict[str, CategoryDecision]:
    """Read what `write_decisions` wrote.

    Raises:
        ModelError: The file is missing or damaged.
    """
    with readable(folder, "decisions"):
        content = json.loads((folder / DECISIONS_FILE).read_text(encoding="utf-8"))
        return {
            modality: CategoryDecision(
                **{name: float("inf") if value is None else value for name, value in each.items()}
            )
            for modality, each in content.items()
        }
