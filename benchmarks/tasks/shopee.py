"""Groups of one product on Shopee from titles and 64-bit picture hashes alone.

    python benchmarks/tasks/shopee.py

Whole groups are parted at random: 70 % are learned from (what joins two listings is chosen on folds of them that were
held out), 30 % are clustered as a feed of their own. Mark: mean over listings of the F1 between the true group and the
predicted one, the listing itself included (the metric of the Kaggle competition), .75.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pyarrow.csv as arrow_csv

from eclip.metrics import cluster_scores, mean_member_f1
from eclip.tasks.clustering.catalogs import cluster_listings, fit_clustering
from eclip.tasks.clustering.listings import Listings

TEST_SHARE = 0.3


def main() -> None:
    """Print a line a seed: equal pictures, equal titles, and learned clusters."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0,1,2")
    options = parser.parse_args()
    table = arrow_csv.read_csv(Path(os.environ["ECLIP_DATA"]) / "shopee" / "products.csv").to_pydict()
    hashes = [int(each, 16) for each in table["image_phash"]]
    listings = Listings.of_columns({"title": table["title"], "perceptual_hash": hashes})
    truth = np.unique(table["catalog_id"], return_inverse=True)[1]
    for seed in map(int, options.seeds.split(",")):
        shuffled = np.random.default_rng(seed).permutation(int(truth.max()) + 1)
        asked = np.isin(truth, shuffled[: round(TEST_SHARE * len(shuffled))])
        rows, test = np.flatnonzero(~asked), np.flatnonzero(asked)
        started = time.monotonic()
        model = fit_clustering(listings.take(rows), truth[rows], figure=mean_member_f1, seed=seed)
        assert model is not None
        fitted = time.monotonic()
        found = cluster_listings(listings.take(test), model).clusters
        seconds = time.monotonic() - fitted
        scores = cluster_scores(truth[test], found)
        plain = np.unique(np.array(hashes, dtype=np.uint64)[test], return_inverse=True)[1]
        titles = np.unique([table["title"][row].casefold() for row in test], return_inverse=True)[1]
        print(
            f"seed {seed}, {len(test)} listings: mean F1 {mean_member_f1(truth[test], found):.3f} (equal pictures "
            f"{mean_member_f1(truth[test], plain):.3f}, equal titles {mean_member_f1(truth[test], titles):.3f}) "
            f"pairwise F1 {scores.pairwise_f1:.3f} P {scores.pairwise_precision:.3f} R {scores.pairwise_recall:.3f} "
            f"B3 {scores.bcubed_f1:.3f} ARI {scores.ari:.3f} purity {scores.purity:.3f} "
            f"bar {model.bar} missing {model.missing} fit {fitted - started:.0f} s cluster {seconds:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
