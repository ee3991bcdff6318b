"""How far a continued model has moved: what `--init` changes for everything that holds vectors of the old one.

Cosines tell whether old and new vectors can still be compared with each other; neighbours tell whether answers change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eclip.console import say
from eclip.errors import ModelError
from eclip.model.encoder import Encoder, ProductVectors
from eclip.model.folder import load_model
from eclip.train.pairs import PAIRED, TrainingSource, read_pairs
from eclip.train.views import ViewsConfig

MOST_PRODUCTS = 1_000
TOP_K = 10
FEWEST_PRODUCTS = 2
PARTS = ("image", "text", "product")


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Old and new vectors of the same products against each other.

    Attributes:
        products: How many.
        mean_cosine: Between a product's old vector and its new one.
        low_cosine: The 5th percentile of these.
        neighbours_kept: Share of each product's nearest ten that are still among them; fewer where there are fewer.
    """

    products: int
    mean_cosine: float
    low_cosine: float
    neighbours_kept: float

    def __str__(self) -> str:
        return (
            f"cosine {self.mean_cosine:.3f}, 5th percentile {self.low_cosine:.3f}; "
            f"{self.neighbours_kept:.1%} of nearest {TOP_K} kept"
        )


def drift_between(old: np.ndarray, new: np.ndarray) -> Drift | None:
    """Compare vectors of the same products, [N, D] unit rows each, NaN rows where there is none; None without two."""
    both = ~np.isnan(old[:, 0]) & ~np.isnan(new[:, 0])
    old, new = old[both], new[both]
    if len(old) < FEWEST_PRODUCTS:
        return None
    cosines = (old * new).sum(axis=1)
    k = min(TOP_K, len(old) - 1)
    before, after = _nearest(old, k), _nearest(new, k)
    kept = (before[:, :, None] == after[:, None, :]).any(axis=2).mean()
    return Drift(
        products=len(old),
        mean_cosine=float(cosines.mean()),
        low_cosine=float(np.percentile(cosines, 5)),
        neighbours_kept=float(kept),
    )


def drift_since(init: Path, encoder: Encoder, store: TrainingSource, views: ViewsConfig = PAIRED) -> dict[str, Drift]:
    """How far an encoder has moved since the model that it began as: image, text and product -> drift.

    Measured on the same products each time, up to 1,000 of those that some view looks at and no model is trained on
    (validation, else test). Empty where there are none, or the old model is gone: a training is not lost by that.
    """
    pairs = next(
        (found for found in (read_pairs(store, split, views) for split in ("validation", "test")) if len(found)), None
    )
    if pairs is None:
        return {}
    chosen = np.sort(np.random.default_rng(0).permutation(len(pairs))[:MOST_PRODUCTS])
    titles, images = [pairs.titles[row] for row in chosen], store.images(pairs.rows[chosen].tolist())
    try:
        old = load_model(init).encode_products(titles, images)
    except ModelError as error:
        say(f"drift since {init} is not measured: {error}")
        return {}
    return _by_part(old, encoder.encode_products(titles, images))


def drift_facts(drifts: Mapping[str, Drift]) -> dict[str, float]:
    """Figures for a manifest and a model card, by name."""
    return {
        f"drift_{part}_{name}": round(value, 4) for part, drift in drifts.items() for name, value in vars(drift).items()
    }


def _by_part(old: ProductVectors, new: ProductVectors) -> dict[str, Drift]:
    found = {part: drift_between(getattr(old, part), getattr(new, part)) for part in PARTS}
    return {part: drift for part, drift in found.items() if drift is not None}


def _nearest(vectors: np.ndarray, k: int) -> np.ndarray:
    """The k rows nearest to each row, itself left out: [N, D] -> [N, k]."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    return np.argsort(-cosines, axis=1, kind="stable")[:, :k]
