"""How many members of planted rings `eclip sellers` finds, and whom it accuses wrongly, on drawn shops.

python benchmarks/sellers/rings.py --products 300 --sellers 20 --rings 2 --seeds 1 2 3 --share 0.1
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np

import eclip.sample.rings
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.sample.shop import draw_shop
from eclip.sellers.findings import Suspects
from eclip.sellers.study import study_sellers


def main() -> None:
    """Draw, prepare and study each shop; print its rings, and the totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("products", 300), ("sellers", 20), ("rings", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--share", type=float, default=eclip.sample.rings.REPOSTED_SHARE)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    eclip.sample.rings.REPOSTED_SHARE = given.share
    totals = np.zeros(3, dtype=np.int64)
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as name:
            totals += measured(Path(name), given.products, given.sellers, given.rings, seed)
    hit, found, planted = totals.tolist()
    print(
        f"precision {hit / max(1, found):.3f} ({hit} of {found}),"
        f" recall {hit / max(1, planted):.3f} ({planted} planted)"
    )


def measured(folder: Path, products: int, sellers: int, rings: int, seed: int) -> np.ndarray:
    """Members found rightly, found, and planted, of one shop."""
    drawn = draw_shop(folder / "shop", num_products=products, num_sellers=sellers, seed=seed, num_rings=rings)
    prepare_store(drawn.feed, folder / "store", images=None, columns="", category_separator=None)
    nobody = Suspects(rows=np.zeros(0, dtype=np.int64), reasons=[])
    study = study_sellers(Store.open(folder / "store"), lambda _: nobody)
    planted: dict[str, str] = {}
    if drawn.rings is not None:
        with drawn.rings.open(encoding="utf-8", newline="") as file:
            planted = {row["seller"]: row["ring"] for row in csv.DictReader(file)}
    names = study.listings.seller_names
    groups = [[names[member] for member in ring.members] for ring in study.rings]
    for ring, group in zip(study.rings, groups, strict=True):
        told = ", ".join(f"{name} ({planted.get(name, 'honest')})" for name in group)
        print(f"seed {seed}: {len(ring.rows)} of {ring.listings} shared: {told}")
    found = {name for group in groups for name in group}
    return np.array([len(found & set(planted)), len(found), len(planted)])


if __name__ == "__main__":
    main()
