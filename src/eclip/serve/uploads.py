"""Pictures that strangers send: known formats, bounded size, decoded to the size of the store's own."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import HTTPException

from eclip.products.pictures.decode import decode_picture
from eclip.products.pictures.opening import opened_picture
from eclip.products.pictures.picture import Picture, UnreadablePictureError
from eclip.serve.limits import (
    LARGE_PICTURE_SECONDS,
    MAX_IMAGE_PIXELS,
    MAX_UPLOAD_BYTES,
    MAX_WHOLE_PIXELS,
    SMALL_IMAGE_PIXELS,
)
from eclip.serve.workers import BusyError

T = TypeVar("T")

TOO_LARGE = f"the picture is larger than {MAX_UPLOAD_BYTES // 1024 // 1024} MB; send a smaller one"
# One thread for all large ones: memory for one, however many come. What a thread has freed, the C library keeps for it.
_large_pictures = ThreadPoolExecutor(1, thread_name_prefix="serve-large-picture")


def read_picture(data: bytes, *, where: str = "picture") -> Picture:
    """A picture as the store would keep it, so that a query is encoded as the listings were.

    Args:
        data: An encoded picture.
        where: Of the request it stands, for the fault.

    Raises:
        HTTPException: 413 when it has too many bytes or pixels, 415 when it is no picture, 422 when it is damaged.
        BusyError: Other large ones are being decoded.
    """
    return decoded(data, decode_picture, where=where)


def decoded(data: bytes, decode: Callable[[bytes], T], *, where: str) -> T:
    """A picture decoded, within bounds of its size, and of the memory that large ones take together.

    Args:
        data: An encoded picture.
        decode: What to do with it.
        where: Of the request it stands, for the fault.

    Raises:
        HTTPException: As `read_picture`.
        BusyError: Other large ones are being decoded.
    """
    if len(data) > MAX_UPLOAD_BYTES:
        raise HTTPException(413, TOO_LARGE)
    try:
        with opened_picture(data) as opened:
            num_pixels = opened.width * opened.height
            most = MAX_IMAGE_PIXELS if opened.format in ("JPEG", "MPO") else MAX_WHOLE_PIXELS
        if num_pixels > most:
            raise _too_many_pixels(where, most)
        return decode(data) if num_pixels <= SMALL_IMAGE_PIXELS else _decode_large(data, decode)
    except UnreadablePictureError as fault:
        if str(fault) == "too many pixels":
            raise _too_many_pixels(where, MAX_IMAGE_PIXELS) from None
        status = 415 if str(fault) == "not a picture" else 422
        raise HTTPException(status, f"{where} can't be read ({fault}); send a JPEG, PNG or WebP file") from None


def given_picture(text: str, *, where: str) -> Picture:
    """A picture in base64.

    Raises:
        HTTPException: It is not: an address or a path is never followed; otherwise as `read_picture`.
        BusyError: Other large ones are being decoded.
    """
    if len(text) > MAX_UPLOAD_BYTES * 4 // 3 + 4:
        raise HTTPException(413, TOO_LARGE)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise HTTPException(
            422, f"{where} is not base64; send the picture's own bytes so, addresses and paths are not followed"
        ) from None
    return read_picture(data, where=where)


def picture_type(image: bytes) -> str | None:
    """Media type of an encoded picture by its first bytes; None when it is none that a page may show."""
    if image.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "image/webp"
    return None


def _too_many_pixels(where: str, most: int) -> HTTPException:
    return HTTPException(413, f"{where} has more than {most // 1_000_000} million pixels; send a smaller one")


def _decode_large(data: bytes, decode: Callable[[bytes], T]) -> T:
    coming = _large_pictures.submit(decode, data)
    try:
        return coming.result(LARGE_PICTURE_SECONDS)
    except TimeoutError:
        coming.cancel()
        raise BusyError from None
