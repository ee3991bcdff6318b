"""A transparent canvas of 100 x 100 units on which products are drawn, and the light that falls on them.

Shapes are drawn flat at twice the final size. The finish scales them down and lights the whole silhouette
as if its rim were rounded: that makes a flat drawing look like a thing, at the price of one blur.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int]
Point = tuple[float, float]
Paint = Any  # a Colour, a Colour with alpha, or an RGB picture of the canvas's size (a texture)

FINAL_SIZE = 192  # pixels of a finished drawing
CANVAS_SIZE = 2 * FINAL_SIZE
UNIT = CANVAS_SIZE / 100  # pixels in one unit of the canvas
_NEUTRAL = 128  # of the light layer: neither lit nor shaded


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours; `share` of the second."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(first, second, strict=True))
    return r, g, b


def darker(colour: Colour, share: float = 0.3) -> Colour:
    """The colour in shade."""
    return mix(colour, (0, 0, 0), share)


def lighter(colour: Colour, share: float = 0.3) -> Colour:
    """The colour in light."""
    return mix(colour, (255, 255, 255), share)


def mirror(half: Sequence[Point]) -> list[Point]:
    """Close a left half, given from top to bottom, into an outline symmetric about x = 50."""
    return [*half, *((100 - x, y) for x, y in reversed(half))]


def box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    """Corners of an upright rectangle."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def oval(x: float, y: float, rx: float, ry: float, *, start: float = 0, end: float = 360) -> list[Point]:
    """Points of an ellipse or an arc of it, clockwise from 3 o'clock, in degrees."""
    steps = max(8, int(abs(end - start) / 9))
    turns = (math.radians(start + (end - start) * i / steps) for i in range(steps + 1))
    return [(x + rx * math.cos(t), y + ry * math.sin(t)) for t in turns]


def rounded(points: Sequence[Point], radius: float, *, closed: bool = True) -> list[Point]:
    """Cut each corner by a quadratic curve that starts `radius` units before it (at most half an edge)."""
    if radius <= 0 or len(points) < 3:
        return list(points)
    out: list[Point] = []
    last = len(points) - 1
    for i, (x, y) in enumerate(points):
        if not closed and i in (0, last):
            out.append((x, y))
            continue
        before, after = points[i - 1], points[(i + 1) % len(points)]
        a, b = _towards((x, y), before, radius), _towards((x, y), after, radius)
        for t in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
            p, q, r = (1 - t) ** 2, 2 * t * (1 - t), t**2
            out.append((p * a[0] + q * x + r * b[0], p * a[1] + q * y + r * b[1]))
    return out


def _towards(start: Point, end: Point, distance: float) -> Point:
    length = math.dist(start, end)
    share = min(0.5, distance / length) if length > 0 else 0.0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


@lru_cache(maxsize=32)
def font(size: int) -> Any:
    """Pillow's own font, so that no font of the machine changes a drawing."""
    return ImageFont.load_default(size)


class Canvas:
    """Where one product is drawn; later shapes cover earlier ones."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (CANVAS_SIZE, CANVAS_SIZE), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)
        self._light = Image.new("L", (FINAL_SIZE, FINAL_SIZE), _NEUTRAL)
        self._light_draw = ImageDraw.Draw(self._light)

    def fill(
        self,
        points: Sequence[Point],
        paint: Paint,
        *,
        radius: float = 1.0,
        edge: Colour | None = None,
        edge_width: float = 0.7,
    ) -> None:
        """Fill an outline whose corners are rounded by `radius`; `edge` draws its rim."""
        outline = [(x * UNIT, y * UNIT) for x, y in rounded(points, radius)]
        if isinstance(paint, Image.Image):
            xs, ys = [x for x, _ in outline], [y for _, y in outline]
            left, top = max(0, int(min(xs))), max(0, int(min(ys)))
            right, bottom = min(CANVAS_SIZE, int(max(xs)) + 2), min(CANVAS_SIZE, int(max(ys)) + 2)
            if right <= left or bottom <= top:
                return
            mask = Image.new("1", (right - left, bottom - top))
            ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in outline], fill=1)
            self.image.paste(paint.crop((left, top, right, bottom)), (left, top), mask)
        else:
            self._draw.polygon(outline, fill=_rgba(paint))
        if edge is not None:
            self._stroke([*outline, outline[0]], edge, edge_width)

    def oval(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        paint: Paint,
        *,
        edge: Colour | None = None,
        edge_width: float = 0.7,
    ) -> None:
        """Fill an ellipse about (x, y)."""
        self.fill(oval(x, y, rx, ry), paint, radius=0, edge=edge, edge_width=edge_width)

    def line(self, points: Sequence[Point], colour: Colour, width: float, *, radius: float = 0.0) -> None:
        """Draw an open line with round ends."""
        path = [(x * UNIT, y * UNIT) for x, y in rounded(points, radius, closed=False)]
        self._stroke(path, colour, width)
        half = width * UNIT / 2
        if half >= 2:
            for x, y in (path[0], path[-1]):
                self._draw.ellipse((x - half, y - half, x + half, y + half), fill=_rgba(colour))

    def word(self, text: str, x: float, y: float, size: float, colour: Colour) -> None:
        """Write a short text centred at (x, y), `size` units high."""
        self._draw.text((x * UNIT, y * UNIT), text, _rgba(colour), font(int(size * UNIT)), anchor="mm")

    def shade(self, points: Sequence[Point], amount: float, *, width: float | None = None) -> None:
        """Light (amount > 0) or shade (amount < 0) an area, or with `width` a fold, softly; -1..1."""
        path = [(x * UNIT / 2, y * UNIT / 2) for x, y in points]
        value = round(_NEUTRAL * (1 + amount))
        if width is None:
            self._light_draw.polygon(path, fill=value)
        else:
            self._light_draw.line(path, value, max(1, round(width * UNIT / 2)), joint="curve")

    def finish(self, *, gloss: float, relief: float = 1.0) -> Image.Image:
        """The finished drawing, RGBA of FINAL_SIZE, lit from the upper left.

        Args:
            gloss: Strength of the bright rim that smooth materials show, 0..1.
            relief: How round the silhouette is lit; 0 leaves it flat.
        """
        small = self.image.reduce(2)
        alpha = small.getchannel("A")
        soft = np.asarray(alpha.filter(ImageFilter.GaussianBlur(5)), np.float32) / 255
        slope = np.zeros_like(soft)  # > 0 where the silhouette rises towards the light
        slope[3:-3, 3:-3] = soft[6:, 6:] - soft[:-6, :-6]
        light = np.asarray(self._light.filter(ImageFilter.GaussianBlur(1.6)), np.float32) / _NEUTRAL
        light *= 1 + relief * np.where(slope > 0, 0.28, 0.5) * slope
        shine = (255 * gloss) * np.clip(slope - 0.25, 0, None)
        colour = np.asarray(small, np.float32)[..., :3] * light[..., None] + shine[..., None]
        pixels = np.dstack([np.clip(colour, 0, 255).astype(np.uint8), np.asarray(alpha)])
        return Image.fromarray(pixels)

    def _stroke(self, path: Sequence[Point], colour: Colour, width: float) -> None:
        self._draw.line(path, _rgba(colour), max(1, round(width * UNIT)), joint="curve")


def _rgba(paint: Paint) -> tuple[int, ...]:
    return tuple(paint) if len(paint) == 4 else (*paint, 255)
