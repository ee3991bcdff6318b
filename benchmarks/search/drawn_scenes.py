"""Cluttered photos of several products, with the box of each known: cut-outs pasted on a background."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from eclip.sample.noise import backdrop

SIZES = ((640, 480), (480, 640), (600, 600))
LONG_SIDES = (80, 260)  # pixels of a pasted product, least and most
MOST_PRODUCTS = 5
LEAST_VISIBLE = 0.65  # share of a product that those pasted over it leave
_TRIES = 40

Cutout = Image.Image
"""A product with nothing around it: RGBA."""


@dataclass(frozen=True)
class Scene:
    """A photo, and where each product is: (key of the product, left, top, right, bottom) in pixels."""

    picture: Image.Image
    truth: tuple[tuple[str, tuple[int, int, int, int]], ...]


def paste_scene(ground: Image.Image, cutouts: Sequence[tuple[str, Cutout]], rng: Random) -> Scene:
    """Cut-outs at random places, scales and turns, overlapping a little, under one light.

    Args:
        ground: Background, RGB; it decides the size.
        cutouts: Products by key; one that finds no room is left out.
        rng: Dice of this scene.
    """
    picture, labels = ground.copy(), np.full(ground.size[::-1], -1)
    areas: list[int] = []
    truth: list[tuple[str, tuple[int, int, int, int]]] = []
    for key, cutout in cutouts:
        for _ in range(_TRIES):
            item = _turned(cutout, rng)
            if item.width >= ground.width or item.height >= ground.height:
                continue
            left, top = rng.randrange(ground.width - item.width), rng.randrange(ground.height - item.height)
            covers = np.zeros(labels.shape, dtype=bool)
            covers[top : top + item.height, left : left + item.width] = np.asarray(item.getchannel("A")) > 127
            if all(np.count_nonzero((labels == at) & ~covers) >= LEAST_VISIBLE * area for at, area in enumerate(areas)):
                _shade(picture, item, left, top)
                picture.paste(item, (left, top), item)
                labels[covers] = len(areas)
                areas.append(int(covers.sum()))
                truth.append((key, (left, top, left + item.width, top + item.height)))
                break
    return Scene(picture=_lit(picture, rng), truth=tuple(truth))


def cluttered_ground(rng: Random) -> Image.Image:
    """A room, a table or a wall full of things that are no product: shapes, lines, writing, patterns."""
    size = rng.choice(SIZES)
    ground = backdrop(rng.choice(("room", "wood", "gradient", "grey", "pastel")), rng.randrange(24))
    ground = ground.resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(ground)
    for _ in range(rng.randint(12, 40)):
        x, y, reach = rng.randrange(size[0]), rng.randrange(size[1]), math.exp(rng.uniform(2, 4.8))
        colour = tuple(rng.randrange(256) for _ in range(3))
        kind = rng.choice(("box", "oval", "line", "text", "stripes", "polygon"))
        box = (x, y, x + reach * rng.uniform(0.4, 1.6), y + reach)
        if kind == "box":
            draw.rectangle(box, fill=colour)
        elif kind == "oval":
            draw.ellipse(box, fill=colour, outline=(40, 40, 40))
        elif kind == "line":
            draw.line((x, y, x + rng.gauss(0, 2) * reach, y + rng.gauss(0, 2) * reach), colour, rng.randint(1, 8))
        elif kind == "text":
            draw.text((x, y), rng.choice(("SALE", "1984", "Lorem ipsum", "coffee", "~#@%")), colour)
        elif kind == "stripes":
            for at in range(0, int(reach), 6):
                draw.line((x + at, y, x + at, y + reach), colour, 3)
        else:
            points = [(x + rng.gauss(0, 0.6) * reach, y + rng.gauss(0, 0.6) * reach) for _ in range(6)]
            draw.polygon(points, fill=colour)
    return ground.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.2)))


def _turned(cutout: Cutout, rng: Random) -> Cutout:
    """At another scale and angle, cropped to what is there."""
    long_side = math.exp(rng.uniform(*map(math.log, LONG_SIDES)))
    scale = long_side / max(cutout.size)
    item = cutout.resize([max(1, round(side * scale)) for side in cutout.size], Image.Resampling.BICUBIC)
    item = item.rotate(rng.gauss(0, 8), Image.Resampling.BICUBIC, expand=True)
    return item.crop(item.getchannel("A").point(lambda a: 255 * (a > 127)).getbbox())


def _shade(picture: Image.Image, item: Cutout, left: int, top: int) -> None:
    mask = item.getchannel("A").filter(ImageFilter.GaussianBlur(3)).point(lambda a: round(0.35 * a))
    picture.paste((30, 28, 34), (left + 3, top + 5), mask)


def _lit(picture: Image.Image, rng: Random) -> Image.Image:
    """Exposure and warmth of the shot, and the sensor's noise."""
    pixels = np.asarray(picture, dtype=np.float32)
    gain, warm = rng.gauss(1, 0.06), rng.gauss(0, 0.025)
    pixels = pixels * gain * np.array([1 + warm, 1, 1 - warm], np.float32)
    noise = np.random.default_rng(rng.randrange(2**32)).normal(0, 3, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
