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
        typical: What stands for a missing half.
    """

    products: Vectors
    pictures: Vectors
    typical: Typical

    @classmethod
    def of(cls, table: pa.Table, typical: Typical | None = None) -> Spaces:
        """Of a store's `image_embedding` and `text_embedding`.

        Args:
            table: With these columns.
            typical: What stands for a missing half; None = the mean of the table's own.
        """
        pictures, titles = unit_matrix(table.column("image_embedding")), unit_matrix(table.column("text_embedding"))
        typical = typical or Typical.of(pictures, titles)
        products = comparable_products(pictures, titles, typical)
        bare = ~present_rows(pictures)
        pictures[bare] = products[bare]
        return cls(products, pictures, typical)


@dataclass(frozen=True)
class Typical:
    """The mean picture [D] and the mean title [D] of a store; zeros where nobody has one."""

    picture: Vectors
    title: Vectors

    @classmethod
    def of(cls, pictures: Vectors, titles: Vectors) -> Typical:
        """Of unit rows [N, D] each, NaN where missing."""
        return cls(_mean_row(pictures), _mean_row(titles))


def comparable_products(pictures: Vectors, titles: Vectors, typical: Typical | None = None) -> Vectors:
    """Product vectors [N, D] that a query may be compared with; NaN where a listing has neither half.

    Pictures and titles lie in cones of their own, so a title alone is nearer to every text query than a title
    with its picture, and would stand before all of them. A missing half is therefore the mean of the others'.
    """
    typical = typical or Typical.of(pictures, titles)
    has_picture, has_title = present_rows(pictures), present_rows(titles)
    products = np.where(has_picture[:, None], pictures, typical.picture)
    products += np.where(has_title[:, None], titles, typical.title)
    products[~(has_picture | has_title)] = np.nan
    return unit_rows(products)


def _mean_row(matrix: Vectors) -> Vectors:
    present = present_rows(matrix)
    return matrix[present].mean(axis=0) if present.any() else np.zeros(matrix.shape[1], np.float32)


def present_rows(matrix: Vectors) -> npt.NDArray[np.bool_]:
    """Which rows of a matrix [N, D] hold a vector: [N]."""
    return np.asarray(np.isfinite(matrix).all(axis=1))


def unit_rows(matrix: Vectors) -> Vectors:
    """Rows of length 1; NaN where a row is broken or zero."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    lengths[~(np.isfinite(lengths) & (lengths > 0))] = np.nan
    return matrix / lengths


def unit_matrix(column: pa.ChunkedArray) -> Vectors:
    """A column of fixed-size lists as unit rows [N, D] float32; NaN where it is null, broken or zero."""
    return unit_rows(vectors_from_arrow(column))
