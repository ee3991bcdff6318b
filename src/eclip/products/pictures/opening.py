"""Opening pictures that nobody vouches for: known formats, bounded size, one kind of error."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from eclip.pictureformats import MAX_IMAGE_PIXELS, known_formats
from eclip.products.pictures.picture import UnreadablePictureError

MAX_FILE_BYTES = 64 << 20
_ORIENTATION = 0x0112


@contextmanager
def careful_decoding() -> Iterator[None]:
    """Turn Pillow's bomb warning into an error and silence its remarks on odd metadata.

    Warning filters belong to the process: enter it once around the threads that decode, not in each.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@contextmanager
def opened_picture(data: bytes) -> Iterator[Any]:
    """A picture of a known format and bounded size, its pixels not yet decoded; of animations the first.

    Raises:
        UnreadablePictureError: In place of whatever opening or, in the block, decoding it runs into.
    """
    if len(data) > MAX_FILE_BYTES:
        raise UnreadablePictureError("file too large")
    try:
        with Image.open(io.BytesIO(data), formats=known_formats()) as opened:
            _check_size(opened)
            yield opened
    except UnreadablePictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadablePictureError("too many pixels") from None
    except Image.UnidentifiedImageError:
        raise UnreadablePictureError("not a picture") from None
    except Exception as fault:  # decoders of damaged files raise nearly anything
        raise UnreadablePictureError(f"damaged ({type(fault).__name__})") from None


def _check_size(image: Any) -> None:
    if image.width * image.height > MAX_IMAGE_PIXELS:
        raise UnreadablePictureError("too many pixels")


def upright(image: Any, *, draft_mode: str | None = None, draft_side: int) -> Any:
    """Decode, turned as the EXIF mark says; the same object where there is nothing to turn.

    Args:
        image: As opened.
        draft_mode: "L": a JPEG's brightness is enough.
        draft_side: Large JPEGs are decoded at a fraction of their size, both sides at least this many pixels.
    """
    turned = _is_turned(image)
    if image.format in ("JPEG", "MPO"):
        image.draft(draft_mode, (draft_side, draft_side))
    image.load()
    return ImageOps.exif_transpose(image) if turned else image


def _is_turned(image: Any) -> bool:
    if image.format == "JPEG" and not {"exif", "xmp"} & image.info.keys():
        return False  # most pictures: asking Pillow takes longer
    try:
        return image.getexif().get(_ORIENTATION, 1) in range(2, 9)
    except Exception:  # a damaged EXIF block says nothing about the pixels
        return False


def to_rgb(image: Any) -> Any:
    """Any mode as RGB; what is transparent becomes white. The same object where it is opaque RGB already."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
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
    return image if image.mode == "RGB" else image.convert("RGB")  # most are: converting would copy them
