"""Any bytes as a picture: made fit for the store and opened for an encoder, or refused, and never anything else."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from eclip.model.encoder import open_picture
from eclip.products.pictures.decode import MAX_LONG_SIDE, decode_picture
from eclip.products.pictures.opening import careful_decoding
from eclip.products.pictures.picture import UnreadablePictureError

SECONDS_EACH = 60
_MOST_BYTES = 1 << 16
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "MPO")
_MODES = ("RGB", "L", "RGBA", "LA", "P", "1", "CMYK", "I;16", "I", "F")


def one(data: bytes) -> None:
    """Decode a picture.

    Raises:
        AssertionError: What came of it can't be read again, or is larger than a store keeps.
    """
    if len(data) > _MOST_BYTES:
        return
    with careful_decoding():
        opened = open_picture(data)
        assert opened is None or opened.mode == "RGB", "not RGB"
        try:
            picture = decode_picture(data)
        except UnreadablePictureError:
            return
        with Image.open(io.BytesIO(picture.encoded)) as kept:
            assert max(kept.size) <= MAX_LONG_SIDE, f"kept at {kept.size}"
        decode_picture(picture.encoded)


def seeds() -> list[bytes]:
    """A small picture of each format and mode that can be written, with and without EXIF."""
    pixels = np.random.default_rng(0).integers(0, 255, (12, 20, 3), dtype=np.uint8)
    drawn, found = Image.fromarray(pixels), []
    exif = Image.Exif()
    exif[0x0112] = 6
    open_picture(b"")  # lets Pillow know all formats
    for kind in _FORMATS:
        for mode in _MODES:
            for options in ({}, {"exif": exif}):
                out = io.BytesIO()
                try:
                    drawn.convert(mode).save(out, kind, **options)
                except (OSError, ValueError, KeyError):
                    continue  # not every format has every mode
                found.append(out.getvalue())
    return found
