"""Titles and pictures that backends are compared, timed and calibrated on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from eclip.products.store import Store

SAMPLE_ROWS = 512
_DRAWN_ROWS = 48
_WORDS = ("red", "blue", "small", "leather", "steel", "shoe", "mug", "lamp", "shirt", "bag", "500 ml", "for men")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Some products; either may be None.

    Attributes:
        titles: [N].
        images: [N] encoded pictures.
        is_the_shops: Real ones, which int8 can be calibrated on; else drawn.
    """

    titles: Sequence[str | None]
    images: Sequence[bytes | None]
    is_the_shops: bool = True

    def first(self, rows: int) -> Sample:
        """Its first rows."""
        return Sample(titles=self.titles[:rows], images=self.images[:rows], is_the_shops=self.is_the_shops)


def sample_of_store(store: Store, rows: int = SAMPLE_ROWS) -> Sample:
    """Listings drawn from all over a store, the same ones each time."""
    drawn = np.random.default_rng(0).permutation(store.num_rows)[:rows]
    places = np.sort(drawn)
    order = np.argsort(np.argsort(drawn))  # the drawn order, so that the first ones are from all over it, too
    titles = store.table(["title"])["title"].take(places).to_pylist()
    images = store.images(places.tolist())
    return Sample(titles=[titles[at] for at in order], images=[images[at] for at in order])


def drawn_sample() -> Sample:
    """Made-up titles and pictures of coloured patches, for a check where no products are at hand."""
    draw = np.random.default_rng(0)
    titles = [" ".join(draw.choice(_WORDS, size=2 + 3 * (row % 4))) for row in range(_DRAWN_ROWS)]
    return Sample(titles=titles, images=[_patches(draw) for _ in titles], is_the_shops=False)


def _patches(draw: np.random.Generator) -> bytes:
    """A picture of a few large patches on a light ground."""
    picture = Image.new("RGB", (160, 160), tuple(draw.integers(200, 256, size=3).tolist()))
    for _ in range(4):
        left, top = draw.integers(0, 120, size=2).tolist()
        width, height = draw.integers(20, 120, size=2).tolist()
        picture.paste(tuple(draw.integers(0, 256, size=3).tolist()), (left, top, left + width, top + height))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()
