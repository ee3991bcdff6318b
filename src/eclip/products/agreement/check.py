"""Second look at a store's pairs with a model: fills `pair_score` and `weight`, in one new version of the data."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from eclip.errors import StoreError
from eclip.products.agreement.calibrate import Calibration, separation
from eclip.products.agreement.information import cross_fitted_information
from eclip.products.agreement.upkeep import count_pairs, placeholder_pairs, score_columns
from eclip.products.agreement.words import said_topics
from eclip.products.dataset import forget_old_versions, put_columns
from eclip.products.manifest import DATASET_VERSION, PAIRS_CHECK, write_manifest
from eclip.products.report.page import write_store_report
from eclip.products.store import Store
from eclip.progress import stage
from eclip.schema import PRODUCTS_DATASET

MIN_PAIRS = 200
MIN_SEPARATION = 0.75  # below it a model can't tell a listing's own picture from a stranger's often enough to judge
DROP_BELOW = 0.5  # more probably wrong than right

_COLUMNS = ("product_id", "title", "image_hash", "category", "loss_group", "review_flags")
_SEED = 0  # of folds and draws: the same store and model, the same scores

PictureVectors = Callable[[Store], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class CheckSummary:
    """What a check of the pairs found."""

    model: str
    """Digest of the model that looked."""
    pairs_scored: int
    down_weighted: int
    """Pairs that count less in the loss, though they count."""
    dropped: int
    """Pairs that are more probably wrong than right: weight 0."""
    placeholders: int
    """Pairs whose picture stands under many different products: weight 0."""
    unscored: int
    """Pairs that came or changed since then: they count fully until the next check."""
    wrong_share: float
    """Estimated share of wrong pairs among those scored."""
    separation: float
    """How often a listing's own picture is found likelier than a stranger's; .5 = the model can't tell."""
    seconds: float


def check_pairs(store: Store, picture_vectors: PictureVectors, *, model_digest: str) -> CheckSummary:
    """Score how well picture and title of each listing agree, and weigh the pairs of the loss by it.

    Args:
        store: A finished store; it moves on to the new version.
        picture_vectors: Vectors [N, D] of the main pictures of a store's rows, NaN rows where there is none.
        model_digest: Digest of the model that makes them.

    Raises:
        StoreError: There are too few pairs or different products, or the model can't tell own pictures from
            strangers', or another command changes the store.
        DiskError: The disk is full.
    """
    started = time.monotonic()
    table = store.table(_COLUMNS)
    rows = table.select(["title", "category", "loss_group"]).to_pydict()
    paired, placeholders = table["title"].is_valid().to_numpy(), placeholder_pairs(table)
    vectors = picture_vectors(store)
    has_picture = ~np.isnan(vectors[:, 0]) if vectors.size else np.zeros(len(paired), dtype=bool)
    pairs = np.flatnonzero(paired & ~placeholders & has_picture)
    _require_pairs(store, len(pairs), int(paired.sum()), int(has_picture.sum()))
    with stage("Checking pairs", len(pairs), unit="pairs") as advance:
        some = {name: [values[row] for row in pairs] for name, values in rows.items()}
        judged = score_pairs(vectors[pairs], some["title"], some["category"], some["loss_group"])
        advance(len(pairs))
    _require_separation(judged.separation, model_digest)
    all_scores = np.full(len(paired), np.nan, dtype=np.float32)
    all_scores[pairs], all_scores[placeholders] = judged.scores, 0
    columns = score_columns(all_scores, pair_weights(all_scores))
    summary = CheckSummary(
        model=model_digest,
        **count_pairs(
            table.append_column("pair_score", columns["pair_score"]).append_column("weight", columns["weight"])
        ),
        wrong_share=round(judged.wrong_share, 4),
        separation=round(judged.separation, 4),
        seconds=round(time.monotonic() - started, 2),
    )
    _write(store, columns, summary)
    return summary


@dataclass(frozen=True)
class Judged:
    """Pairs judged.

    Attributes:
        scores: Probability [N] float32 that picture and words belong together.
        wrong_share: Estimated share of wrong pairs.
        separation: How often a listing's own picture is likelier than a stranger's; .5 = the vectors tell nothing.
    """

    scores: np.ndarray
    wrong_share: float
    separation: float


def score_pairs(
    vectors: np.ndarray, titles: Sequence[str], categories: Sequence[Sequence[str] | None], groups: Sequence[int]
) -> Judged:
    """Judge each pair by what other listings show.

    Listings without a category are calibrated for themselves, where there are enough, and strangers to compare them
    with: a guessed one proves less.

    Args:
        vectors: Of the pictures, [N, D].
        titles: N of them.
        categories: N paths, or None.
        groups: Loss groups, N of them.

    Raises:
        StoreError: Nearly all are of a few groups: there are no strangers to compare with.
    """
    words = said_topics(titles, categories, seed=_SEED)
    own, strange = cross_fitted_information(vectors, words, np.asarray(groups), seed=_SEED)
    met = (~np.isnan(strange)).sum(axis=1)
    if met.sum() < MIN_PAIRS:
        raise StoreError(
            f"the {len(own)} listings with title and picture are of {len(set(groups))} different products as far as "
            "titles, pictures and catalogs tell; expected enough others to compare each with (--check-with)"
        )
    given = np.array([bool(path) for path in categories], dtype=bool)
    apart = all(part.sum() >= MIN_PAIRS and met[part].sum() >= MIN_PAIRS for part in (given, ~given))
    parts = [given, ~given] if apart else [np.ones(len(own), dtype=bool)]
    scores = np.full(len(own), np.nan)
    wrong = 0.0
    for part in parts:
        against = strange[part]
        calibration = Calibration.fit(own[part], against[~np.isnan(against)])
        scores[part] = calibration.probability(own[part])
        wrong += calibration.wrong_share * float(part.mean())
    return Judged(scores.astype(np.float32), wrong, separation(own, strange[~np.isnan(strange)]))


def pair_weights(scores: np.ndarray) -> np.ndarray:
    """Weight [N] float32 of pairs in the loss: their probability to be right, 0 below one half, 1 where unknown."""
    weights = np.where(scores < DROP_BELOW, 0, scores)
    return np.where(np.isnan(scores), 1, weights).astype(np.float32)


def _require_pairs(store: Store, num_pairs: int, titles: int, pictures: int) -> None:
    """Refuse to judge by too few pairs.

    Raises:
        StoreError: There are fewer than `MIN_PAIRS`.
    """
    if num_pairs < MIN_PAIRS:
        raise StoreError(
            f"{store.place}: {num_pairs} listings have both a title and a picture of their own ({titles} have a title, "
            f"{pictures} a picture); expected at least {MIN_PAIRS} to tell which pairs are wrong (--check-with)"
        )


def _require_separation(found: float, model_digest: str) -> None:
    """Refuse a model that can't tell.

    Raises:
        StoreError: Own pictures seldom score above strangers'.
    """
    if found < MIN_SEPARATION:
        raise StoreError(
            f"the model {model_digest} tells a listing's own picture from a stranger's in "
            f"{found:.0%} of cases (50 % is chance); expected at least {MIN_SEPARATION:.0%} to judge "
            "pairs by it: train it longer, or check with another model"
        )


def _write(store: Store, columns: pa.Table, summary: CheckSummary) -> None:
    """Put both columns in place of the old ones; the manifest, written last, makes them count."""
    dataset = store.place.dataset(PRODUCTS_DATASET)
    with store.changing():
        version = put_columns(dataset, columns, version=store.manifest[DATASET_VERSION])
        manifest: dict[str, Any] = {**store.manifest, DATASET_VERSION: version, PAIRS_CHECK: asdict(summary)}
        write_manifest(store.place, manifest)
        store.manifest = manifest
        write_store_report(store)
        forget_old_versions(dataset, version)
