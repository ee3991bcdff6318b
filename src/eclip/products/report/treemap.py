"""A squarified treemap: areas in proportion to counts, rectangles as square as they can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle: left, top, width and height in the units of the whole."""

    left: float
    top: float
    width: float
    height: float


def treemap(sizes: Sequence[float], whole: Box) -> list[Box]:
    """One rectangle for each size, in order.

    Rows are filled along the shorter side as long as that makes their worst rectangle squarer (Bruls, Huizing and
    van Wijk, "Squarified treemaps", 2000).

    Args:
        sizes: Above 0, largest first.
        whole: What they fill.
    """
    if not sizes:
        return []
    scale = whole.width * whole.height / sum(sizes)
    areas = [size * scale for size in sizes]
    boxes: list[Box] = []
    rest, start = whole, 0
    while start < len(areas):
        side = min(rest.width, rest.height)
        end = start + 1
        while end < len(areas) and _worst(areas[start : end + 1], side) <= _worst(areas[start:end], side):
            end += 1
        row, rest = _lay_row(areas[start:end], rest)
        boxes += row
        start = end
    return boxes


def _worst(areas: Sequence[float], side: float) -> float:
    """The largest ratio of sides in a row of these areas along a side."""
    total = sum(areas)
    return max(max(side**2 * area / total**2, total**2 / (side**2 * area)) for area in areas)


def _lay_row(areas: Sequence[float], rest: Box) -> tuple[list[Box], Box]:
    """Lay a row along the shorter side; returns it and what is left."""
    total, boxes = sum(areas), []
    if rest.width >= rest.height:
        width, top = total / rest.height, rest.top
        for area in areas:
            boxes.append(Box(rest.left, top, width, area / width))
            top += area / width
        return boxes, Box(rest.left + width, rest.top, rest.width - width, rest.height)
    height, left = total / rest.width, rest.left
    for area in areas:
        boxes.append(Box(left, rest.top, area / height, height))
        left += area / height
    return boxes, Box(rest.left, rest.top + height, rest.width, rest.height - height)
