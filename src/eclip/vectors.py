"""Vectors between numpy (NaN rows where missing) and Arrow (null)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def vectors_to_arrow(matrix: np.ndarray) -> pa.FixedSizeListArray:
    """[N, D] float32 -> N fixed-size lists; null for NaN rows."""
    missing = np.isnan(matrix[:, 0]) if len(matrix) else np.zeros(0, dtype=bool)
    values = pa.array(np.where(missing[:, None], 0, matrix).astype(np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(values, matrix.shape[1], mask=pa.array(missing))


def vectors_from_arrow(column: pa.ChunkedArray) -> np.ndarray:
    """N fixed-size lists -> [N, D] float32; NaN rows for nulls."""
    embed_dim = column.type.list_size
    matrix = np.full((len(column), embed_dim), np.nan, dtype=np.float32)
    place = 0
    for chunk in column.chunks:
        present = np.asarray(chunk.is_valid())
        block = matrix[place : place + len(chunk)]
        block[present] = chunk.drop_null().flatten().to_numpy(zero_copy_only=False).reshape(-1, embed_dim)
        place += len(chunk)
    return matrix
