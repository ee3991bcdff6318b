from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw

from eclip.products.duplicates.pixels import same_picture


def drawn(*, colour: str = "red", mark: str = "white") -> Image.Image:
    picture = Image.new("RGB", (160, 160), "white")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((30, 20, 130, 140), fill=colour)
    pen.rectangle((60, 60, 100, 100), fill=mark)
    return picture


def jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


@pytest.mark.parametrize("cut", [0, 1, 3])
@pytest.mark.parametrize("quality", [40, 75])
def test_cropped_by_a_hair_and_encoded_again_is_the_same(cut: int, quality: int) -> None:
    again = drawn().crop((cut, 0, 160, 160 - cut)).resize((120, 120))
    assert same_picture(jpeg(drawn()), jpeg(again, quality))


def test_another_colour_detail_or_view_is_not() -> None:
    first = jpeg(drawn())
    assert not same_picture(first, jpeg(drawn(colour="purple")))
    assert not same_picture(first, jpeg(drawn(mark="black")))
    assert not same_picture(first, jpeg(drawn().rotate(90).crop((0, 0, 130, 160))))


def test_blank_pictures_of_one_colour_are_the_same() -> None:
    assert same_picture(jpeg(Image.new("RGB", (50, 50), "white")), jpeg(Image.new("RGB", (90, 60), "white")))
    assert not same_picture(jpeg(Image.new("RGB", (50, 50), "white")), jpeg(Image.new("RGB", (50, 50), "grey")))
