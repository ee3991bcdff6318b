"""How well `eclip prepare --check-with` finds wrong pairs of picture and title whose truth is known.

eclip sample shop --products 2500 --sellers 30 && eclip prepare shop/feed.csv --store store
eclip train store --out model --recipe small --minutes 2
eclip prepare shop/feed.csv --store store --update --check-with model
python benchmarks/prepare/pair_agreement.py shop store        # against the shop's truth

python benchmarks/prepare/pair_agreement.py swap 9000 swapped  # fashion, 1 in 20 pictures swapped; needs ECLIP_DATA
eclip prepare swapped/feed.parquet --store fashion --columns image=image_bytes,attributes.colour=baseColour
eclip train fashion --out fashion-model --recipe small --minutes 8
eclip prepare swapped/feed.parquet --store fashion --columns ... --update --check-with fashion-model
python benchmarks/prepare/pair_agreement.py swapped fashion
"""

from __future__ import annotations

import csv
import itertools
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from eclip.metrics import average_precision
from eclip.products.manifest import PAIRS_CHECK
from eclip.products.store import Store
from eclip.products.wholefeed import PLACEHOLDER

SWAPPED_SHARE = 0.05
BANDS = (1, 10, 30, 100, 300, 10**9)  # listings of a category
BINS = (0, 0.1, 0.5, 0.9, 0.99, 1.01)


def main(truth: Path, store: Path) -> None:
    """Print how well the scores of a checked store find the wrong pairs."""
    opened = Store.open(store)
    columns = ["product_id", "title", "category", "split", "review_flags", "pair_score", "weight"]
    rows = [row for row in opened.table(columns).to_pylist() if row["pair_score"] is not None]
    rows = [row for row in rows if PLACEHOLDER not in (row["review_flags"] or ())]
    known = shop_truth(truth) if (truth / "truth.csv").is_file() else swapped_truth(truth)
    wrong = np.array([known[row["product_id"]] for row in rows])
    scores, weights = (np.array([row[name] for row in rows]) for name in ("pair_score", "weight"))
    print(
        f"{len(rows)} pairs, wrong {wrong.mean():.4f}, estimated {opened.manifest[PAIRS_CHECK]['wrong_share']}, "
        f"own pictures before strangers' {opened.manifest[PAIRS_CHECK]['separation']}"
    )
    print(f"average precision {average_precision(wrong, -scores):.3f}")
    dropped = weights == 0
    print(
        f"dropped {dropped.sum()}: precision {wrong[dropped].mean():.3f}, recall {dropped[wrong].mean():.3f}; of right "
        f"pairs {dropped[~wrong].mean():.4f} dropped, {(weights[~wrong] < 0.9).mean():.4f} weigh under .9"
    )
    for low, high in itertools.pairwise(BINS):
        some = (scores >= low) & (scores < high)
        if some.any():
            mean, right = scores[some].mean(), 1 - wrong[some].mean()
            print(f"score {low} to {high}: {some.sum()} pairs, mean {mean:.3f}, right {right:.3f}")
    print_bands(rows, wrong, weights)


def print_bands(rows: list[dict[str, Any]], wrong: np.ndarray, weights: np.ndarray) -> None:
    """Right pairs that are harmed, by how many listings their category has: rare is not wrong."""
    paths = [tuple(row["category"] or ()) for row in rows]
    sizes = Counter(paths)
    size = np.array([sizes[path] if path else 0 for path in paths])
    for low, high in itertools.pairwise((0, *BANDS)):
        some = (size >= low) & (size < high) & ~wrong
        if some.any():
            name = "no category" if low == 0 else f"category of {low} to {high - 1}"
            harmed = weights[some]
            shares = f"dropped {(harmed == 0).mean():.4f}, under .9 {(harmed < 0.9).mean():.4f}"
            print(f"{name}: {some.sum()} right pairs, {shares}")


def shop_truth(shop: Path) -> dict[str, bool]:
    """Product id -> whether its picture shows another product, of a drawn shop."""
    with (shop / "truth.csv").open(encoding="utf-8", newline="") as file:
        return {row["product_id"]: row["picture_of"] not in ("", row["product_key"]) for row in csv.DictReader(file)}


def swapped_truth(folder: Path) -> dict[str, bool]:
    """Product id -> whether its picture was swapped, of a feed that `swap` made."""
    table = pq.read_table(folder / "truth.parquet")
    return dict(zip(table["product_id"].to_pylist(), table["swapped"].to_pylist(), strict=True))


def swap(num_rows: int, folder: Path) -> None:
    """Write some rows of fashion, one picture in twenty handed on to the next of the chosen, whatever it shows."""
    if "ECLIP_DATA" not in os.environ:
        print("skipped: ECLIP_DATA names no folder of real data")
        return
    table = pq.read_table(Path(os.environ["ECLIP_DATA"]) / "fashion" / "products.parquet")
    rng = np.random.default_rng(0)
    table = table.take(np.sort(rng.permutation(table.num_rows)[:num_rows]))
    pictures = table["image_bytes"].to_pylist()
    there = np.array([row for row, picture in enumerate(pictures) if picture])
    chosen = rng.permutation(there)[: round(SWAPPED_SHARE * len(pictures))]
    shown = list(pictures)
    for row, other in zip(chosen, np.roll(chosen, 1), strict=True):
        shown[row] = pictures[other]
    place = table.schema.get_field_index("image_bytes")
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.set_column(place, "image_bytes", pa.array(shown, pa.binary())), folder / "feed.parquet")
    ids = pa.array([str(each) for each in table["product_id"].to_pylist()])
    swapped = pa.array(np.isin(np.arange(table.num_rows), chosen))
    pq.write_table(pa.table({"product_id": ids, "swapped": swapped}), folder / "truth.parquet")


if __name__ == "__main__":
    if sys.argv[1] == "swap":
        swap(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
