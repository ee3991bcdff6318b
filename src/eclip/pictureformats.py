"""Which kinds of picture files are opened at all, wherever pictures of strangers come in."""

from __future__ import annotations

from functools import cache

MAX_IMAGE_PIXELS = 50_000_000  # more is a decompression bomb, or of no use
_KNOWN = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")  # none that runs a program


@cache
def known_formats() -> tuple[str, ...]:
    """Formats to ask Pillow for; those that it was built without (AVIF) must not be asked for."""
    from PIL import Image
    from pillow_heif import register_heif_opener

    Image.init()
    register_heif_opener()
    return tuple(name for name in _KNOWN if name in Image.OPEN)
