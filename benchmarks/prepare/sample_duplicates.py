"""Duplicates of a drawn shop against its truth: precision and recall, exact and near.

    eclip sample shop --products 2500 --sellers 30 && python benchmarks/prepare/sample_duplicates.py shop

Right is what truth.csv says: the very listing that this one repeats.
"""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path

import numpy as np
from eclip.products.images import UnreadablePictureError, decode_picture
from PIL import Image
from scipy.fft import dct

from eclip.products.clean import clean_title
from eclip.products.duplicates.exact import placeholder_pictures
from eclip.products.duplicates.keys import ListingColumns
from eclip.products.duplicates.near import Confirm, find_near_duplicates
from eclip.products.duplicates.pixels import same_picture


def perceptual_hash(encoded: bytes) -> int:
    """64-bit pHash as imagededup defines it: the signs of the low frequencies about their median."""
    with Image.open(io.BytesIO(encoded)) as picture:
        grey = np.asarray(picture.convert("L").resize((32, 32), Image.Resampling.LANCZOS), dtype=np.float64)
    low = dct(dct(grey, axis=0), axis=1)[:8, :8].ravel()
    return int.from_bytes(np.packbits(low >= np.median(low[1:])).tobytes(), "big")


def read_shop(shop: Path) -> tuple[list[dict[str, str]], ListingColumns]:
    """The truth's rows and what duplicates are found by."""
    with (shop / "feed.csv").open(encoding="utf-8", newline="") as feed:
        rows = list(csv.DictReader(feed))
    with (shop / "truth.csv").open(encoding="utf-8", newline="") as table:
        truth = list(csv.DictReader(table))
    digests: list[str | None] = []
    hashes = np.zeros(len(rows), dtype=np.uint64)
    for number, row in enumerate(rows):
        try:
            picture = decode_picture((shop / row["image"]).read_bytes())
        except UnreadablePictureError:
            digests.append(None)
            continue
        digests.append(picture.digest)
        hashes[number] = perceptual_hash(picture.encoded)
    columns = {name: [row[name] or None for row in rows] for name in rows[0]}
    titles = [clean_title(title) for title in columns["title"]]
    catalogs = columns["catalog_id"]
    placeholders = placeholder_pictures(digests, [c or t for c, t in zip(catalogs, titles, strict=True)])
    return truth, ListingColumns(
        titles=titles,
        sellers=columns["seller"],
        image_hashes=digests,
        perceptual_hashes=hashes,
        telling=np.array([digest is not None and digest not in placeholders for digest in digests]),
        catalog_ids=catalogs,
        facts={name: columns[name] for name in ("gtin", "model_number", "brand")},
    )


def judge(shop: Path) -> Confirm:
    """The judge of pictures, over the feed's files."""
    with (shop / "feed.csv").open(encoding="utf-8", newline="") as feed:
        files = [shop / row["image"] for row in csv.DictReader(feed)]

    def confirm(later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
        pairs = zip(later.tolist(), earlier.tolist(), strict=True)
        return np.array([same_picture(files[one].read_bytes(), files[two].read_bytes()) for one, two in pairs])

    return confirm


def main() -> None:
    """Find, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shop", type=Path)
    parser.add_argument("--radius", type=int, nargs="+", default=[4, 6, 8, 10, 12])
    args = parser.parse_args()
    truth, listings = read_shop(args.shop)
    place = {row["product_id"]: number for number, row in enumerate(truth)}
    expected = np.array([place.get(row["duplicate_of"], -1) for row in truth])
    near = np.array(["near_duplicate" in row["defects"] for row in truth])
    print(f"{len(truth):,} listings, {(expected >= 0).sum()} duplicates, {near.sum()} of them near")
    for radius in args.radius:
        for how, confirm in (("hash", None), ("hash and pixels", judge(args.shop))):
            found = find_near_duplicates(listings, radius=radius, confirm=confirm).originals
            right = (found >= 0) & (found == expected)
            print(
                f"radius {radius}, {how}: precision {right.sum() / max((found >= 0).sum(), 1):.4f}, "
                f"recall {right.sum() / (expected >= 0).sum():.4f}, of near ones {right[near].mean():.4f}"
            )


if __name__ == "__main__":
    main()
