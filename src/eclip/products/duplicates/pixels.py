"""Whether two pictures are one picture, cropped by a hair or encoded again: the last word on near listings.

A 64-bit hash sees grey shapes only: two ties of one brand, or one shirt in two colours, are within a few bits.
Here both are reduced to 24 x 24 colour cells and laid over each other: the small shift and stretch that best
explain their difference are found by least squares (Lucas and Kanade: An iterative image registration
technique, 1981; one affine step), and what remains must be small, also where it is largest.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np

_SIDE = 24  # cells
CELLS_SHAPE = (_SIDE, _SIDE, 3)
_MEAN_LEFT = 6.0  # of 255, over all cells
_MOST_LEFT = 40.0  # of 255, in the sixth worst cell
_SHARE_LEFT = 0.03  # of the picture's variance
_MOVE = 1.0  # cells


def same_picture(one: bytes, two: bytes) -> bool:
    """Whether two encoded pictures of the store show the same shot.

    Raises:
        OSError: One of them can't be decoded; pictures of a store always can.
    """
    return cells_agree(picture_cells(one), picture_cells(two))


def cells_agree(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether [S, S, 3] cells of two pictures agree once one is laid over the other."""
    one, two = one.astype(np.float64), two.astype(np.float64)
    middle = (one + two) / 2
    down, right = np.gradient(middle, axis=(0, 1))
    y, x = _axes()
    moves = np.stack(
        [(slope * factor).ravel() for slope in (right, down) for factor in (np.ones_like(x), x, y)], axis=1
    )
    apart = (two - one).ravel()
    move = np.linalg.lstsq(moves, apart, rcond=None)[0]
    left = np.abs(apart - moves @ move)
    cells = np.sort(left.reshape(-1, 3).mean(axis=1))
    spread = float(((middle - middle.mean()) ** 2).sum())
    return bool(
        np.abs(move).max() <= _MOVE
        and cells.mean() <= _MEAN_LEFT
        and cells[-6] <= _MOST_LEFT
        and (left**2).sum() <= _SHARE_LEFT * (spread + 1)
    )


@cache
def _axes() -> tuple[np.ndarray, np.ndarray]:
    """[S, S, 1] from -1 to 1, down and right."""
    axis = np.linspace(-1, 1, _SIDE)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return y[..., None], x[..., None]


def picture_cells(encoded: bytes) -> np.ndarray:
    """[S, S, 3] uint8 colour cells of an encoded picture: what two pictures are compared by, 1.7 kB.

    Raises:
        OSError: It can't be decoded; pictures of a store always can.
    """
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as picture:
        return cells_of(picture.convert("RGB"))


def cells_of(picture: Any) -> np.ndarray:
    """[S, S, 3] uint8 colour cells of a decoded RGB picture."""
    from PIL import Image

    return np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS))
