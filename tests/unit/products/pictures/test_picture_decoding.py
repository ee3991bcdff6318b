from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from eclip.products.pictures import opening
from eclip.products.pictures.decode import decode_picture
from eclip.products.pictures.opening import careful_decoding
from eclip.products.pictures.picture import EXTREME_SHAPE, NEAR_BLANK, TINY, UnreadablePictureError


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def halves(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, *size))
    return image.convert(mode)


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode in ("RGB", "L")
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_small_pictures_are_kept_as_they_are(kind: str) -> None:
    data = encoded(halves(), kind)
    assert decode_picture(data).encoded == data


def test_the_digest_is_of_pixels_not_of_bytes() -> None:
    png, bmp = decode_picture(encoded(halves())), decode_picture(encoded(halves(), "BMP"))
    assert png.digest == bmp.digest
    assert len(png.digest) == 32
    assert png.digest != decode_picture(encoded(halves().transpose(Image.Transpose.FLIP_LEFT_RIGHT))).digest
    row, column = Image.new("RGB", (4, 2), "red"), Image.new("RGB", (2, 4), "red")
    assert decode_picture(encoded(row)).digest != decode_picture(encoded(column)).digest


def test_large_pictures_are_bounded() -> None:
    picture = decode_picture(encoded(halves(size=(1000, 500)), "JPEG"))
    assert pixels(picture.encoded).shape == (160, 320, 3)
    assert pixels(decode_picture(encoded(halves(size=(3000, 2)))).encoded).shape == (1, 320, 3)


def test_pictures_are_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = pixels(decode_picture(encoded(halves(), "JPEG", exif=exif, quality=95)).encoded)
    assert found.shape == (60, 40, 3)
    assert found[5, 20, 0] > 200  # red, once left, is on top
    assert found[55, 20, 2] > 200


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_becomes_white(mode: str) -> None:
    image = Image.new(mode, (30, 30), 0 if mode == "LA" else (0, 0, 0, 0))
    assert pixels(decode_picture(encoded(image)).encoded).min() > 250


def test_transparent_palettes_become_white() -> None:
    image = Image.new("P", (30, 30), 0)
    image.putpalette([10, 20, 30] * 256)
    data = encoded(image, "GIF", transparency=0)
    assert pixels(decode_picture(data).encoded).min() > 250


def test_cmyk_and_palette_become_rgb() -> None:
    for data in (encoded(halves("CMYK"), "JPEG"), encoded(halves("P"), "GIF")):
        found = pixels(decode_picture(data).encoded)
        assert found[20, 5, 0] > 200
        assert found[20, 5, 2] < 60


def test_sixteen_bits_become_eight() -> None:
    ramp = (np.arange(64 * 64).reshape(64, 64) * 16).astype(np.uint16)
    found = pixels(decode_picture(encoded(Image.fromarray(ramp))).encoded)
    assert found[0, 0, 0] < 10
    assert 100 < found[32, 0, 0] < 150
    assert found[63, 63, 0] > 245


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"hello", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not a picture"),
        (encoded(halves(), "JPEG")[:400], "damaged"),
        (encoded(halves())[:-30], "damaged"),
    ],
)
def test_damaged_pictures_say_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadablePictureError, match=reason):
        decode_picture(data)


def test_too_many_pixels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UnreadablePictureError, match="too many pixels"):
        decode_picture(encoded(halves()))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with careful_decoding(), pytest.raises(UnreadablePictureError, match="too many pixels"):
        decode_picture(encoded(halves()))


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_phone_formats_are_read_and_stored_as_jpeg(kind: str) -> None:
    picture = decode_picture(encoded(halves(size=(400, 200)), kind, quality=90))
    assert picture.encoded.startswith(b"\xff\xd8")
    found = pixels(picture.encoded)
    assert found.shape == (160, 320, 3)
    assert found[80, 40, 0] > 200
    assert found[80, 280, 2] > 200


def test_heic_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = pixels(decode_picture(encoded(halves(size=(64, 40)), "HEIF", exif=exif.tobytes(), quality=95)).encoded)
    assert found.shape == (64, 40, 3)
    assert found[5, 20, 0] > 200  # red, once left, is on top
    assert found[59, 20, 2] > 200


@pytest.mark.parametrize("kind", ["AVIF", "HEIF", "WEBP", "GIF", "TIFF"])
def test_pictures_cut_off_are_refused_in_any_format(kind: str) -> None:
    rng = np.random.default_rng(0)
    whole = encoded(Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)), kind)
    decode_picture(whole)
    with pytest.raises(UnreadablePictureError):
        decode_picture(whole[: len(whole) // 2])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    picture = decode_picture(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert picture.encoded.startswith(b"\xff\xd8")  # one frame, encoded anew
    found = pixels(picture.encoded)
    assert found[20, 20, 0] > 200
    assert found[20, 20, 2] < 60


def test_sixteen_bit_colours_become_eight() -> None:
    png = encoded(halves().convert("RGB"), "PNG")
    wide = png_of_sixteen_bits(np.asarray(halves()).astype(np.uint16) * 257)
    assert decode_picture(wide).digest == decode_picture(png).digest


def png_of_sixteen_bits(values: np.ndarray) -> bytes:
    """A PNG with 16 bits a colour, which Pillow reads but does not write: [H, W, 3] uint16."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_bomb_is_refused_before_its_pixels_are_made() -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    with careful_decoding(), pytest.raises(UnreadablePictureError, match="too many pixels"):
        decode_picture(bomb + chunk(b"IEND", b""))


def test_odd_pictures_are_kept_and_flagged() -> None:
    assert decode_picture(encoded(halves())).flags == ()
    assert decode_picture(encoded(Image.new("RGB", (60, 60), "white"))).flags == (NEAR_BLANK,)
    assert decode_picture(encoded(Image.new("RGB", (1, 1), "white"))).flags == (NEAR_BLANK, TINY)
    assert decode_picture(encoded(halves(size=(900, 100)))).flags == (EXTREME_SHAPE,)
    assert decode_picture(encoded(halves(size=(800, 100)))).flags == ()


def test_digests_have_not_changed_since_the_first_stores() -> None:
    ramp = np.arange(48 * 36 * 3, dtype=np.uint32).reshape(48, 36, 3) * 7 % 256
    picture = decode_picture(encoded(Image.fromarray(ramp.astype(np.uint8))))
    assert picture.digest == "b88a7a4bf1b20d25757cb3d58bdb086b"
