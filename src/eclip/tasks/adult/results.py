"""Figures of adult product recognition over test rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from eclip.metrics import average_precision, recall_at_budget, recall_at_precision
from eclip.schema import POLICIES, SPLITS
from eclip.tasks.adult.decisions import act
from eclip.tasks.adult.fit import listings_of
from eclip.tasks.adult.recognizer import PolicyRecognizer
from eclip.tasks.adult.targets import CLASSES, NAME
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.curves import precision_recall_line
from eclip.tasks.intervals import Estimate, estimate
from eclip.tasks.results import MODALITIES, OUR_METHOD, Curve, Result, Skipped, results_of

PRECISIONS = (0.9, 0.95)
BUDGETS = (0.01, 0.05)  # shares of all test rows that people look at, the most suspicious first


def false_positives_per_10k(relevant: np.ndarray, answered: np.ndarray) -> float:
    """Rows answered yes that are not relevant, of 10,000 that are not; NaN where all are relevant."""
    innocent = ~relevant.astype(bool)
    return float(1e4 * np.mean(answered[innocent])) if innocent.any() else float("nan")


def share_answered(relevant: np.ndarray, answered: np.ndarray) -> float:
    """Share of the relevant rows [N] that were answered yes; NaN where nothing is relevant."""
    return float(np.mean(answered[relevant])) if relevant.any() else float("nan")


def policy_results(
    policies: np.ndarray,
    labels: tuple[str, ...],
    scores: np.ndarray,
    *,
    modality: str,
    method: str,
    buckets: np.ndarray | None = None,
    done: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[list[Result], list[Curve], list[Skipped]]:
    """Figures and curve of each level that some test row has.

    Args:
        policies: [n] true policy, None for everybody.
        labels: Of the columns of `scores`.
        scores: [n, C] chances.
        modality: Of the features.
        method: Of the table.
        buckets: [n] bucket of each row's product, for intervals (`eclip.tasks.intervals`).
        done: Column [n] of the level that was set (0 = none), and whether the row was shown to a person [n]; None =
            no thresholds: the likeliest is set.

    Returns:
        Results, curves, and why a level that the scores know has none.
    """
    results, curves, skipped = [], [], []
    for column, level in enumerate(labels):
        if level not in POLICIES:
            continue
        truth = policies == level
        if not truth.any():
            skipped.append(Skipped(task=NAME, reason=f"{modality}, {method}: no test product has the policy {level!r}"))
            continue
        figures = _ranking(truth, scores[:, column], buckets)
        answered = (scores.argmax(axis=1) if done is None else done[0]) == column
        figures["false positives per 10,000"] = estimate(false_positives_per_10k, truth, answered, buckets=buckets)
        if done is not None:
            found = (("set", answered), ("set or shown", answered | done[1]))
            for name, rows in found:
                figures[f"recall of levels {name}"] = estimate(share_answered, truth, rows, buckets=buckets)
            everything = np.ones(len(truth), dtype=bool)
            figures["share of listings shown"] = estimate(share_answered, everything, done[1], buckets=buckets)
        figures = {metric: replace(each, support=int(truth.sum())) for metric, each in figures.items()}
        results += results_of(figures, task=NAME, target=level, modality=modality, method=method)
        curves.append(precision_recall_line(NAME, level, truth, scores[:, column], modality=modality, method=method))
    return results, curves, skipped


def _ranking(truth: np.ndarray, chances: np.ndarray, buckets: np.ndarray | None) -> dict[str, Estimate]:
    """How well the listings of a level stand on top."""
    figures = {"average precision": estimate(average_precision, truth, chances, buckets=buckets)}
    for precision in PRECISIONS:
        found = estimate(recall_at_precision, truth, chances, precision=precision, buckets=buckets)
        figures[f"recall at precision {precision}"] = found
    for budget in BUDGETS:
        found = estimate(recall_at_budget, truth, chances, budget=budget, buckets=buckets)
        figures[f"recall at {budget:.0%} review budget"] = found
    return figures


def recognizer_results(
    catalogue: Catalogue, folder: Path, *, buckets: np.ndarray | None = None
) -> Iterator[tuple[list[Result], list[Curve], list[Skipped]]]:
    """Figures of what `fit` wrote for this task, for each modality, and of what is done at its thresholds.

    Args:
        catalogue: Whose test rows are answered.
        folder: MODEL/tasks/adult.
        buckets: [N] bucket of each row's product, for intervals.
    """
    recognizer = PolicyRecognizer.load(folder)
    test = catalogue.rows_of(SPLITS[2])
    listings = listings_of(catalogue, recognizer, test)
    judged = recognizer.judge(listings)
    known = {POLICIES[level] for modality in recognizer.weights for level in recognizer.learned(modality)}
    labels = (CLASSES[0], *(level for level in POLICIES if level in known))
    columns = [CLASSES.index(label) for label in labels]
    for modality in MODALITIES:
        rows = np.flatnonzero(catalogue.features(modality)[1][test])
        if modality not in recognizer.weights or not len(rows):
            continue
        chances = recognizer.chances(listings, modality, rows)
        codes, shown = act(chances, recognizer.thresholds[modality])
        if modality == "both":  # listings that lack one of the two are answered by the other
            chances, codes, shown = judged.chances[rows], judged.codes[rows], judged.review[rows]
        yield policy_results(
            catalogue.policies[test[rows]],
            labels,
            chances[:, columns],
            modality=modality,
            method=OUR_METHOD,
            buckets=None if buckets is None else buckets[test[rows]],
            done=(np.array([columns.index(code) if code in columns else 0 for code in codes.tolist()]), shown),
        )
