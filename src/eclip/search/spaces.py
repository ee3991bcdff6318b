"""The two spaces of unit vectors that are searched: products for words, pictures for pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eclip.vectors import vectors_from_arrow

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Spaces:
    """What queries are compared with.

    Attributes:
        products: [N, D] unit rows, picture and title together; NaN where a listing has neither.
        pictures: [N, D] unit rows. A picture is best sought among pictures; a listing without one keeps a chance by its
            product vector.
    """

    products: Vectors
    pictures: Vectors

    @classmethod
    def of(cls, table: pa.Table) -> Spaces:
        """Of a store's `image_embedding` and `text_embedding`."""
        pictures = unit_matrix(table.column("image_embedding"))
        products = comparable_products(pictures, unit_matrix(table.column("text_embedding")))
        bare = ~np.isfinite(pictures).all(axis=1)
        pictures[bare] = products[bare]
        return cls(products, pictures)


def comparable_products(pictures: Vectors, titles: Vectors) -> Vectors:
    """Product vectors [N, D] that a query may be compared with; NaN where a listing has neither half.

    Pictures and titles lie in cones of their own, so a title alone is nearer to every text query than a title
    with its picture, and would stand before all of them. A missing half is therefore the mean of the others'.
    """
    return unit_rows(_with_typical_rows(pictures, titles) + _with_typical_rows(titles, pictures))


def unit_rows(matrix: Vectors) -> Vectors:
    """Rows of length 1; NaN where a row is broken or zero."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    lengths[~(np.isfinite(lengths) & (lengths > 0))] = np.nan
    return matrix / lengths


def unit_matrix(column: pa.ChunkedArray) -> Vectors:
    """A column of fixed-size lists as unit rows [N, D] float32; NaN where it is null, broken or zero."""
    return unit_rows(vectors_from_arrow(column))


def _with_typical_rows(vectors: Vectors, others: Vectors) -> Vectors:
    """`vectors`, with the mean row where only the other half is there."""
    present = np.isfinite(vectors).all(axis=1)
    filled = vectors.copy()
    if present.any():
        filled[~present & np.isfinite(others).all(axis=1)] = vectors[present].mean(axis=0)
    else:
        filled[:] = 0  # nobody has this half: the other one decides alone
    return filled
