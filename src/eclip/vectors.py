"""Vectors between numpy (NaN rows where missing) and Arrow (null)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def vectors_to_arrow(matrix: np.ndarray, *, is_float16: bool = False) -> pa.FixedSizeListArray:
    """[N, D] float32 -> N fixed-size lists of float32, or of float16; null for NaN rows."""
    missing = np.isnan(matrix[:, 0]) if len(matrix) else np.zeros(0, dtype=bool)
    values = pa.array(np.where(missing[:, None], 0, matrix).astype(np.float16 if is_float16 else np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(values, matrix.shape[1], mask=pa.array(missing))


def vectors_from_arrow(column: pa.ChunkedArray) -> np.ndarray:
    """N lists of one length, fixed-size or not -> [N, D] float32; NaN rows for nulls, D = 0 without any."""
    array = column.combine_chunks()
    present = np.asarray(array.is_valid())
    values = np.asarray(array.drop_null().flatten(), dtype=np.float32)
    fixed = pa.types.is_fixed_size_list(array.type)
    embed_dim = array.type.list_size if fixed else len(values) // max(int(present.sum()), 1)
    matrix = np.full((len(array), embed_dim), np.nan, dtype=np.float32)
    matrix[present] = values.reshape(int(present.sum()), embed_dim)
    return matrix
