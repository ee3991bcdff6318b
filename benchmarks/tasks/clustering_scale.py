"""How clusters, time and memory change from a thousand to a million listings.

    python benchmarks/tasks/clustering_scale.py --sizes 1000 10000 100000 1000000

Listings are PriceRunner's and disguised copies of them: in a copy every word that holds a digit and letters gets other
letters and digits, the same in all titles of a product, so that a copy's products are others with the same noise. The
model is fitted once, on products that are not clustered. Each size runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import re
import time
from pathlib import Path

import numpy as np
import pyarrow.csv as arrow_csv

from eclip.metrics import cluster_scores
from eclip.tasks.clustering.catalogs import cluster_listings, fit_clustering
from eclip.tasks.clustering.edgemodel import EdgeModel
from eclip.tasks.clustering.listings import Listings

_WORD = re.compile(r"[a-z0-9]+")
NUM_FITTED = 6000  # listings of the products learned from


def disguised(title: str, key: str) -> str:
    """The title with other letters and digits in its codes, the same for every title of one key."""

    def other(found: re.Match[str]) -> str:
        word = found[0]
        if len(word) < 5 or word.isalpha() or word.isdigit():
            return word
        drawn = random.Random(f"{key} letters")
        letters = dict(zip("abcdefghijklmnopqrstuvwxyz", drawn.sample("abcdefghijklmnopqrstuvwxyz", 26), strict=True))
        letters |= dict(zip("0123456789", drawn.sample("0123456789", 10), strict=True))
        return "".join(letters.get(sign, sign) for sign in word)

    return _WORD.sub(other, title)


def drawn_listings(table: dict[str, list[object]], rows: np.ndarray, num: int) -> tuple[Listings, np.ndarray]:
    """`num` listings: whole products of `rows` and of copies of them, and their products."""
    titles, sellers, truth = [], [], []
    copy = 0
    while len(titles) < num:
        for row in rows[: num - len(titles)].tolist():
            product = f"{table['catalog_id'][row]} {copy}"
            title = str(table["title"][row])
            titles.append(disguised(title, product) if copy else title)
            sellers.append(str(table["seller_id"][row]))
            truth.append(product)
        copy += 1
    return Listings.of_columns({"title": titles, "seller": sellers}), np.unique(truth, return_inverse=True)[1]


def peak_megabytes() -> float:
    """The most memory that this process had; the system's `ru_maxrss` would be that of the one which started it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def measure(size: int, model: dict[str, object], table: dict[str, list[object]], rows: np.ndarray) -> None:
    """Print one line."""
    listings, truth = drawn_listings(table, rows, size)
    before = peak_megabytes()
    started, worked = time.monotonic(), time.process_time()
    found = cluster_listings(listings, EdgeModel.from_json(model)).clusters
    seconds, processor = time.monotonic() - started, time.process_time() - worked
    grown = peak_megabytes() - before
    scores = cluster_scores(truth, found)
    print(
        f"{size:>9,} F1 {scores.pairwise_f1:.3f} P {scores.pairwise_precision:.3f} R {scores.pairwise_recall:.3f} "
        f"B3 {scores.bcubed_f1:.3f} ARI {scores.ari:.3f} NMI {scores.nmi:.3f} purity {scores.purity:.3f} "
        f"{seconds:.0f} s ({processor:.0f} s of processor) {grown:,.0f} MB more than the listings",
        flush=True,
    )


def main() -> None:
    """Fit once, then a line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--model", type=Path, help="keep the fitted model here, and take it from here")
    options = parser.parse_args()
    table = arrow_csv.read_csv(Path(os.environ["ECLIP_DATA"]) / "pricerunner" / "products.csv").to_pydict()
    products = np.array(table["catalog_id"])
    names = np.random.default_rng(0).permutation(np.unique(products))
    place = np.empty(int(names.max()) + 1, dtype=np.int64)
    place[names] = np.arange(len(names))
    order = np.argsort(place[products], kind="stable")  # whole products, shuffled
    end = int(np.searchsorted(place[products][order], place[products][order[NUM_FITTED]]))
    if options.model and options.model.exists():
        model = json.loads(options.model.read_text())
    else:
        learned = order[:end]
        columns = {
            "title": [table["title"][r] for r in learned],
            "seller": [str(table["seller_id"][r]) for r in learned],
        }
        fitted = fit_clustering(Listings.of_columns(columns), products[learned], seed=0)
        assert fitted is not None
        model = fitted.as_json()
        if options.model:
            options.model.write_text(json.dumps(model))
    for size in options.sizes:
        process = multiprocessing.get_context("spawn").Process(target=measure, args=(size, model, table, order[end:]))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
