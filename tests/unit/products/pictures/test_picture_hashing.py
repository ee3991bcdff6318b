from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from scipy.fft import dctn

from eclip.products.pictures.decode import decode_picture
from eclip.products.pictures.hashing import hash_levels, perceptual_hash, perceptual_hashes


def drawn(seed: int, size: tuple[int, int] = (240, 320)) -> Image.Image:
    """Some shapes on white: nothing real, but with edges and colours."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y, width, height = rng.uniform(0.1, 0.6, 4) * [*size, *size]
        colour = tuple(int(level) for level in rng.integers(0, 200, 3))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)((x, y, x + width, y + height), fill=colour)
    return image


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def plain_hash(levels: np.ndarray) -> int:
    """The slow, obvious twin: one picture [H, W], the whole DCT, a string of bits."""
    weights = dctn(np.minimum(levels, 240).astype(np.float64), type=2)[:8, :8].ravel() / (4 * levels.size)
    weights[np.abs(weights) < 0.01] = 0
    median = np.median(weights[1:])
    return int("".join("1" if weight >= median else "0" for weight in weights), 2)


def distance(one: int, other: int) -> int:
    return (one ^ other).bit_count()


@pytest.mark.parametrize("size", [(32, 32), (80, 60), (64, 127), (8, 9)])
def test_stacks_are_hashed_as_one_by_one(size: tuple[int, int]) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (40, *size), np.uint8)
    levels[0], levels[1] = 255, 0
    found = [int(value) for value in hash_levels(levels)]
    assert found == [plain_hash(picture) for picture in levels]


def test_blank_pictures_have_one_hash() -> None:
    assert {perceptual_hash(Image.new("RGB", (50, 70), colour)) for colour in ("white", "black", "teal")} == {2**64 - 1}


def test_specks_on_white_change_nothing() -> None:
    rng = np.random.default_rng(0)
    for seed in range(10):
        levels = np.asarray(drawn(seed).convert("L"))
        specked = np.where(levels == 255, rng.integers(241, 256, levels.shape), levels).astype(np.uint8)
        assert (specked != levels).mean() > 0.2
        assert hash_levels(specked[None]) == hash_levels(levels[None])


def test_hashing_many_is_hashing_each() -> None:
    data = [encoded(drawn(seed), quality=90) for seed in range(30)]
    data += [encoded(drawn(7, (60, 80)), "PNG"), b"no picture", encoded(drawn(8), "GIF"), data[0][:500]]
    hashes, readable = perceptual_hashes(data, num_threads=3)
    assert hashes.dtype == np.uint64
    assert list(np.flatnonzero(~readable)) == [31, 33]
    assert list(hashes[~readable]) == [0, 0]
    for position in np.flatnonzero(readable):
        assert distance(int(hashes[position]), decode_picture(data[position]).perceptual_hash) <= 2
    again, _ = perceptual_hashes(data[:3] * 200, num_threads=2)  # several chunks, in order
    assert list(again) == list(hashes[:3]) * 200
    assert [len(part) for part in perceptual_hashes([])] == [0, 0]


def test_many_are_turned_and_laid_on_white_as_one_is() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = drawn(3).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    grey = Image.fromarray(np.asarray(drawn(4).convert("L")))
    data = [encoded(drawn(2), exif=exif), encoded(clear, "PNG"), encoded(grey)]
    data += [encoded(grey, "PNG", transparency=255), encoded(ImageOps.invert(grey), "PNG", transparency=0)]
    hashes, _ = perceptual_hashes(data)
    for value, picture in zip(hashes, data, strict=True):
        assert distance(int(value), decode_picture(picture).perceptual_hash) <= 2
    upright, _ = perceptual_hashes([encoded(drawn(2))])
    assert distance(int(hashes[0]), int(upright[0])) > 10


def test_copies_stay_near_and_others_far() -> None:
    pictures = [drawn(seed) for seed in range(40)]
    values = [perceptual_hash(picture) for picture in pictures]
    for value, picture in zip(values, pictures, strict=True):
        copies = [
            Image.open(io.BytesIO(encoded(picture, quality=30))),
            picture.resize((120, 160)),
            picture.resize((600, 800)),
            picture.crop((3, 4, 237, 316)),
        ]
        assert distance(value, perceptual_hash(copies[0])) <= 6
        assert distance(value, perceptual_hash(copies[1])) <= 6
        assert distance(value, perceptual_hash(copies[2])) <= 6
    others = [distance(a, b) for i, a in enumerate(values) for b in values[:i]]
    assert min(others) > 6
