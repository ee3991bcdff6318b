"""Figures of adult product recognition over test rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from eclip.metrics import average_precision, recall_at_precision
from eclip.schema import POLICIES, SPLITS
from eclip.tasks.adult.decisions import act
from eclip.tasks.adult.fit import listings_of
from eclip.tasks.adult.recognizer import PolicyRecognizer
from eclip.tasks.adult.targets import CLASSES, NAME, policy_codes
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.curves import precision_recall_line
from eclip.tasks.results import MODALITIES, OUR_METHOD, Curve, Result, Skipped

PRECISIONS = (0.9, 0.95)
BUDGETS = (0.01, 0.05)  # shares of all test rows that people look at, the most suspicious first


def recall_at_budget(relevant: np.ndarray, scores: np.ndarray, budget: float) -> float:
    """Share of the relevant rows [N] among the best scored `budget` of all rows; NaN where nothing is relevant.

    At least one row is looked at; of rows with the score at which the budget ends, each is as likely looked at.
    No more than `budget` over the share of relevant rows can be reached.
    """
    if not relevant.any():
        return float("nan")
    looks = max(1, int(budget * len(scores) + 1e-9))
    last = np.sort(scores)[::-1][looks - 1]
    above, tied = scores > last, scores == last
    share = (looks - above.sum()) / tied.sum()
    return float((relevant[above].sum() + share * relevant[tied].sum()) / relevant.sum())


def false_positives_per_10k(relevant: np.ndarray, answered: np.ndarray) -> float:
    """Rows answered yes that are not relevant, of 10,000 that are not; NaN where all are relevant."""
    innocent = ~relevant.astype(bool)
    return float(1e4 * np.mean(answered[innocent])) if innocent.any() else float("nan")


def policy_results(
    policies: np.ndarray,
    labels: tuple[str, ...],
    scores: np.ndarray,
    *,
    modality: str,
    method: str,
    answered: np.ndarray | None = None,
) -> tuple[list[Result], list[Curve], list[Skipped]]:
    """Figures and curve of each level that some test row has.

    Args:
        policies: [n] true policy, None for everybody.
        labels: Of the columns of `scores`.
        scores: [n, C] chances.
        modality: Of the features.
        method: Of the table.
        answered: [n] column that was answered; None = the likeliest.

    Returns:
        Results, curves, and why a level that the scores know has none.
    """
    results, curves, skipped = [], [], []
    answers = scores.argmax(axis=1) if answered is None else answered
    for column, level in enumerate(labels):
        if level not in POLICIES:
            continue
        truth, chances = policies == level, scores[:, column]
        if not truth.any():
            skipped.append(Skipped(task=NAME, reason=f"{modality}, {method}: no test product has the policy {level!r}"))
            continue
        figures = {"average precision": average_precision(truth, chances)}
        figures |= {f"recall at precision {p}": recall_at_precision(truth, chances, p) for p in PRECISIONS}
        figures |= {f"recall at {b:.0%} review budget": recall_at_budget(truth, chances, b) for b in BUDGETS}
        figures["false positives per 10,000"] = false_positives_per_10k(truth, answers == column)
        results += [_result(level, *each, modality, method, int(truth.sum())) for each in figures.items()]
        curves.append(precision_recall_line(NAME, level, truth, chances, modality=modality, method=method))
    return results, curves, skipped


def recognizer_results(catalogue: Catalogue, folder: Path) -> Iterator[tuple[list[Result], list[Curve], list[Skipped]]]:
    """Figures of what `fit` wrote for this task, for each modality, and of what is done at its thresholds."""
    recognizer = PolicyRecognizer.load(folder)
    test = catalogue.rows_of(SPLITS[2])
    listings = listings_of(catalogue, recognizer, test)
    judged = recognizer.judge(listings)
    known = {POLICIES[level] for modality in recognizer.weights for level in recognizer.learned(modality)}
    labels = (CLASSES[0], *(level for level in POLICIES if level in known))
    columns = [CLASSES.index(label) for label in labels]
    for modality in MODALITIES:
        if modality not in recognizer.weights:
            continue
        rows = np.flatnonzero(catalogue.features(modality)[1][test])
        if not len(rows):
            continue
        chances = recognizer.chances(listings, modality, rows)
        decided, shown = act(chances, recognizer.thresholds[modality])
        if modality == "both":  # listings that lack one of the two are answered by the other
            chances, decided, shown = judged.chances[rows], judged.codes[rows], judged.review[rows]
        policies = catalogue.policies[test[rows]]
        answered = np.array([columns.index(code) if code in columns else 0 for code in decided.tolist()])
        figures = policy_results(
            policies, labels, chances[:, columns], modality=modality, method=OUR_METHOD, answered=answered
        )
        figures[0].extend(_at_thresholds(decided, shown, policies, labels, modality))
        yield figures


def _at_thresholds(
    decided: np.ndarray, shown: np.ndarray, policies: np.ndarray, labels: tuple[str, ...], modality: str
) -> Iterator[Result]:
    """What is set, what is shown to a person, and how many of each level are either."""
    codes = policy_codes(policies)
    for level in labels[1:]:
        code = CLASSES.index(level)
        truth = codes == code
        if truth.any():
            figures = {
                "recall of levels set": float(np.mean(decided[truth] == code)),
                "recall of levels set or shown": float(np.mean((decided[truth] == code) | shown[truth])),
                "share of listings shown": float(np.mean(shown)),
            }
            for each in figures.items():
                yield _result(level, *each, modality, OUR_METHOD, int(truth.sum()))


def _result(level: str, metric: str, value: float, modality: str, method: str, support: int) -> Result:
    return Result(
        task=NAME, target=level, metric=metric, modality=modality, method=method, value=value, support=support
    )
