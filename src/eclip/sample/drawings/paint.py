"""Colours, patterns and materials: from attribute values to what a shape is filled with."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from eclip.sample.drawings.canvas import CANVAS_SIZE, Colour, darker, lighter

COLOURS: dict[str, Colour] = {
    "black": (42, 42, 46),
    "white": (243, 242, 238),
    "grey": (142, 145, 150),
    "navy": (36, 48, 92),
    "blue": (52, 118, 206),
    "red": (203, 40, 46),
    "pink": (240, 152, 180),
    "orange": (238, 130, 40),
    "yellow": (245, 208, 62),
    "green": (58, 140, 82),
    "brown": (122, 78, 50),
    "beige": (218, 196, 162),
    "purple": (122, 76, 160),
}
GLOSS = {
    "leather": 0.35,
    "satin": 0.3,
    "metal": 0.7,
    "steel": 0.7,
    "ceramic": 0.5,
    "glass": 0.8,
    "plastic": 0.35,
    "aluminium": 0.55,
}


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a drawing function knows of its product: colours, texture, attribute values, its own dice."""

    base: Colour
    accent: Colour
    texture: Any  # RGB picture of the canvas's size: base colour, pattern and material
    values: Mapping[str, str]  # attribute name -> value
    details: Sequence[str]  # drawn extras: "pocket", "chest logo"
    mark: int  # which logo
    rng: Random  # the model's own: colour variants share it

    @property
    def edge(self) -> Colour:
        """Colour of outlines and seams; lifted on dark goods, or they would vanish."""
        return darker(self.base, 0.38) if sum(self.base) > 210 else lighter(self.base, 0.22)

    @property
    def inside(self) -> Colour:
        """Colour of what lies in the product's own shade."""
        return darker(self.base, 0.45)


def near_colour(name: str, rng: Random) -> Colour:
    """One product's own shade of a named colour, near enough that a person still says the name."""
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in COLOURS[name]))
    h = (h + rng.uniform(-0.012, 0.012)) % 1
    s = min(1.0, s * rng.uniform(0.88, 1.1))
    v = min(1.0, v * rng.uniform(0.92, 1.06))
    r, g, b = (round(255 * c) for c in colorsys.hsv_to_rgb(h, s, v))
    return r, g, b


def accent_for(name: str, rng: Random) -> tuple[str, Colour]:
    """A second colour that stands out from the first, with its name."""
    own = COLOURS[name]
    far = [other for other, c in COLOURS.items() if math.dist(own, c) > 120]
    likely = [c for c in ("white", "black", "navy", "beige", "red", "yellow") if c in far]
    chosen = rng.choice(likely if likely and rng.random() < 0.6 else far)
    return chosen, near_colour(chosen, rng)


def texture(base: Colour, accent: Colour, *, pattern: str, material: str, rng: Random) -> Any:
    """RGB picture of the canvas's size: `pattern` in two colours, as `material` shows it."""
    field = np.roll(_grain(material), (rng.randrange(CANVAS_SIZE), rng.randrange(CANVAS_SIZE)), (0, 1))
    drawn = _PATTERNS.get(pattern)
    if drawn is None:
        colour = np.array(base, np.float32)
    else:
        share = drawn(rng).astype(np.float32)[..., None]
        colour = np.array(base, np.float32) * (1 - share) + np.array(accent, np.float32) * share
    pixels = np.clip(colour * field[..., None], 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


@lru_cache(maxsize=1)
def _grid() -> tuple[np.ndarray, np.ndarray]:
    axis = np.arange(CANVAS_SIZE, dtype=np.float32) * (100 / CANVAS_SIZE)
    return np.meshgrid(axis, axis, indexing="ij")[1], np.meshgrid(axis, axis, indexing="ij")[0]


def _striped(rng: Random) -> np.ndarray:
    x, y = _grid()
    angle = math.radians(rng.choice((0, 0, 0, 90, 90, 45)))
    period, width = rng.uniform(4.5, 13), rng.uniform(0.22, 0.5)
    along = x * math.sin(angle) + y * math.cos(angle) + rng.uniform(0, period)
    return (along % period) < period * width


def _dotted(rng: Random) -> np.ndarray:
    x, y = _grid()
    period = rng.uniform(6, 12)
    radius = period * rng.uniform(0.2, 0.34)
    row = np.floor(y / period)
    dx = (x + (row % 2) * period / 2) % period - period / 2
    dy = y % period - period / 2
    return dx**2 + dy**2 < radius**2


def _checked(rng: Random) -> np.ndarray:
    x, y = _grid()
    period, width = rng.uniform(7, 15), rng.uniform(0.3, 0.5)
    across, down = (x % period) < period * width, (y % period) < period * width
    if rng.random() < 0.4:  # a thin over-check, as on tartans
        thin = ((x + period * 0.72) % period < 0.9) | ((y + period * 0.72) % period < 0.9)
        return np.maximum((across * 0.5 + down * 0.5), thin * 0.9)
    return across * 0.5 + down * 0.5


def _floral(rng: Random) -> np.ndarray:
    x, y = _grid()
    period, petals = rng.uniform(11, 19), rng.choice((4, 5, 6))
    size = period * rng.uniform(0.3, 0.42)
    row = np.floor(y / period)
    dx = (x + (row % 2) * period / 2) % period - period / 2
    dy = y % period - period / 2
    far, turn = np.hypot(dx, dy), np.arctan2(dy, dx) + row
    petal = size * (0.45 + 0.55 * np.abs(np.cos(turn * petals / 2)))
    return (far < petal) * np.where(far < size * 0.25, 0.35, 1.0)


_PATTERNS: dict[str, Callable[[Random], np.ndarray]] = {
    "striped": _striped,
    "dotted": _dotted,
    "checked": _checked,
    "floral": _floral,
}


@lru_cache(maxsize=32)
def _grain(material: str) -> np.ndarray:
    """How a material breaks up its colour: factors about 1, `[CANVAS_SIZE, CANVAS_SIZE]`."""
    x, y = _grid()
    rng = np.random.default_rng(sum(material.encode()))
    noise = rng.standard_normal((CANVAS_SIZE, CANVAS_SIZE)).astype(np.float32)
    if material == "denim":
        return 1 + 0.09 * np.sign(np.sin((x + y) * 4.2)) + 0.06 * noise
    if material in ("knit", "wool"):
        return 1 + 0.1 * np.sin(x * 3.3 + np.abs((y * 1.6) % 2 - 1) * 2.2) + 0.04 * noise
    if material in ("leather", "suede"):
        return 1 + 0.022 * _smooth(noise, 3) + 0.02 * noise
    if material in ("satin", "silk"):
        return 1 + 0.09 * np.sin(x * 0.42 + 0.25 * y + 1.3 * np.sin(y * 0.11))
    if material in ("oak", "walnut", "pine", "wood"):
        rings = np.sin(y * 2.4 + 2.2 * np.sin(x * 0.07) + 1.5 * _smooth(noise, 14))
        return 1 + 0.075 * rings + 0.02 * noise
    if material in ("steel", "metal", "aluminium"):
        return 1 + 0.05 * np.repeat(noise[:, :1], CANVAS_SIZE, 1) + 0.07 * np.sin(x * 0.16)
    if material in ("canvas", "linen", "rattan"):
        return 1 + 0.07 * np.sin(x * 5.2) * np.sin(y * 5.2) + 0.06 * noise
    if material in ("cotton", "fabric", "velvet", "nylon"):
        return 1 + 0.03 * noise + 0.02 * _smooth(noise, 6)
    return np.ones_like(noise)


def _smooth(noise: np.ndarray, radius: float) -> np.ndarray:
    """Noise of unit spread whose blotches are about `radius` pixels wide."""
    picture = Image.fromarray(np.clip(128 + 40 * noise, 0, 255).astype(np.uint8))
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), np.float32)
    return (soft - soft.mean()) / max(float(soft.std()), 1e-6)
