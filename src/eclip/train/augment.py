"""Small changes of pictures, drawn anew each time a pair is seen, that leave the product the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from eclip.train.checks import require_share


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """How a pair is changed each time it is seen."""

    min_crop_share: float = 0.8
    """Smallest share of a picture's area that a random crop keeps; 1 = no cropping."""

    def __post_init__(self) -> None:
        require_share("augmentation.min_crop_share", self.min_crop_share, least_is_open=True)


def random_crop(picture: Image.Image, min_share: float, rng: np.random.Generator) -> Image.Image:
    """A part of the picture that keeps at least `min_share` of its area and about its shape."""
    if min_share >= 1:
        return picture
    share = rng.uniform(min_share, 1)
    stretch = rng.uniform(0.95, 1.05)
    width = min(picture.width, max(1, round(picture.width * np.sqrt(share) * stretch)))
    height = min(picture.height, max(1, round(picture.height * np.sqrt(share) / stretch)))
    left = rng.integers(0, picture.width - width + 1)
    top = rng.integers(0, picture.height - height + 1)
    return picture.crop((int(left), int(top), int(left) + width, int(top) + height))
