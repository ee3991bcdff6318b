"""Boxes in a picture: how they overlap, and which of those that overlap are kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float64]
"""[n, 4]: left, top, right, bottom in pixels; right and bottom are the first beyond."""


def box_areas(boxes: Boxes) -> npt.NDArray[np.float64]:
    """Pixels in each box [n, 4] -> [n]."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def shared_areas(first: Boxes, second: Boxes) -> npt.NDArray[np.float64]:
    """Pixels that lie in both: [n, 4] and [m, 4] -> [n, m]."""
    least = np.maximum(first[:, None, :2], second[None, :, :2])
    most = np.minimum(first[:, None, 2:], second[None, :, 2:])
    return np.prod(np.clip(most - least, 0, None), axis=2)


def overlaps(first: Boxes, second: Boxes) -> npt.NDArray[np.float64]:
    """Intersection over union: [n, 4] and [m, 4] -> [n, m], 0 to 1."""
    shared = shared_areas(first, second)
    union = box_areas(first)[:, None] + box_areas(second)[None, :] - shared
    return shared / np.maximum(union, 1e-12)


def distinct_boxes(boxes: Boxes, *, max_overlap: float, max_boxes: int) -> list[int]:
    """Places of boxes, in order, that overlap none kept before them by more than `max_overlap`; at most `max_boxes`.

    What the field calls non-maximum suppression, the boxes given best first.
    """
    kept: list[int] = []
    for place, box in enumerate(boxes):
        if len(kept) == max_boxes:
            break
        if not kept or overlaps(box[None], boxes[kept]).max() <= max_overlap:
            kept.append(place)
    return kept
