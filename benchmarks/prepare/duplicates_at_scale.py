"""Everything that needs a view of all rows, over drawn keys of growing shops: seconds and memory.

    python benchmarks/prepare/duplicates_at_scale.py --rows 10000 100000 1000000

Each size runs in a process of its own, timed in processor seconds after compiling. One row in ten repeats
another; a tenth of the rows has no picture.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from typing import Any

import numpy as np

from eclip.products.duplicates.components import loss_groups
from eclip.products.duplicates.exact import find_duplicates, placeholder_pictures
from eclip.products.duplicates.index import DuplicateIndex
from eclip.products.duplicates.keys import ListingColumns


def draw_listings(num: int, *, seed: int = 0) -> ListingColumns:
    """Listings of num/100 sellers."""
    rng = np.random.default_rng(seed)
    words = np.array([f"word{k}" for k in range(20_000)], dtype=object)
    titles = [" ".join(words[row]) for row in rng.integers(0, len(words), (num, 6))]
    hashes = rng.integers(0, 2**64, num, dtype=np.uint64)
    sellers = [f"seller {k}" for k in rng.integers(0, num // 100 + 1, num).tolist()]
    catalogs: list[str | None] = [f"c{k}" if k % 2 else None for k in rng.integers(0, num, num).tolist()]
    for row in rng.choice(num, num // 10, replace=False).tolist():
        other = int(rng.integers(0, num))
        titles[row], sellers[row], catalogs[row] = f"{titles[other]} new", sellers[other], catalogs[other]
        hashes[row] = hashes[other] ^ np.uint64(1 << int(rng.integers(0, 64)))
    telling = rng.random(num) < 0.9
    digests = [f"{word:016x}" if told else None for word, told in zip(hashes.tolist(), telling.tolist(), strict=True)]
    return ListingColumns(
        titles=titles,
        sellers=sellers,
        image_hashes=digests,
        perceptual_hashes=hashes,
        telling=telling,
        catalog_ids=catalogs,
    )


def measured(num: int) -> dict[str, Any]:
    """Processor seconds of each step and the peak in GB, drawing included."""
    listings, seconds = draw_listings(num), {}
    for warm, shop in ((True, draw_listings(300)), (False, listings)):
        steps = {
            "exact": lambda shop=shop: find_duplicates(shop.titles, shop.sellers, shop.image_hashes, shop.catalog_ids),
            "placeholders": lambda shop=shop: placeholder_pictures(shop.image_hashes, shop.titles),
            "loss groups": lambda shop=shop: loss_groups(shop.titles, shop.image_hashes, shop.catalog_ids),
            "near, with index": lambda shop=shop: DuplicateIndex.build(shop),
        }
        for name, step in steps.items():
            started = time.process_time()
            step()
            if not warm:
                seconds[name] = round(time.process_time() - started, 2)
    return {**seconds, "peak GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)}


def main() -> None:
    """Measure each size, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    args = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for num in args.rows:
            print(f"{num:,} rows: {pool.apply(measured, (num,))}", flush=True)


if __name__ == "__main__":
    main()
