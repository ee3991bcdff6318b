"""What a picture is once it was read, and the two ways in which it can't be."""

from __future__ import annotations

from dataclasses import dataclass

NEAR_BLANK = "near-blank picture"
TINY = "tiny picture"
EXTREME_SHAPE = "picture of extreme shape"


@dataclass(frozen=True)
class Picture:
    """One picture as it is stored.

    Attributes:
        encoded: JPEG, PNG or WebP bytes, long side at most `decode.MAX_LONG_SIDE`.
        digest: blake2b-128 hex over size and RGB pixels: of the decoded, upright, size-bounded picture before
            it was encoded anew.
        perceptual_hash: 64 bits, unsigned; pictures that look alike differ in few of them (`hashing`).
        flags: What is odd about it: `NEAR_BLANK`, `TINY`, `EXTREME_SHAPE`.
    """

    encoded: bytes
    digest: str
    perceptual_hash: int
    flags: tuple[str, ...] = ()


class UnreadablePictureError(Exception):
    """A picture can't be used; the text says why in a few words."""


class PictureNotFetchedError(Exception):
    """A picture lies behind an address and was not brought from there; the text says why, empty = not asked to."""
