"""Picture bytes: found, decoded with care, bounded in size, hashed by their pixels."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

MAX_LONG_SIDE = 320  # pixels; what any encoder here looks at, and what a shop of millions can keep
MAX_IMAGE_PIXELS = 50_000_000  # more is a decompression bomb, or of no use
_MAX_FILE_BYTES = 64 << 20
_MAX_KEPT_BYTES = 256 << 10  # a small picture of more bytes carries something else: encoded anew
_JPEG_QUALITY = 90
Image.init()  # registers all formats: those that Pillow was built without (AVIF) must not be asked for
_FORMATS = tuple(  # none that runs a program
    name for name in ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF") if name in Image.OPEN
)
_KEPT_FORMATS = ("JPEG", "PNG", "WEBP")
_ORIENTATION = 0x0112
_HASH_BYTES = 16


@dataclass(frozen=True)
class Picture:
    """One picture as it is stored.

    Attributes:
        encoded: JPEG, PNG or WebP bytes, long side at most `MAX_LONG_SIDE`.
        digest: blake2b-128 hex over size and RGB pixels: of the decoded, upright, size-bounded picture before
            it was encoded anew.
    """

    encoded: bytes
    digest: str


class UnreadablePictureError(Exception):
    """A picture can't be used; the text says why in a few words."""


class PictureNotFetchedError(Exception):
    """A picture lies behind a URL, which is not fetched."""


@contextmanager
def careful_decoding() -> Iterator[None]:
    """Turn Pillow's bomb warning into an error and silence its remarks on odd metadata.

    Warning filters belong to the process: enter it once around the threads that decode, not in each.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def read_picture(source: Any, folder: Path) -> Picture | None:
    """The picture a cell names: bytes, {"bytes": ...}, or a path below `folder`; None if the cell is empty.

    Raises:
        PictureNotFetchedError: The cell is a URL.
        UnreadablePictureError: No such file, outside the folder, or not decodable as a whole.
    """
    if isinstance(source, dict):
        source = source.get("bytes") or source.get("path")
    if not source:
        return None
    if isinstance(source, bytes):
        return decode_picture(source)
    name = str(source).strip()
    if not name:
        return None
    if name.lower().startswith(("http://", "https://", "//")):
        raise PictureNotFetchedError
    return decode_picture(_file_bytes(name, folder))


def _file_bytes(name: str, folder: Path) -> bytes:
    """Bytes of a file that lies below the folder, links resolved."""
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise UnreadablePictureError("path leads out of the picture folder")
        if not path.is_file():
            raise UnreadablePictureError("no such file" if not path.exists() else "not a file")
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise UnreadablePictureError("file too large")
        return path.read_bytes()
    except (OSError, ValueError, RuntimeError) as fault:
        raise UnreadablePictureError(f"file can't be read ({type(fault).__name__})") from None


def decode_picture(data: bytes) -> Picture:
    """Decode a picture to its last pixel and make it fit for the store.

    Turned upright by its EXIF mark; transparency laid on white; CMYK, palette and 16-bit made RGB; the long
    side bounded. Bytes that need none of this are kept as they are, others become JPEG of quality 90.

    Raises:
        UnreadablePictureError: Not a picture, cut off, or too large.
    """
    if len(data) > _MAX_FILE_BYTES:
        raise UnreadablePictureError("file too large")
    try:
        return _decode(data)
    except UnreadablePictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadablePictureError("too many pixels") from None
    except Image.UnidentifiedImageError:
        raise UnreadablePictureError("not a picture") from None
    except Exception as fault:  # decoders of damaged files raise nearly anything
        raise UnreadablePictureError(f"damaged ({type(fault).__name__})") from None


def _decode(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
        if opened.width * opened.height > MAX_IMAGE_PIXELS:
            raise UnreadablePictureError("too many pixels")
        as_is = (
            opened.format in _KEPT_FORMATS
            and opened.mode in ("RGB", "L")
            and "transparency" not in opened.info
            and max(opened.size) <= MAX_LONG_SIDE
            and getattr(opened, "n_frames", 1) == 1
            and len(data) <= _MAX_KEPT_BYTES
        )
        upright = _upright(opened)
        as_is = as_is and upright is opened
        pixels = _bounded(_rgb(upright))
    return Picture(data if as_is else _jpeg(pixels), pixel_digest(pixels))


def _upright(image: Any) -> Any:
    """The picture turned as its EXIF mark says; the same object where there is nothing to turn."""
    try:
        turned = image.getexif().get(_ORIENTATION, 1) in range(2, 9)
    except Exception:  # a damaged EXIF block says nothing about the pixels
        turned = False
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (2 * MAX_LONG_SIDE, 2 * MAX_LONG_SIDE))  # large JPEGs decode at a fraction
    image.load()
    return ImageOps.exif_transpose(image) if turned else image


def _rgb(image: Any) -> Any:
    """Any mode as RGB; what is transparent becomes white."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        values = np.asarray(image, dtype=np.float64)
        scale = 255 / max(values.max(), 255.0)
        image = Image.fromarray(np.clip(values * scale, 0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


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
