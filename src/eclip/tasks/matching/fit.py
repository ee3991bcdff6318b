"""Fit pair scorers on drawn pairs."""

from __future__ import annotations

import numpy as np

from eclip.metrics import best_f1_threshold
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.matching.boosted import MIN_PAIRS, fit_boosted
from eclip.tasks.matching.draw import draw_pairs, having
from eclip.tasks.matching.features import FEATURES, PairSource, pair_features
from eclip.tasks.matching.groups import NAME, Groups
from eclip.tasks.matching.scorers import PairScorers, Scorer, fit_scorer
from eclip.tasks.results import Skipped


def fit_matching(
    catalogue: Catalogue, groups: Groups, *, seed: int, boosted: bool = True
) -> tuple[PairScorers, list[Skipped]]:
    """A scorer a modality, fitted on the train split; thresholds have the best F1 on validation.

    A store without mates in its validation split chooses the threshold on the train split.

    Args:
        catalogue: Products with vectors.
        groups: Who is whose mate.
        seed: Of drawn pairs, folds and trees.
        boosted: Trees over all that is known of a pair where it has titles; False = logistic regressions over few
            numbers. Pictures alone, and fewer than `MIN_PAIRS` of either answer, always get the latter.
    """
    source = PairSource.of(catalogue)
    train = draw_pairs(catalogue, groups, SPLITS[0], seed=seed)
    held = draw_pairs(catalogue, groups, SPLITS[1], seed=seed)
    scorers: dict[str, Scorer] = {}
    skipped: list[Skipped] = []
    for modality in FEATURES:
        fitted = having(source, train, modality)
        if len(np.unique(fitted.same)) < 2:
            skipped.append(Skipped(task=NAME, reason=f"{modality}: no train pairs have this modality"))
            continue
        chosen = having(source, held, modality)
        if boosted and modality != "image" and enough_to_boost(fitted.same):
            # A pair's fold is that of its first listing's product, so that folds hold products never learned from.
            scorer: Scorer = fit_boosted(source, fitted, modality, seed=seed, families=groups.ids[fitted.left])[0]
        else:
            scorer = fit_scorer(
                pair_features(source, fitted.left, fitted.right, modality), fitted.same, modality, seed=seed
            )
            chosen = chosen if chosen.same.any() else fitted
        if chosen.same.any():
            scores = scorer.of_pairs(source, chosen.left, chosen.right)
            scorer = scorer.with_threshold(best_f1_threshold(chosen.same, scores)[0])
        scorers[modality] = scorer
    return PairScorers(scorers), skipped


def enough_to_boost(same: np.ndarray) -> bool:
    """Whether pairs [P] hold enough of both answers for folds and trees."""
    return bool(min(same.sum(), (~same).sum()) >= MIN_PAIRS)
