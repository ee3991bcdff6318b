"""Fit what stands beside the heads: sellers' history on the train split, weights and thresholds on validation."""

from __future__ import annotations

import numpy as np

from eclip.schema import POLICIES, SPLITS
from eclip.tasks.adult.decisions import BUDGET
from eclip.tasks.adult.recognizer import PolicyRecognizer
from eclip.tasks.adult.sellers import SellerHistory
from eclip.tasks.adult.targets import CLASSES, policy_codes
from eclip.tasks.adult.weights import RULE_BIAS, PolicyWeights, fit_weights
from eclip.tasks.adult.witnesses import RULES, Listings, evidence, known_levels
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
    weights = {RULES: PolicyWeights.rules(len(POLICIES))}
    bare = PolicyRecognizer.by_rules()
    recognizer = PolicyRecognizer(heads=heads, history=history, weights=weights, thresholds=bare.thresholds)
    listings = listings_of(catalogue, recognizer, validation)
    numbers = np.bincount(codes[train], minlength=len(CLASSES))
    for modality in heads.by_modality:
        _, mask = catalogue.features(modality)
        rows = np.flatnonzero(mask[validation])
        weights[modality] = _modal_weights(listings, heads, modality, rows, codes[validation[rows]], numbers)
    chances, _ = recognizer.routed(listings)
    known = ~np.isnan(chances[:, 0])
    return recognizer.with_budget(chances[known], codes[validation[known]], budget)


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


def _modal_weights(
    listings: Listings, heads: ModalHeads, modality: str, rows: np.ndarray, codes: np.ndarray, numbers: np.ndarray
) -> PolicyWeights:
    """Weights of one modality: fitted for levels that its heads know, those of rules for the others."""
    rules = PolicyWeights.rules(len(POLICIES))
    levels = known_levels(heads, modality)
    if not levels:
        return rules
    # Heads were fitted with classes alike, so that the shop's own shares are for the bias to bring back.
    centres = np.log(np.maximum(numbers[1:], 0.5) / max(numbers[0], 0.5))[levels]
    kept = np.isin(codes, [0, *(level + 1 for level in levels)])
    places = np.zeros(len(CLASSES), dtype=np.int64)
    places[[level + 1 for level in levels]] = np.arange(1, len(levels) + 1)
    found = evidence(listings, heads, modality, rows[kept])[:, levels]
    values, bias = fit_weights(found, places[codes[kept]], centres)
    fitted_weights, fitted_bias = rules.weights.copy(), np.full(len(POLICIES), RULE_BIAS)
    fitted_weights[levels], fitted_bias[levels] = values, bias
    return PolicyWeights(fitted_weights, fitted_bias)
