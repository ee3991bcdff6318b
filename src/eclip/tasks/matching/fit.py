"""Fit pair scorers on drawn pairs."""

from __future__ import annotations

import numpy as np

from eclip.metrics import best_f1_threshold
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.matching.draw import draw_pairs, having
from eclip.tasks.matching.features import FEATURES, PairSource, pair_features
from eclip.tasks.matching.groups import NAME, Groups
from eclip.tasks.matching.scorers import PairScorer, PairScorers, fit_scorer
from eclip.tasks.results import Skipped


def fit_matching(catalogue: Catalogue, groups: Groups, *, seed: int) -> tuple[PairScorers, list[Skipped]]:
    """A scorer a modality, fitted on the train split; thresholds have the best F1 on validation.

    A store without mates in its validation split chooses the threshold on the train split.
    """
    source = PairSource.of(catalogue)
    train = draw_pairs(catalogue, groups, SPLITS[0], seed=seed)
    held = draw_pairs(catalogue, groups, SPLITS[1], seed=seed)
    scorers: dict[str, PairScorer] = {}
    skipped: list[Skipped] = []
    for modality in FEATURES:
        fitted = having(source, train, modality)
        if len(np.unique(fitted.same)) < 2:
            skipped.append(Skipped(task=NAME, reason=f"{modality}: no train pairs have this modality"))
            continue
        matrix = pair_features(source, fitted.left, fitted.right, modality)
        scorer = fit_scorer(matrix, fitted.same, modality, seed=seed)
        chosen = having(source, held, modality)
        chosen = chosen if chosen.same.any() else fitted
        scores = scorer.probabilities(pair_features(source, chosen.left, chosen.right, modality))
        threshold, _ = best_f1_threshold(chosen.same, scores)
        scorers |= PairScorers({modality: scorer}).with_thresholds({modality: threshold}).by_modality
    return PairScorers(scorers), skipped
