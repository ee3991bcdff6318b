"""Our perceptual hashes against imagededup's pHash: time, and what is found of changed copies, in one run.

    python benchmarks/prepare/picture_hashes.py [--feed FEED.parquet] [--pictures 38000] [--workers 2] [--copies 1500]

The feed needs a column `image_bytes`; default: fashion in the folder that ECLIP_DATA names. Both hash the same
files of one folder, imagededup with as many processes as we with threads; wall time belongs to the machine, the
ratio counts. Processor time (children included) is told too: on a busy machine it is the steadier figure.
Recall is the share of changed copies within a radius of their original; "others" is the share of pairs of
different pictures within it, so recalls compare at equal others, not only at equal radius.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from eclip.products.pictures.hashing import perceptual_hashes

RADII = (0, 2, 4, 6, 8, 10)


def imagededup_hasher() -> Any:
    """Its PHash, without the neural network that the package imports beside it."""
    found = importlib.util.find_spec("imagededup")
    if found is None or not found.submodule_search_locations:
        sys.exit("imagededup is missing: pip install 'eclip[bench]'")
    package = types.ModuleType("imagededup.methods")
    package.__path__ = [str(Path(found.submodule_search_locations[0]) / "methods")]
    sys.modules["imagededup.methods"] = package
    from imagededup.methods.hashing import PHash

    return PHash(verbose=False)


def changed_copies(data: bytes) -> dict[str, bytes]:
    """A picture as other sellers might show it."""
    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    edge = (round(width * 0.04), round(height * 0.04), round(width * 0.96), round(height * 0.96))
    framed = Image.new("RGB", (round(width * 1.08), round(height * 1.08)), "white")
    framed.paste(image, (round(width * 0.04), round(height * 0.04)))
    return {
        "recompressed (quality 40)": encoded(image, quality=40),
        "recompressed (quality 15)": encoded(image, quality=15),
        "resized to 60 %": encoded(image.resize((round(width * 0.6), round(height * 0.6))), quality=90),
        "resized to 170 %": encoded(image.resize((round(width * 1.7), round(height * 1.7))), quality=90),
        "cropped by 4 % a side": encoded(image.crop(edge), quality=90),
        "framed by 4 % a side": encoded(framed, quality=90),
    }


def encoded(image: Image.Image, *, quality: int) -> bytes:
    """As JPEG."""
    out = io.BytesIO()
    image.save(out, format="JPEG", quality=quality)
    return out.getvalue()


def hash_folder(folder: Path, workers: int) -> dict[str, int]:
    """Ours: every file of a folder by its name."""
    paths = sorted(folder.iterdir())
    hashes, readable = perceptual_hashes([path.read_bytes() for path in paths], num_threads=workers)
    return {path.name: int(value) for path, value, fine in zip(paths, hashes, readable, strict=True) if fine}


@contextmanager
def timed(seconds: dict[str, float]) -> Iterator[None]:
    """Wall and processor seconds of a block, those of its child processes included."""
    wall, before = time.perf_counter(), os.times()
    yield
    after = os.times()
    seconds["wall"] = time.perf_counter() - wall
    seconds["cpu"] = sum(after[:4]) - sum(before[:4])


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Differing bits of [N] and [N] (or broadcast) uint64 hashes."""
    return np.bitwise_count(one ^ other)


def others_share(hashes: np.ndarray, radius: int) -> float:
    """Share of the pairs of different pictures that lie within the radius (pictures of one hash count once)."""
    unique = np.unique(hashes)
    near = sum(int((distances(unique[i], unique[i + 1 :]) <= radius).sum()) for i in range(len(unique)))
    return near / (len(unique) * (len(unique) - 1) / 2)


def compare_recall(pictures: list[bytes], hashers: dict[str, Callable[[Path], dict[str, int]]]) -> None:
    """Hash originals and copies with both, and print who finds how many at which radius."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, data in enumerate(pictures):
            (folder / f"{number} original").write_bytes(data)
            for change, copy in changed_copies(data).items():
                (folder / f"{number} {change}").write_bytes(copy)
        changes = list(changed_copies(pictures[0]))
        for who, hasher in hashers.items():
            found = hasher(folder)
            kinds = {
                kind: np.array([found[f"{number} {kind}"] for number in range(len(pictures))], np.uint64)
                for kind in ("original", *changes)
            }
            for radius in RADII:
                share = others_share(kinds["original"], radius)
                recalls = [float((distances(kinds["original"], kinds[change]) <= radius).mean()) for change in changes]
                told = ", ".join(f"{change} {recall:.3f}" for change, recall in zip(changes, recalls, strict=True))
                print(f"{who:11} radius {radius:2}: others {share:.2e}, mean {np.mean(recalls):.3f} ({told})")


def main() -> None:
    """Time both on the folder, then compare what they find."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--feed", type=Path, default=Path(os.environ.get("ECLIP_DATA", ".")) / "fashion/products.parquet"
    )
    for name, default in (("pictures", 100_000), ("workers", os.cpu_count() or 1), ("copies", 1_500)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    column = pq.read_table(options.feed, columns=["image_bytes"])["image_bytes"]
    pictures = [data for data in column.to_pylist() if data][: options.pictures]
    hasher = imagededup_hasher()

    def theirs(folder: Path) -> dict[str, int]:
        found = hasher.encode_images(folder, num_enc_workers=options.workers)
        return {name: int(value, 16) for name, value in found.items()}

    hashers = {"eclip": lambda folder: hash_folder(folder, options.workers), "imagededup": theirs}
    spent: dict[str, dict[str, float]] = {who: {} for who in hashers}
    with tempfile.TemporaryDirectory() as name:
        for number, data in enumerate(pictures):
            (Path(name) / f"{number:06}.jpg").write_bytes(data)
        found = {}
        for who, hash_all in hashers.items():
            with timed(spent[who]):
                found[who] = hash_all(Path(name))
    for who, seconds in spent.items():
        print(f"{who:11} {len(found[who]):,} pictures, {seconds['wall']:.1f} s wall, {seconds['cpu']:.1f} s processor")
    ratios = {kind: spent["imagededup"][kind] / spent["eclip"][kind] for kind in ("wall", "cpu")}
    print(f"eclip hashes {ratios['wall']:.1f} times faster (processor time: {ratios['cpu']:.1f} times less)")
    differ = [(found["eclip"][name] ^ value).bit_count() for name, value in found["imagededup"].items()]
    print(f"bits in which the two differ on a picture: mean {np.mean(differ):.2f}")
    compare_recall(pictures[:: max(1, len(pictures) // options.copies)][: options.copies], hashers)


if __name__ == "__main__":
    main()
