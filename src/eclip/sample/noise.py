"""How one product becomes many pictures: view, background, light, overlays, JPEG; and broken files."""

from __future__ import annotations

import io
import math
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from eclip.sample.drawings.canvas import FINAL_SIZE, font
from eclip.sample.listings import Seller

LONG_SIDE = 160  # pixels of a stored picture
BACKGROUNDS = ("white", "grey", "gradient", "room", "wood", "pastel")
_SHAPES = ((160, 160), (160, 160), (144, 160), (128, 160), (160, 128))
_BACKDROP_VARIANTS = 24
_BANNERS = ("SALE", "-30%", "FREE SHIPPING", "NEW IN", "BEST", "HOT DEAL", "1+1")
_BANNER_COLOURS = ((206, 36, 44), (24, 90, 190), (240, 150, 30), (30, 30, 34), (40, 140, 80))


def photograph(drawing: Any, seller: Seller, rng: Random, *, sided: bool = False) -> Any:
    """One seller's picture of a drawn product: RGB, LONG_SIDE on its long side.

    Args:
        drawing: RGBA of `canvas.FINAL_SIZE`.
        seller: Whose backgrounds, watermark and banner habits apply.
        rng: Dice of this one picture.
        sided: The product may be shown from its other side, mirrored.
    """
    if sided and rng.random() < 0.35:
        drawing = drawing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    size = rng.choice(_SHAPES)
    kind = seller.backgrounds[0] if rng.random() < 0.6 else rng.choice(seller.backgrounds)
    scene = backdrop(kind, rng.randrange(_BACKDROP_VARIANTS)).resize(size)
    item = _view(drawing, size, rng)
    _cast_shadow(scene, item, rng)
    scene.paste(item, (0, 0), item)
    scene = _light(scene, rng)
    if rng.random() < seller.watermark:
        _watermark(scene, seller.name)
    if rng.random() < seller.banner:
        _banner(scene, rng)
    return scene


def encode(picture: Any, seller: Seller, rng: Random) -> bytes:
    """JPEG bytes at the seller's quality."""
    return _jpeg(picture, rng.randint(*seller.quality))


def recode(encoded: bytes, rng: Random) -> bytes:
    """The picture of a near duplicate: decoded, cropped by a hair, encoded again."""
    with Image.open(io.BytesIO(encoded)) as picture:
        wide, tall = picture.size
        cut = rng.randint(0, 3)
        again = picture.crop((cut, 0, wide, tall - cut)).resize((wide, tall), Image.Resampling.BILINEAR)
    return _jpeg(again, rng.randint(40, 75))


def placeholder() -> bytes:
    """The shop's "no image" picture, shared by unrelated products."""
    picture = Image.new("RGB", (LONG_SIDE, LONG_SIDE), (228, 230, 233))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((48, 42, 112, 92), 6, outline=(168, 172, 178), width=4)
    draw.polygon([(54, 86), (74, 62), (86, 76), (94, 68), (106, 86)], fill=(168, 172, 178))
    draw.text((LONG_SIDE / 2, 118), "NO IMAGE", (140, 144, 150), font(16), anchor="mm")
    return _jpeg(picture, 85)


def broken(encoded: bytes, rng: Random) -> bytes:
    """A file that is no picture any more: cut off, empty, or an error page under the name of a picture."""
    kind = rng.choice(("truncated", "empty", "text"))
    if kind == "truncated":
        return encoded[: int(len(encoded) * rng.uniform(0.15, 0.6))]
    return b"" if kind == "empty" else b"<html><body>404 Not Found</body></html>\n"


def _view(drawing: Any, size: tuple[int, int], rng: Random) -> Any:
    """The product from this seller's angle: turned, sheared, scaled, shifted; RGBA of `size`."""
    turn, shear = math.radians(rng.gauss(0, 5)), rng.gauss(0, 0.05)
    zoom = rng.uniform(0.82, 1.12) * min(size) / FINAL_SIZE
    wide, tall = zoom * rng.uniform(0.94, 1.06), zoom
    shift_x, shift_y = rng.gauss(0, 0.03) * size[0], rng.gauss(0, 0.03) * size[1]
    forward = np.array(
        [
            [wide * math.cos(turn), wide * (shear - math.sin(turn))],
            [tall * math.sin(turn), tall * math.cos(turn)],
        ]
    )
    back = np.linalg.inv(forward)
    centre = np.array([size[0] / 2 + shift_x, size[1] / 2 + shift_y])
    offset = np.array([FINAL_SIZE / 2, FINAL_SIZE / 2]) - back @ centre
    data = (back[0, 0], back[0, 1], offset[0], back[1, 0], back[1, 1], offset[1])
    return drawing.transform(size, Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)


def _cast_shadow(scene: Any, item: Any, rng: Random) -> None:
    """Darken the backdrop where the product's soft shadow falls."""
    strength = rng.uniform(0.0, 0.45)
    small = item.getchannel("A").reduce(2).filter(ImageFilter.GaussianBlur(rng.uniform(1.5, 3.5)))
    mask = small.resize(item.size).point([round(strength * i) for i in range(256)])
    scene.paste((30, 28, 34), (rng.randint(-5, 5), rng.randint(2, 6)), mask)


def _light(scene: Any, rng: Random) -> Any:
    """Exposure, contrast and warmth of the shot, as one lookup table per channel."""
    gain, contrast, warm = rng.gauss(1.0, 0.06), rng.gauss(1.0, 0.06), rng.gauss(0, 0.025)
    table: list[int] = []
    for tint in (1 + warm, 1.0, 1 - warm):
        table += [min(255, max(0, round(((i - 128) * contrast + 128) * gain * tint))) for i in range(256)]
    return scene.point(table)


def _watermark(scene: Any, text: str) -> None:
    draw = ImageDraw.Draw(scene, "RGBA")
    wide, tall = scene.size
    draw.text((wide / 2, tall * 0.55), text, (255, 255, 255, 105), font(16), anchor="mm")
    draw.text((wide / 2 + 1, tall * 0.55 + 1), text, (60, 60, 60, 55), font(16), anchor="mm")


def _banner(scene: Any, rng: Random) -> None:
    draw = ImageDraw.Draw(scene)
    wide, tall = scene.size
    colour, text = rng.choice(_BANNER_COLOURS), rng.choice(_BANNERS)
    place = rng.choice(("bottom", "top", "corner"))
    if place == "corner":
        draw.ellipse((wide - 46, 4, wide - 4, 46), fill=colour)
        draw.text((wide - 25, 25), text.split()[0], (255, 255, 255), font(11), anchor="mm")
        return
    top = tall - 24 if place == "bottom" else 0
    draw.rectangle((0, top, wide, top + 24), fill=colour)
    draw.text((wide / 2, top + 12), text, (255, 255, 255), font(14), anchor="mm")


@lru_cache(maxsize=len(BACKGROUNDS) * _BACKDROP_VARIANTS)
def backdrop(kind: str, variant: int) -> Any:
    """One of the places products stand before: RGB, LONG_SIDE square; callers must copy before drawing."""
    rng = Random(f"{kind}:{variant}")
    axis = np.linspace(0, 1, LONG_SIDE, dtype=np.float32)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    if kind == "white":
        return _picture(np.full((LONG_SIDE, LONG_SIDE), 1.0), (255, 255, 255 - rng.choice((0, 0, 3))))
    if kind == "grey":
        level = rng.randint(196, 238)
        return _picture(1 - 0.12 * np.hypot(x - 0.5, y - 0.5), (level, level, level + 2))
    if kind == "pastel":
        return _picture(1 - 0.05 * y, tuple(rng.randint(205, 250) for _ in range(3)))
    if kind == "gradient":
        turn = rng.uniform(0, math.pi)
        slope = x * math.cos(turn) + y * math.sin(turn)
        return _picture(0.78 + 0.22 * slope, tuple(rng.randint(190, 255) for _ in range(3)))
    if kind == "wood":
        return _wood(x, y, rng)
    return _room(rng)


def _wood(x: np.ndarray, y: np.ndarray, rng: Random) -> Any:
    planks = rng.randint(4, 7)
    plank = np.floor(y * planks)
    grain = np.sin(y * 190 + 6 * np.sin(x * 5 + plank * 2.1)) * 0.04 + np.sin(plank * 7.3) * 0.06
    seams = np.where((y * planks) % 1 < 0.035, -0.25, 0)
    base = rng.choice(((206, 170, 124), (176, 130, 86), (224, 204, 172), (138, 104, 78)))
    return _picture(1 + grain + seams, base)


def _room(rng: Random) -> Any:
    """Wall and floor, with a skirting board, sometimes a window, a picture or a plant."""
    wall = tuple(rng.randint(196, 240) for _ in range(3))
    floor = rng.choice(((196, 160, 120), (170, 150, 132), (210, 204, 196), (150, 120, 96)))
    line = int(LONG_SIDE * rng.uniform(0.68, 0.82))
    picture = Image.new("RGB", (LONG_SIDE, LONG_SIDE), wall)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, line, LONG_SIDE, LONG_SIDE), fill=floor)
    draw.rectangle((0, line - 4, LONG_SIDE, line), fill=(244, 244, 240))
    for i in range(-2, 8):
        draw.line((80 + (i - 3) * 30, line, 80 + (i - 3) * 62, LONG_SIDE), tuple(c - 14 for c in floor))
    extra, left = rng.choice(("window", "plant", "frame", "none")), rng.choice((4, 118))
    if extra == "window":
        draw.rectangle((left, 8, left + 38, 62), fill=(214, 232, 246), outline=(250, 250, 248), width=3)
        draw.line((left + 19, 8, left + 19, 62), (250, 250, 248), 2)
    elif extra == "frame":
        draw.rectangle((left, 12, left + 30, 46), fill=(236, 226, 206), outline=(110, 90, 70), width=2)
    elif extra == "plant":
        draw.rectangle((left + 12, line - 14, left + 26, line + 6), fill=(196, 120, 84))
        for i in range(7):
            end = (left + 19 + (i - 3) * 8, line - 44 - 6 * (3 - abs(i - 3)))
            draw.line((left + 19, line - 14, *end), (84, 136, 84), 3)
    return picture


def _picture(light: np.ndarray, colour: tuple[int, ...]) -> Any:
    pixels = np.clip(light[..., None] * np.array(colour, np.float32), 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def _jpeg(picture: Any, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
