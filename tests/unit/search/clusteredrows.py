"""Unit rows in clusters, some of them missing: what approximate indexes are tried on."""

from __future__ import annotations

import numpy as np

D, N = 16, 3_000


def clustered(num_rows: int, seed: int) -> np.ndarray:
    """Rows [num_rows, D] around forty centres, the same ones for every seed."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((40, D))
    rows = (centres[rng.integers(40, size=num_rows)] + 0.5 * rng.standard_normal((num_rows, D))).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def with_gaps() -> np.ndarray:
    """N rows, NaN here and there."""
    rows = clustered(N, 1)
    rows[::97] = np.nan
    return rows
