from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from eclip.products.pictures.blank import is_near_blank


@pytest.mark.parametrize("size", [(60, 80), (320, 240), (1, 1), (2, 300)])
@pytest.mark.parametrize("colour", ["white", "black", "#c03020"])
def test_one_colour_is_blank(size: tuple[int, int], colour: str) -> None:
    assert is_near_blank(Image.new("RGB", size, colour))


def test_gradients_are_blank() -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, 240), np.linspace(-1, 1, 320))
    for surface in (127 + 120 * x, 127 + 60 * x - 60 * y, 250 - 40 * (x * x + y * y)):
        levels = np.stack([surface, surface * 0.9, 255 - surface], axis=-1).clip(0, 255).astype(np.uint8)
        assert is_near_blank(Image.fromarray(levels))


def test_noise_of_a_camera_is_blank() -> None:
    noise = np.random.default_rng(0).normal(240, 3, (320, 240, 3)).clip(0, 255).astype(np.uint8)
    assert is_near_blank(Image.fromarray(noise))


def test_a_small_mark_or_a_pale_product_is_not_blank() -> None:
    mark = Image.new("RGB", (320, 240), "white")
    ImageDraw.Draw(mark).rectangle((150, 110, 165, 125), fill="black")
    pale = Image.new("RGB", (60, 80), "white")
    ImageDraw.Draw(pale).ellipse((15, 15, 45, 65), fill="#f0f0f0")
    thin = Image.new("RGB", (60, 80), "white")
    ImageDraw.Draw(thin).line((5, 40, 55, 42), fill="#808080")
    for picture in (mark, pale, thin):
        assert not is_near_blank(picture)


def test_white_on_light_grey_is_not_blank() -> None:
    picture = Image.new("RGB", (107, 160), "#ececec")
    for offset in range(0, 30, 6):
        ImageDraw.Draw(picture).line((25, 70 + offset, 80, 78 + offset), fill="#ffffff", width=4)
    assert not is_near_blank(picture)
