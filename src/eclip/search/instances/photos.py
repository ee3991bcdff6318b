"""A photo as instance search looks at it: upright, RGB, of bounded size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import Image

from eclip.errors import ConfigError
from eclip.products.pictures.opening import opened_picture, to_rgb, upright
from eclip.products.pictures.picture import UnreadablePictureError

MAX_PHOTO_SIDE = 1_024  # pixels looked at: a product a tenth as wide still fills a tower's input


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes:
        pixels: RGB, long side at most `MAX_PHOTO_SIDE`.
        width: Of the whole photo, upright, in pixels.
        height: Likewise.
    """

    pixels: Any
    width: int
    height: int

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of the whole photo to one that is looked at, across and down."""
        return self.width / self.pixels.width, self.height / self.pixels.height


def open_photo(data: bytes) -> Photo:
    """Decode an encoded photo.

    Raises:
        ConfigError: Not a picture, cut off, or too large.
    """
    try:
        with opened_picture(data) as opened:
            sides = opened.size
            turned = to_rgb(upright(opened, draft_side=MAX_PHOTO_SIDE))  # JPEG drafts make it smaller
            if (turned.width > turned.height) != (sides[0] > sides[1]) and sides[0] != sides[1]:
                sides = sides[::-1]  # lay on its side by its EXIF mark
            if max(turned.size) > MAX_PHOTO_SIDE:
                turned.thumbnail((MAX_PHOTO_SIDE, MAX_PHOTO_SIDE), Image.Resampling.BICUBIC, reducing_gap=3.0)
            return Photo(turned, *sides)
    except UnreadablePictureError as fault:
        raise ConfigError(f"the photo can't be read ({fault}); give a whole JPEG, PNG or WebP file") from None
