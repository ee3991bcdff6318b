"""Products cut out of a store's own pictures, and real photos to paste them on."""

from __future__ import annotations

import io
from collections.abc import Iterator
from random import Random

import numpy as np
from benchmarks.search.drawn_scenes import SIZES, Cutout
from PIL import Image, ImageFilter
from scipy.ndimage import binary_fill_holes, binary_opening, label
from sklearn.datasets import load_sample_images

from eclip.products.store import Store

_UNLIKE_GROUND = 24  # of 255, in any channel
_PLAIN_GROUND = 8  # mean difference from its median along the edge
_FOREGROUND = (0.08, 0.75)  # share of the picture: less is a thread, more has no ground left


def store_cutouts(store: Store, rng: Random) -> Iterator[tuple[str, Cutout]]:
    """Products of a store by id, in random order, whose picture has a plain ground around one thing."""
    ids = store.table(["product_id"])["product_id"].to_pylist()
    rows = list(range(len(ids)))
    rng.shuffle(rows)
    for row in rows:
        (encoded,) = store.images([row])
        cutout = cut_out(Image.open(io.BytesIO(encoded)).convert("RGB")) if encoded else None
        if cutout is not None:
            yield ids[row], cutout


def cut_out(picture: Image.Image) -> Cutout | None:
    """What stands on the plain ground that the edge shows, transparent around; None where it can't be told."""
    pixels = np.asarray(picture, dtype=np.float32)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(edge, axis=0)
    if np.abs(edge - ground).mean() > _PLAIN_GROUND:
        return None
    parts, _ = label(binary_opening(np.abs(pixels - ground).max(axis=2) > _UNLIKE_GROUND))
    sizes = np.bincount(parts.ravel())
    if len(sizes) < 2:
        return None
    thing = binary_fill_holes(parts == 1 + int(np.argmax(sizes[1:])))
    if not _FOREGROUND[0] <= thing.mean() <= _FOREGROUND[1]:
        return None
    alpha = Image.fromarray((255 * thing).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))
    cutout = picture.copy()
    cutout.putalpha(alpha)
    return cutout.crop(Image.fromarray(thing).getbbox())


def real_ground(rng: Random) -> Image.Image:
    """A piece of one of scikit-learn's two photos (a temple, a flower; CC BY), enlarged by up to its half."""
    photo = Image.fromarray(rng.choice(load_sample_images().images))
    size = rng.choice(SIZES)
    share = rng.uniform(0.6, 1)
    width, height = (round(share * min(photo.width / size[0], photo.height / size[1]) * side) for side in size)
    left, top = rng.randint(0, photo.width - width), rng.randint(0, photo.height - height)
    piece = photo.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.BICUBIC)
    return piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else piece
