from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eclip.products import images
from eclip.products.images import PictureNotFetchedError, UnreadablePictureError, decode_picture, read_picture


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
    monkeypatch.setattr(images, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UnreadablePictureError, match="too many pixels"):
        decode_picture(encoded(halves()))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with images.careful_decoding(), pytest.raises(UnreadablePictureError, match="too many pixels"):
        decode_picture(encoded(halves()))


def test_sources(tmp_path: Path) -> None:
    folder = tmp_path / "feed"
    folder.mkdir()
    data = encoded(halves())
    (folder / "a.png").write_bytes(data)
    (tmp_path / "secret.png").write_bytes(data)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    for source in (data, {"bytes": data, "path": None}, "a.png", "./a.png", str(folder / "a.png")):
        picture = read_picture(source, folder)
        assert picture is not None
        assert picture.encoded == data
    assert read_picture("", folder) is None
    assert read_picture(None, folder) is None
    for source in ("../secret.png", "link.png", "/etc/passwd", "../../etc/passwd"):
        with pytest.raises(UnreadablePictureError, match="leads out"):
            read_picture(source, folder)
    for source, reason in (
        ("b.png", "no such file"),
        (".", "not a file"),
        ("x" * 5000, "can't"),
        ("a\0", "can't"),
    ):
        with pytest.raises(UnreadablePictureError, match=reason):
            read_picture(source, folder)
    with pytest.raises(PictureNotFetchedError):
        read_picture("https://example.org/a.jpg", folder)
