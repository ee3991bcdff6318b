"""Pictures that strangers send: known formats, bounded size, decoded to the size of the store's own."""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException

from eclip.products.pictures.decode import decode_picture
from eclip.products.pictures.opening import opened_picture
from eclip.products.pictures.picture import Picture, UnreadablePictureError
from eclip.serve.limits import MAX_IMAGE_PIXELS, MAX_UPLOAD_BYTES, PATIENCE_SECONDS, SMALL_IMAGE_PIXELS
from eclip.serve.workers import BusyError

TOO_LARGE = f"the picture is larger than {MAX_UPLOAD_BYTES // 1024 // 1024} MB; send a smaller one"
_LARGE_PICTURE = threading.Lock()  # held while one is decoded: memory for one, however many come


def read_picture(data: bytes, *, where: str = "picture") -> Picture:
    """A picture as the store would keep it, so that a query is encoded as the listings were.

    Args:
        data: An encoded picture.
        where: Of the request it stands, for the fault.

    Raises:
        HTTPException: 413 when it has too many bytes or pixels, 415 when it is no picture, 422 when it is damaged.
        BusyError: Another large one is being decoded.
    """
    with room_to_decode(data, where=where):
        return decode_picture(data)


@contextmanager
def room_to_decode(data: bytes, *, where: str) -> Iterator[None]:
    """In the block a picture may be decoded: it has been looked at, and there is memory for it.

    Args:
        data: An encoded picture.
        where: Of the request it stands, for the fault.

    Raises:
        HTTPException: As `read_picture`, of what opening or, in the block, decoding it runs into.
        BusyError: Another large one is being decoded.
    """
    if len(data) > MAX_UPLOAD_BYTES:
        raise HTTPException(413, TOO_LARGE)
    try:
        with opened_picture(data) as opened:
            num_pixels = opened.width * opened.height
        if num_pixels > MAX_IMAGE_PIXELS:
            raise _too_many_pixels(where)
        with _memory_for(num_pixels):
            yield
    except UnreadablePictureError as fault:
        if str(fault) == "too many pixels":
            raise _too_many_pixels(where) from None
        status = 415 if str(fault) == "not a picture" else 422
        raise HTTPException(status, f"{where} can't be read ({fault}); send a JPEG, PNG or WebP file") from None


def given_picture(text: str, *, where: str) -> Picture:
    """A picture in base64.

    Raises:
        HTTPException: It is not: an address or a path is never followed; otherwise as `read_picture`.
        BusyError: Another large one is being decoded.
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


def _too_many_pixels(where: str) -> HTTPException:
    megapixels = MAX_IMAGE_PIXELS // 1_000_000
    return HTTPException(413, f"{where} has more than {megapixels} million pixels; send a smaller one")


@contextmanager
def _memory_for(num_pixels: int) -> Iterator[None]:
    if num_pixels <= SMALL_IMAGE_PIXELS:
        yield
        return
    if not _LARGE_PICTURE.acquire(timeout=PATIENCE_SECONDS):
        raise BusyError
    try:
        yield
    finally:
        _LARGE_PICTURE.release()
