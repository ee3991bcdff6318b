"""Our perceptual hashes against imagededup's pHash: time, and what is found of changed copies, in one run.

    python benchmarks/prepare/picture_hashes.py [--feed FEED.parquet] [--rows 38231] [--workers 2] [--copies 2000]

The feed needs a column `image_bytes`; default: fashion in the folder that ECLIP_DATA names;
without it, a drawn shop. Both read and hash the
files of one folder in turns, imagededup with as many processes as we with threads (its own default: all
processors), progress bar off. Wall time counts for the mark; processor time (children included) is the steadier
figure on a busy machine.
Recall is the share of changed copies within a radius of their original; "others" is the share of pairs of
different pictures within it, so that recalls can be compared at equal others, not only at equal radius. Beside the
hashes that were timed, "stored" are those that preparing writes into a store.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import logging
import os
import sys
import tempfile
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image
from race import Race, timed

from eclip.products.pictures.decode import decode_picture
from eclip.products.pictures.hashing import perceptual_hashes
from eclip.sample.shop import draw_shop

RADII = (0, 2, 4, 6, 8, 10)
MARK = 3
_FILES_AT_ONCE = 256
_DRAWN_PRODUCTS = 1_000
Hasher = Callable[[Path], dict[str, int]]


def imagededup_hasher() -> Any:
    """Its PHash, without the neural network that the package imports beside it."""
    found = importlib.util.find_spec("imagededup")
    if found is None or not found.submodule_search_locations:
        sys.exit("imagededup is missing: pip install 'eclip[bench]'")
    package = types.ModuleType("imagededup.methods")
    package.__path__ = [str(Path(found.submodule_search_locations[0]) / "methods")]
    sys.modules["imagededup.methods"] = package
    from imagededup.methods.hashing import PHash

    logging.disable(logging.INFO)
    return PHash(verbose=False)


def shop_pictures(feed: Path, num: int) -> list[bytes]:
    """Encoded pictures of a feed's first rows, missing ones left out; of a drawn shop where there is no such feed."""
    if feed.exists():
        column = pq.read_table(feed, columns=["image_bytes"])["image_bytes"]
        return [data for data in column.slice(0, num).to_pylist() if data]
    sys.stderr.write(f"{feed} is missing: the pictures of a drawn shop instead\n")
    with tempfile.TemporaryDirectory() as name:
        drawn = draw_shop(Path(name) / "shop", num_products=min(num, _DRAWN_PRODUCTS), num_sellers=20, seed=0)
        pictures = [path.read_bytes() for path in sorted(drawn.images.iterdir())][:num]
    return [data for data, fine in zip(pictures, perceptual_hashes(pictures)[1], strict=True) if fine]


def default_feed() -> Path:
    """Fashion, where there is real data."""
    return Path(os.environ.get("ECLIP_DATA", ".")) / "fashion/products.parquet"


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
    """Ours: every file of a folder by its name; the threads that hash also read."""
    names = sorted(os.listdir(folder))  # noqa: PTH208 - names are wanted

    def hash_some(start: int) -> dict[str, int]:
        some = names[start : start + _FILES_AT_ONCE]
        hashes, readable = perceptual_hashes([_contents(f"{folder}/{name}") for name in some], num_threads=1)
        return {name: int(value) for name, value, fine in zip(some, hashes, readable, strict=True) if fine}

    with ThreadPoolExecutor(workers) as pool:
        parts = pool.map(hash_some, range(0, len(names), _FILES_AT_ONCE))
        return {name: value for part in parts for name, value in part.items()}


def stored_hashes(folder: Path) -> dict[str, int]:
    """What a store would hold of every file: hashed from the decoded colours, not from a JPEG's brightness."""
    return {path.name: decode_picture(path.read_bytes()).perceptual_hash for path in folder.iterdir()}


def _contents(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - pathlib takes twice as long for a small file
        return file.read()


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Differing bits of [N] and [N] (or broadcast) uint64 hashes."""
    return np.bitwise_count(one ^ other)


def others_share(hashes: np.ndarray, radius: int) -> float:
    """Share of the pairs of different pictures that lie within the radius (pictures of one hash count once)."""
    unique = np.unique(hashes)
    near = sum(int((distances(unique[i], unique[i + 1 :]) <= radius).sum()) for i in range(len(unique)))
    return near / (len(unique) * (len(unique) - 1) / 2)


def compare_recall(pictures: list[bytes], hashers: dict[str, Hasher]) -> None:
    """Hash originals and copies with both, and print who finds how many at which radius."""
    changes = list(changed_copies(pictures[0]))
    kinds: dict[str, dict[str, np.ndarray]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, data in enumerate(pictures):
            (folder / f"{number} original").write_bytes(data)
            for change, copy in changed_copies(data).items():
                (folder / f"{number} {change}").write_bytes(copy)
        for who, hasher in hashers.items():
            found = hasher(folder)
            kinds[who] = {
                kind: np.array([found[f"{number} {kind}"] for number in range(len(pictures))], np.uint64)
                for kind in ("original", *changes)
            }
    print(f"recall of changed copies of {len(pictures):,} pictures (others: different originals within the radius)")
    for radius in RADII:
        for who, hashes in kinds.items():
            share = others_share(hashes["original"], radius)
            recalls = [float((distances(hashes["original"], hashes[change]) <= radius).mean()) for change in changes]
            told = ", ".join(f"{change} {recall:.4f}" for change, recall in zip(changes, recalls, strict=True))
            print(f"radius {radius:2} {who:10} mean {np.mean(recalls):.4f}, others {share:.1e} ({told})")


def race_hashing(pictures: list[bytes], hashers: dict[str, Hasher], rounds: int) -> None:
    """Time both on one folder in turns, and tell in how many bits they differ."""
    race, found = Race(f"hashing {len(pictures):,} pictures", "imagededup", MARK), {}
    with tempfile.TemporaryDirectory() as name:
        for number, data in enumerate(pictures):
            (Path(name) / f"{number:07}.jpg").write_bytes(data)
        for _ in range(rounds):
            spent = []
            for who, hash_all in hashers.items():
                found[who], seconds = timed(lambda hash_all=hash_all: hash_all(Path(name)))  # type: ignore[misc]
                spent.append(seconds)
            race.add(*spent)
    print(race, flush=True)
    ours, theirs = found.values()
    differ = [(ours[picture] ^ value).bit_count() for picture, value in theirs.items()]
    print(
        f"hashed: eclip {len(ours):,}, imagededup {len(theirs):,}; they differ in {np.mean(differ):.2f} bits on average"
    )


def main() -> None:
    """Time both on the folder, then compare what they find."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feed", type=Path, default=default_feed())
    defaults = {"rows": 1_000_000, "workers": os.cpu_count() or 1, "copies": 2_000, "rounds": 3}
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    pictures = shop_pictures(options.feed, options.rows)
    peer = imagededup_hasher()

    def theirs(folder: Path) -> dict[str, int]:
        found = peer.encode_images(folder, num_enc_workers=options.workers)
        return {name: int(value, 16) for name, value in found.items()}

    hashers: dict[str, Hasher] = {"eclip": lambda folder: hash_folder(folder, options.workers), "imagededup": theirs}
    race_hashing(pictures, hashers, options.rounds)
    some = pictures[:: max(1, len(pictures) // options.copies)][: options.copies]
    compare_recall(some, {**hashers, "stored": stored_hashes})


if __name__ == "__main__":
    main()
