"""Fit what stands beside the heads: sellers' history on the train split, weights and thresholds on validation."""

from __future__ import annotations

import numpy as np

from eclip.schema import POLICIES, SPLITS
from eclip.tasks.adult.decisions import BUDGET, choose_thresholds
from eclip.tasks.adult.recognizer import PolicyRecognizer
from eclip.tasks.adult.sellers import SellerHistory
from eclip.tasks.adult.targets import CLASSES, policy_codes
from eclip.tasks.adult.weights import PolicyWeights, fit_weights
from eclip.tasks.adult.witnesses import Listings, evidence, known_levels
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.heads.modal import ModalHeads


def fit_recognizer(catalogue: Catalogue, heads: ModalHeads, *, budget: float = BUDGET) -> PolicyRecognizer:
    """The recognizer over fitted heads.

    Args:
        catalogue: That the heads were fitted on.
        heads: Of this task.
        budget: Share of all listings that people can look at.
    """
    codes = policy_codes(catalogue.policies)
    train, validation = catalogue.rows_of(SPLITS[0]), catalogue.rows_of(SPLITS[1])
    history = None
    if catalogue.sellers is not None:
        history = SellerHistory.of(catalogue.sellers[train].tolist(), codes[train], len(CLASSES))
    rules = PolicyRecognizer.by_rules()
    weights, thresholds = dict(rules.weights), dict(rules.thresholds)
    recognizer = PolicyRecognizer(heads=heads, history=history, weights=weights, thresholds=thresholds)
    listings = listings_of(catalogue, recognizer, validation)
    for modality in heads.by_modality:
        rows = np.flatnonzero(catalogue.complete(modality)[validation])
        said, true = evidence(listings, heads, modality, rows), codes[validation[rows]]
        weights[modality] = _modal_weights(said, known_levels(heads, modality), true)
        thresholds[modality] = choose_thresholds(weights[modality].chances(said), true, budget=budget)
    return recognizer


def listings_of(
    catalogue: Catalogue, recognizer: PolicyRecognizer, rows: np.ndarray, *, undo_disguises: bool = True
) -> Listings:
    """Rows [n] of a catalogue as a recognizer sees them."""
    return recognizer.listings(
        catalogue.image_vectors[rows],
        catalogue.text_vectors[rows],
        [catalogue.titles[row] for row in rows],
        None if catalogue.sellers is None else catalogue.sellers[rows].tolist(),
        undo_disguises=undo_disguises,
    )


def _modal_weights(said: np.ndarray, levels: list[int], codes: np.ndarray) -> PolicyWeights:
    """Weights of one modality: fitted for the levels that its heads know, those of rules for the others.

    Args:
        said: Evidence [n, L, W] of validation rows.
        levels: Places in `POLICIES` that the heads know.
        codes: [n] true place in `CLASSES`.
    """
    rules = PolicyWeights.rules(len(POLICIES))
    if not levels:
        return rules
    places = np.full(len(CLASSES), -1)
    places[[0, *(level + 1 for level in levels)]] = np.arange(len(levels) + 1)
    kept = places[codes] >= 0
    values, bias = fit_weights(said[kept][:, levels], places[codes[kept]])
    fitted = PolicyWeights(rules.weights.copy(), rules.bias.copy())
    fitted.weights[levels], fitted.bias[levels] = values, bias
    return fitted
