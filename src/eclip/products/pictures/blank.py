"""Near-blank pictures: white, one colour or a gradient, with nothing on it to learn from. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

_SIDE = 24  # pixels; a side is reduced to between this and its double
_MAX_RESIDUAL = 1.0  # grey levels, root mean square over pixels and colours
_MAX_DEVIATION = 6.0  # grey levels at any pixel: white lace on light grey deviates by 9
_MAX_STEP = 48  # grey levels between neighbours: no smooth surface within 0..255 steps so far


def is_near_blank(image: Any) -> bool:
    """Whether an RGB picture is nothing but a smooth background.

    A quadratic surface is fitted to each colour (white, one colour, linear and round gradients are such);
    what remains must be small everywhere.
    """
    reduced = image.reduce(tuple(max(1, side // _SIDE) for side in image.size))
    levels = np.frombuffer(reduced.tobytes(), np.uint8).reshape(reduced.height, reduced.width, 3).astype(np.int16)
    if any(np.abs(np.diff(levels, axis=axis)).max(initial=0) > _MAX_STEP for axis in (0, 1)):
        return False
    flat = levels.reshape(-1, 3).astype(np.float32)
    basis = _surface_basis(*levels.shape[:2])
    residual = flat - basis @ (basis.T @ flat)
    return bool(np.abs(residual).max() <= _MAX_DEVIATION and np.sqrt((residual**2).mean()) <= _MAX_RESIDUAL)


@lru_cache(maxsize=256)
def _surface_basis(height: int, width: int) -> np.ndarray:
    """Orthonormal basis [H * W, 6] of the quadratic surfaces over a picture (fewer where it has fewer pixels)."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    surfaces = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    left, singular, _ = np.linalg.svd(surfaces, full_matrices=False)
    return left[:, singular > 1e-6 * singular[0]].astype(np.float32)
