"""How far the vectors of another engine are from torch's, and what is still the same model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LARGEST_DIFFERENCE = 1e-4  # of a number of a unit vector, in float32
LEAST_COSINE = 0.99  # of a vector to torch's, where precision was given up for speed


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What was found on a sample.

    Attributes:
        largest_difference: Of any number of any unit vector.
        least_cosine: Of any vector to its twin.
        rows: Vectors compared.
        is_float32: Whether full precision was promised.
    """

    largest_difference: float
    least_cosine: float
    rows: int
    is_float32: bool

    @property
    def holds(self) -> bool:
        """Whether it may be used in torch's place."""
        if self.is_float32:
            return self.largest_difference <= LARGEST_DIFFERENCE
        return self.least_cosine >= LEAST_COSINE

    def __str__(self) -> str:
        told = f"largest difference from torch {self.largest_difference:.1e}, least cosine {self.least_cosine:.4f}"
        return f"{told} on {self.rows} of a sample"

    @property
    def demand(self) -> str:
        """What was asked of it."""
        if self.is_float32:
            return f"a difference of {LARGEST_DIFFERENCE:.0e} at most"
        return f"a cosine of {LEAST_COSINE} at least"


def agreement(reference: np.ndarray, found: np.ndarray, *, is_float32: bool) -> Agreement:
    """Compare unit vectors [N, D] with torch's; rows that torch has none for (NaN) are left out.

    A row that is NaN on one side alone is a difference without bounds.
    """
    there = ~np.isnan(reference[:, 0])
    one, other = reference[there].astype(np.float64), found[there].astype(np.float64)
    if not len(one):
        return Agreement(largest_difference=0.0, least_cosine=1.0, rows=0, is_float32=is_float32)
    difference = float(np.abs(one - other).max())
    cosines = (one * other).sum(axis=1) / np.maximum(np.linalg.norm(other, axis=1), 1e-12)
    cosine = float(cosines.min())
    broken = np.isnan(difference) or np.isnan(cosine)
    return Agreement(
        largest_difference=np.inf if broken else difference,
        least_cosine=-1.0 if broken else cosine,
        rows=len(one),
        is_float32=is_float32,
    )


def recall_change(reference: np.ndarray, found: np.ndarray, queries: np.ndarray, found_queries: np.ndarray) -> float:
    """Recall@10 of query i for row i with the found vectors, less that with torch's.

    Args:
        reference: Torch's vectors of what is searched, [N, D].
        found: The other engine's.
        queries: Torch's vectors of what is asked, [N, D]; its row i belongs to row i.
        found_queries: The other engine's.
    """
    there = ~(np.isnan(reference[:, 0]) | np.isnan(queries[:, 0]))
    if not there.any():
        return 0.0
    return _recall(found_queries[there], found[there]) - _recall(queries[there], reference[there])


def _recall(queries: np.ndarray, rows: np.ndarray) -> float:
    """Share of queries whose own row is among the ten most similar ones."""
    scores = queries @ rows.T
    own = np.diag(scores)
    return float(((scores > own[:, None]).sum(axis=1) < 10).mean())
