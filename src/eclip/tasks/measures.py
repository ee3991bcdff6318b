"""Metrics as functions of how often each row counts: what resampling evaluates a thousand times.

Most metrics of `eclip.metrics` are a function of a few sums over rows (hits and rows, hits and sizes a class), so a
resample is one product of matrices (`Sums`). Those that rank rows need the order once and running sums of
the weights (`Ranked`). Both give the metric's own value where every row counts once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from eclip import metrics


@dataclass(frozen=True)
class Sums:
    """A metric that is a function of sums over rows."""

    rows: np.ndarray | sparse.csr_matrix
    """[N, S] what each row adds."""
    finish: Callable[[np.ndarray], np.ndarray]
    """Of sums [B, S] gives the metric [B]."""


@dataclass(frozen=True)
class Ranked:
    """A metric of yes-or-no rows in the order of their scores."""

    relevant: np.ndarray
    """[N] bool."""
    scores: np.ndarray
    """[N]."""
    finish: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """Of running weights [B, T] of all rows and of the relevant ones, at the end of each score: the metric [B]."""


Measure = Sums | Ranked


def cluster_measures(truth: np.ndarray, predicted: np.ndarray) -> dict[str, Sums]:
    """The fields of `eclip.metrics.ClusterScores` as sums over items, given one cluster name an item [N].

    An item's share of a pair is half of it, and what its cluster holds is taken from the whole clustering: a
    resample asks which items are judged, not which would have been clustered.
    """
    num_items = len(truth)
    _, true, true_sizes = np.unique(truth, return_inverse=True, return_counts=True)
    _, guessed, guessed_sizes = np.unique(predicted, return_inverse=True, return_counts=True)
    _, cell, cell_sizes = np.unique(true * len(guessed_sizes) + guessed, return_inverse=True, return_counts=True)
    ones, in_cell = np.ones(num_items), cell_sizes[cell].astype(np.float64)
    in_true, in_guessed = true_sizes[true].astype(np.float64), guessed_sizes[guessed].astype(np.float64)
    largest = np.zeros(len(guessed_sizes))
    np.maximum.at(largest, guessed, in_cell)

    def sums(finish: Callable[[np.ndarray], np.ndarray], *columns: np.ndarray) -> Sums:
        return Sums(np.stack(columns, axis=1), finish)

    precision, recall = in_cell / in_guessed, in_cell / in_true
    return {
        "pairwise_precision": sums(_ratio_or_zero, in_cell - 1, in_guessed - 1),
        "pairwise_recall": sums(_ratio_or_zero, in_cell - 1, in_true - 1),
        "pairwise_f1": sums(_ratio_or_zero, 2 * (in_cell - 1), in_guessed + in_true - 2),
        "bcubed_precision": sums(ratio, precision, ones),
        "bcubed_recall": sums(ratio, recall, ones),
        "bcubed_f1": sums(_bcubed_f1, precision, recall, ones),
        "ari": sums(_adjusted_rand, in_cell - 1, in_true - 1, in_guessed - 1, ones),
        "nmi": sums(
            _normalised_information,
            np.log(in_cell * num_items / (in_true * in_guessed)),
            -np.log(in_true / num_items),
            -np.log(in_guessed / num_items),
        ),
        "purity": sums(ratio, largest[guessed] / in_guessed, ones),
    }


def _ratio_or_zero(sums: np.ndarray) -> np.ndarray:
    return np.nan_to_num(ratio(sums))


def _bcubed_f1(sums: np.ndarray) -> np.ndarray:
    """Harmonic mean of two means; sums are those of precision, of recall, and the number of items."""
    precision, recall, num_items = sums.T
    return ratio(np.stack([2 * precision * recall, num_items * (precision + recall)], axis=1))


def _adjusted_rand(sums: np.ndarray) -> np.ndarray:
    """ARI; sums are twice the pairs together in both, in truth and in the clustering, and the number of items."""
    together, true_pairs, guessed_pairs, num_items = sums.T
    all_pairs = num_items * (num_items - 1)
    by_chance = ratio(np.stack([true_pairs * guessed_pairs, all_pairs], axis=1))
    most = (true_pairs + guessed_pairs) / 2
    return np.divide(together - by_chance, most - by_chance, out=np.ones(len(sums)), where=most != by_chance)


def _normalised_information(sums: np.ndarray) -> np.ndarray:
    """NMI; sums are the items' shares of the mutual information and of the two entropies."""
    information, true_entropy, guessed_entropy = sums.T
    entropies = true_entropy + guessed_entropy
    return np.divide(2 * information, entropies, out=np.ones(len(sums)), where=entropies > 0)


def ratio(sums: np.ndarray) -> np.ndarray:
    """First sum over the second [B]; NaN where the second is 0."""
    return np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)


def as_measure(metric: Callable[..., Any], arrays: tuple[np.ndarray, ...], settings: dict[str, Any]) -> Measure | None:
    """The fast form of a metric on these arrays, or None where it has none."""
    make = _MEASURES.get(metric)
    return make(*arrays, **settings) if make else None


def _mean(values: np.ndarray) -> Sums:
    return Sums(np.stack([values, np.ones(len(values))], axis=1).astype(np.float64), ratio)


def _accuracy(truth: np.ndarray, predicted: np.ndarray) -> Sums:
    return _mean(truth == predicted)


def _top_k(truth: np.ndarray, scores: np.ndarray, k: int) -> Sums:
    return _mean(metrics.top_k_hits(truth, scores, k))


def _recall_at_k(ranks: np.ndarray, k: int) -> Sums:
    return _mean(ranks < k)


def _f1(relevant: np.ndarray, answered: np.ndarray) -> Sums:
    hits, sizes = 2.0 * (relevant & answered), relevant.astype(np.float64) + answered
    if relevant.ndim == 2:
        hits, sizes = hits.sum(axis=1), sizes.sum(axis=1)
    return Sums(np.stack([hits, sizes], axis=1), lambda sums: np.nan_to_num(ratio(sums)))


def _mean_f1(sums: np.ndarray) -> np.ndarray:
    """Mean F1 over the classes that occur in a resample; sums are [B, 2C]: hits, then sizes."""
    hits, sizes = np.split(sums, 2, axis=1)
    occurs = sizes > 0
    each = np.divide(2 * hits, sizes, out=np.zeros_like(hits), where=occurs)
    num = occurs.sum(axis=1)
    return np.divide(each.sum(axis=1), num, out=np.full(len(sums), np.nan), where=num > 0)


def _macro_f1(truth: np.ndarray, predicted: np.ndarray) -> Sums:
    classes, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    true, guessed, rows = codes[: len(truth)], codes[len(truth) :], np.arange(len(truth))
    hits = rows[true == guessed]
    columns = np.concatenate([true[hits], len(classes) + true, len(classes) + guessed])
    places = np.concatenate([hits, rows, rows])
    shape = (len(truth), 2 * len(classes))
    return Sums(sparse.csr_matrix((np.ones(len(places)), (places, columns)), shape=shape), _mean_f1)


def _macro_f1_multilabel(truth: np.ndarray, answered: np.ndarray) -> Sums:
    sizes = truth.astype(np.float64) + answered
    return Sums(sparse.csr_matrix(np.concatenate([truth & answered, sizes], axis=1)), _mean_f1)


def _average_precision(relevant: np.ndarray, scores: np.ndarray) -> Ranked:
    def finish(rows: np.ndarray, hits: np.ndarray) -> np.ndarray:
        precision = np.divide(hits, rows, out=np.zeros_like(hits), where=rows > 0)
        gained = np.diff(hits, axis=1, prepend=0.0)
        return ratio(np.stack([(precision * gained).sum(axis=1), hits[:, -1]], axis=1))

    return Ranked(relevant.astype(bool), scores, finish)


def _recall_at_precision(relevant: np.ndarray, scores: np.ndarray, precision: float) -> Ranked:
    def finish(rows: np.ndarray, hits: np.ndarray) -> np.ndarray:
        enough = (rows > 0) & (hits >= (precision - 1e-12) * rows)
        return ratio(np.stack([np.where(enough, hits, 0).max(axis=1), hits[:, -1]], axis=1))

    return Ranked(relevant.astype(bool), scores, finish)


def _coverage_at_precision(correct: np.ndarray, confidences: np.ndarray, precision: float) -> Ranked:
    def finish(rows: np.ndarray, hits: np.ndarray) -> np.ndarray:
        enough = (rows > 0) & (hits >= (precision - 1e-12) * rows)
        return ratio(np.stack([np.where(enough, rows, 0).max(axis=1), rows[:, -1]], axis=1))

    return Ranked(correct.astype(bool), confidences, finish)


def _calibration_error(
    correct: np.ndarray, confidences: np.ndarray, *, num_bins: int = 15, adaptive: bool = False
) -> Sums | None:
    """Bins of equally many rows are others on each resample: they have no fast form."""
    if adaptive:
        return None
    bins = np.clip(np.ceil(confidences.astype(np.float64) * num_bins).astype(np.int64) - 1, 0, num_bins - 1)
    gaps = np.zeros((len(correct), num_bins + 1))
    gaps[np.arange(len(correct)), bins] = confidences - correct.astype(np.float64)
    gaps[:, -1] = 1

    def finish(sums: np.ndarray) -> np.ndarray:
        return ratio(np.stack([np.abs(sums[:, :-1]).sum(axis=1), sums[:, -1]], axis=1))

    return Sums(gaps, finish)


def _recall_at_budget(relevant: np.ndarray, scores: np.ndarray, budget: float) -> Ranked:
    def finish(rows: np.ndarray, hits: np.ndarray) -> np.ndarray:
        looks = [metrics.num_reviewed(num_rows, budget) for num_rows in rows[:, -1].tolist()]
        seen = [np.interp(n, np.append(0, r), np.append(0, h)) for n, r, h in zip(looks, rows, hits, strict=True)]
        return ratio(np.stack([np.array(seen), hits[:, -1]], axis=1))

    return Ranked(relevant.astype(bool), scores, finish)


_MEASURES: dict[Callable[..., Any], Callable[..., Measure | None]] = {
    metrics.mean: _mean,
    metrics.accuracy: _accuracy,
    metrics.top_k_accuracy: _top_k,
    metrics.recall_at_k: _recall_at_k,
    metrics.f1: _f1,
    metrics.micro_f1: _f1,
    metrics.macro_f1: _macro_f1,
    metrics.macro_f1_multilabel: _macro_f1_multilabel,
    metrics.average_precision: _average_precision,
    metrics.recall_at_precision: _recall_at_precision,
    metrics.coverage_at_precision: _coverage_at_precision,
    metrics.expected_calibration_error: _calibration_error,
    metrics.recall_at_budget: _recall_at_budget,
}
