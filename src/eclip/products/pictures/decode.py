"""One picture's bytes, decoded to the last pixel and made fit for the store."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from PIL import Image

from eclip.products.pictures.blank import is_near_blank
from eclip.products.pictures.hashing import perceptual_hash
from eclip.products.pictures.opening import opened_picture, to_rgb, upright
from eclip.products.pictures.picture import EXTREME_SHAPE, NEAR_BLANK, TINY, Picture

MAX_LONG_SIDE = 320  # pixels; what any encoder here looks at, and what a shop of millions can keep
SMALLEST_LONG_SIDE = 32  # pixels; below this it is an icon or a tracking pixel
LARGEST_ASPECT = 8  # long side : short side; beyond it is a banner or a rule
_MAX_KEPT_BYTES = 256 << 10  # a small picture of more bytes carries something else: encoded anew
_JPEG_QUALITY = 90
_KEPT_FORMATS = ("JPEG", "PNG", "WEBP")
_HASH_BYTES = 16


def decode_picture(data: bytes) -> Picture:
    """Decode a picture to its last pixel and make it fit for the store.

    Turned upright by its EXIF mark; transparency laid on white; CMYK, palette and 16-bit made RGB; of an
    animation the first frame; the long side bounded. Bytes that need none of this are kept as they are,
    others become JPEG of quality 90.

    Raises:
        UnreadablePictureError: Not a picture, cut off, or too large.
    """
    with opened_picture(data) as opened:
        as_is = (
            opened.format in _KEPT_FORMATS
            and opened.mode in ("RGB", "L")
            and "transparency" not in opened.info
            and max(opened.size) <= MAX_LONG_SIDE
            and getattr(opened, "n_frames", 1) == 1
            and len(data) <= _MAX_KEPT_BYTES
        )
        size = opened.size
        turned = upright(opened, draft_side=2 * MAX_LONG_SIDE)
        as_is = as_is and turned is opened
        pixels = _bounded(to_rgb(turned))
        return Picture(
            data if as_is else _jpeg(pixels), pixel_digest(pixels), perceptual_hash(pixels), _flags(size, pixels)
        )


def _flags(size: tuple[int, int], pixels: Any) -> tuple[str, ...]:
    """What is odd about a picture of this size and these pixels."""
    odd = (
        (NEAR_BLANK, is_near_blank(pixels)),
        (TINY, max(size) < SMALLEST_LONG_SIDE),
        (EXTREME_SHAPE, max(size) > LARGEST_ASPECT * min(size)),
    )
    return tuple(flag for flag, holds in odd if holds)


def _bounded(image: Any) -> Any:
    """At most `MAX_LONG_SIDE` pixels on the long side, at least 1 on the short one."""
    long_side = max(image.size)
    if long_side <= MAX_LONG_SIDE:
        return image
    width, height = (max(1, round(side * MAX_LONG_SIDE / long_side)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)


def _jpeg(image: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format="JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def pixel_digest(image: Any) -> str:
    """blake2b-128 hex over size and RGB pixels: one picture in two lossless formats has one digest."""
    digest = hashlib.blake2b(digest_size=_HASH_BYTES)
    digest.update(f"{image.width}x{image.height}".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()
